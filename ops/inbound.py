"""`wabase inbound`: the journal of webhooks as an operator sees it, and events applied once more."""

from __future__ import annotations

from datetime import datetime

import click

from ops import journal, shown
from ops.asked import sure
from ops.progress import Progress
from ops.project import Moment, Project, as_json, run

STATES = ("received", "processed", "unrouted", "failed")
LISTED = ("id", "received_at", "provider", "number or waba", "state", "attempts", "kinds", "error")
# Asked about before so many events are sent back.
MANY = 1000
# What Postgres has room for.
EVENT_ID = click.IntRange(1, 2**63 - 1)


@click.group(help="The journal of webhooks: look at it, apply it once more.")
def inbound() -> None:
    pass


@inbound.command("list", help="The newest events, without anybody's words.")
@click.option("--state", type=click.Choice(STATES))
@click.option("--number", help="The phone number id whose URL they came in by.")
@click.option("--kind", help="What was in them, like messages.text, statuses.read or account_update.")
@click.option("--since", type=Moment(), help="Received at or after.")
@click.option("--until", type=Moment(), help="Received before.")
@click.option("--after-id", type=click.IntRange(0, EVENT_ID.max), help="Newer than this event.")
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
@click.argument("event_id", type=EVENT_ID)
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
@click.argument("ids", nargs=-1, type=EVENT_ID)
@click.option("--from", "first", type=EVENT_ID, help="All from this id on.")
@click.option("--to", "last", type=EVENT_ID, help="All up to this id.")
@click.option("--number", help="The phone number id whose URL they came in by.")
@click.option("--state", type=click.Choice((*STATES[1:], "all")))
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait that long for them to be applied.")
@click.option("--yes", is_flag=True, help="Do not ask, however many there are.")
@as_json
def replay_events(  # noqa: PLR0917 - click passes each option
    ids: tuple[int, ...],
    first: int | None,
    last: int | None,
    number: str | None,
    state: str | None,
    wait: float,
    yes: bool,
    as_json: bool,
) -> None:
    if not (ids or first or last or number or state):
        raise click.UsageError("Say which: ids, --from and --to, --number or --state.")
    if ids and (first or last or number or state):
        raise click.UsageError("Ids stand alone: without --from, --to, --number and --state.")

    async def command(project: Project) -> int:
        chosen = journal.filters(state=state, number=number) | _range(first, last)
        wanted = await journal.selected(project.events, ids, chosen)
        if len(wanted) > MANY and not yes:
            sure(f"Replay {len(wanted)} events?")
        with Progress() as progress:
            sent_back = await journal.replay(
                project.rpc, wanted, lambda done: progress.count("events sent back", done, len(wanted))
            )
        absent = len(set(ids)) - sent_back if ids else 0
        if absent:
            click.echo(f"{absent} of these events are not there. `wabase inbound list` shows what is.", err=True)
        if not as_json:
            click.echo(f"{sent_back} events sent back.")
        states = await _endings(project, wanted, wait) if wait and wanted else {}
        if as_json:
            shown.as_json({"sent_back": sent_back, "states": states})
        elif states:
            click.echo(", ".join(f"{count} {name}" for name, count in states.items()))
        return 1 if absent or states.keys() & {"received", "failed"} else 0

    run(command)


async def _endings(project: Project, wanted: list[int], wait: float) -> dict[str, int]:
    with Progress() as progress:
        states = await journal.endings(
            project.events, wanted, wait, lambda done: progress.count("events applied", done, len(wanted))
        )
    return {name: count for name, count in sorted(states.items()) if count}


def _range(first: int | None, last: int | None) -> dict[str, str]:
    bounds = [f"id.gte.{first}"] if first else []
    bounds += [f"id.lte.{last}"] if last else []
    return {"or": f"(and({','.join(bounds)}))"} if bounds else {}
