"""`wabase`: settings from the environment, one connection to the project, a command over it.

Exit status: 0 done; 1 verify found differences, a replay did not end well, or there is no such event, message or
number, or something cannot be retried; 2 wrong usage or settings; 3 Supabase does not answer as it should.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click

from ops import inbound as journal
from ops import shown
from ops.media import media
from ops.outbound import outbound
from ops.project import Moment, Project, as_json, run
from ops.tail import tail
from ops.templates import templates
from ops.verify import verify as verify_connections

STATES = ("received", "processed", "unrouted", "failed")
LISTED = ("id", "received_at", "provider", "number or waba", "state", "attempts", "kinds", "error")
# Asked about before so many events are sent back.
MANY = 1000


@click.group(help="Looks after a Wabase installation. Settings: SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY.")
def main() -> None:
    pass


main.add_command(outbound)
main.add_command(media)
main.add_command(templates)
main.add_command(tail)


@main.group(help="The journal of webhooks: look at it, apply it once more.")
def inbound() -> None:
    pass


@inbound.command("list", help="The newest events, without anybody's words.")
@click.option("--state", type=click.Choice(STATES))
@click.option("--number", help="The phone number id whose URL they came in by.")
@click.option("--kind", help="What was in them, like messages.text, statuses.read or account_update.")
@click.option("--since", type=Moment(), help="Received at or after.")
@click.option("--until", type=Moment(), help="Received before.")
@click.option("--after-id", type=int, help="Newer than this event.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@as_json
def list_events(  # noqa: PLR0917 - click passes each option
    state: str | None,
    number: str | None,
    kind: str | None,
    since: datetime | None,
    until: datetime | None,
    after_id: int | None,
    limit: int,
    as_json: bool,
) -> None:
    async def command(project: Project) -> int:
        chosen = journal.filters(state=state, number=number, kind=kind, since=since, until=until, after_id=after_id)
        rows = await project.events.newest(chosen, limit)
        if as_json:
            shown.as_json(rows)
        else:
            shown.table(LISTED, [_line(row) for row in rows])
        return 0

    run(command)


def _line(row: journal.Row) -> list[object]:
    error = (row["error"] or "").partition("\n")[0] or None
    place = row["phone_number_id"] or row["waba_id"]
    return [
        row["id"],
        row["received_at"][:19],
        row["provider"],
        place,
        row["state"],
        row["attempts"],
        row["kinds"],
        error,
    ]


@inbound.command("show", help="One event; its body only with --body: it has people's words.")
@click.argument("event_id", type=int)
@click.option("--body", is_flag=True)
@as_json
def show_event(event_id: int, body: bool, as_json: bool) -> None:
    async def command(project: Project) -> int:
        row = await project.events.one(event_id, with_body=body)
        if row is None:
            click.echo(f"There is no event {event_id}.", err=True)
            return 1
        text = row.pop("body", None) if not as_json else None
        if as_json:
            shown.as_json(row)
        else:
            shown.fields(row)
        if text is not None:
            shown.as_json(text)
        return 0

    run(command)


@inbound.command(
    "replay", help="Sends events back to the beginning; running receivers apply them again. Safe at any time."
)
@click.argument("ids", nargs=-1, type=int)
@click.option("--from", "first", type=int, help="All from this id on.")
@click.option("--to", "last", type=int, help="All up to this id.")
@click.option("--number", help="The phone number id whose URL they came in by.")
@click.option("--state", type=click.Choice((*STATES[1:], "all")))
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait that long for them to be applied.")
@click.option("--yes", is_flag=True, help="Do not ask, however many there are.")
def replay_events(  # noqa: PLR0917 - click passes each option
    ids: tuple[int, ...],
    first: int | None,
    last: int | None,
    number: str | None,
    state: str | None,
    wait: float,
    yes: bool,
) -> None:
    if not (ids or first or last or number or state):
        raise click.UsageError("Say which: ids, --from and --to, --number or --state.")
    if ids and (first or last or number or state):
        raise click.UsageError("Ids stand alone: without --from, --to, --number and --state.")

    async def command(project: Project) -> int:
        chosen = journal.filters(state=state, number=number) | _range(first, last)
        wanted = await journal.selected(project.events, ids, chosen)
        if len(wanted) > MANY and not yes:
            click.confirm(f"Replay {len(wanted)} events?", abort=True)
        click.echo(f"{await journal.replay(project.rpc, wanted)} events sent back.")
        if not wait or not wanted:
            return 0
        states = await journal.endings(project.events, wanted, wait)
        click.echo(", ".join(f"{count} {name}" for name, count in sorted(states.items()) if count))
        return 1 if states["received"] or states["failed"] else 0

    run(command)


def _range(first: int | None, last: int | None) -> dict[str, str]:
    bounds = [f"id.gte.{first}"] if first else []
    bounds += [f"id.lte.{last}"] if last else []
    return {"or": f"(and({','.join(bounds)}))"} if bounds else {}


@main.command(help="Rebuilds messages, statuses and statistics from the journal and compares. Changes nothing.")
@click.option("--workspace", type=click.UUID, help="Only this workspace.")
@click.option("--number", help="Only this phone number id.")
@as_json
def verify(workspace: UUID | None, number: str | None, as_json: bool) -> None:
    async def command(project: Project) -> int:
        chosen = {"workspace_id": f"eq.{workspace}"} if workspace else {}
        chosen |= {"phone_number_id": f"eq.{number}"} if number else {}
        connections = await project.events.connections(chosen)
        if chosen and not connections:
            raise click.UsageError("There is no such number in that workspace, or no workspace with a number.")
        verdict = await verify_connections(
            project.events, project.rpc, connections, lambda words: click.echo(words, err=True)
        )
        if as_json:
            shown.as_json(vars(verdict))
        else:
            if verdict.differences:
                names = ("table", "key", "column", "live", "rebuilt")
                shown.table(names, [[row[name] for name in names] for row in verdict.differences])
            click.echo(
                f"{verdict.events} events, {len(connections)} numbers, {verdict.messages} messages, "
                f"{verdict.statuses} reports, {verdict.conversations} conversations: "
                f"{len(verdict.differences)} differences."
            )
        return 1 if verdict.differences else 0

    run(command)


if __name__ == "__main__":
    main(prog_name="wabase")
