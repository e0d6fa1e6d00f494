"""`wabase outbound`: what waits or failed and why, once more, and numbers that stop and go on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click

from ops import shown
from ops.explained import in_words
from ops.project import Moment, Project, as_json, run
from ops.switches import pause, resume
from store.errors import Rejected
from store.outbox import NO_SUCH, Filters, Row

WAITING, ENDED = ("queued", "sending", "uncertain"), ("failed", "canceled")
LISTED = ("id", "created_at", "number", "type", "status", "attempts", "error")
# Why a message was not sent once more, by what retry_message raises.
NOT_RETRIED = {
    NO_SUCH: "There is no message {id}, or its conversation is gone.",
    "WA008": "Message {id} has not failed; `wabase outbound explain {id}` says how it stands.",
    "WA001": "Message {id} is no template, and the 24 hours of its conversation are over.",
}


@click.group(help="Messages on their way out: why they wait, once more, and numbers that stop and go on.")
def outbound() -> None:
    pass


@outbound.command("list", help="What waits, then what has failed, each oldest first; without anybody's words.")
@click.option("--number", help="The phone number id they go out by.")
@click.option("--status", type=click.Choice((*WAITING, *ENDED)))
@click.option("--since", type=Moment(), help="Written at or after.")
@click.option("--until", type=Moment(), help="Written before.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@as_json
def list_messages(  # noqa: PLR0917 - click passes each option
    number: str | None, status: str | None, since: datetime | None, until: datetime | None, limit: int, as_json: bool
) -> None:
    chosen = _filters(number, since, until)

    async def command(project: Project) -> int:
        rows: list[Row] = []
        if status not in ENDED:
            among = [("status", f"eq.{status}")] if status else []
            rows = await project.outbox.waiting(chosen + among, limit)
        if status not in WAITING and len(rows) < limit:
            among = [("status", f"eq.{status or 'failed'}")]
            rows += await project.outbox.ended(chosen + among, limit - len(rows))
        if as_json:
            shown.as_json(rows)
        else:
            shown.table(LISTED, [_line(row) for row in rows])
        return 0

    run(command)


def _filters(number: str | None, since: datetime | None, until: datetime | None) -> Filters:
    chosen = [("connection.phone_number_id", f"eq.{number}")] if number else []
    chosen += [("created_at", f"gte.{since.isoformat()}")] if since else []
    return chosen + ([("created_at", f"lt.{until.isoformat()}")] if until else [])


def _line(row: Row) -> list[object]:
    error = " ".join(word for word in (row["code"], row["class"]) if word) or None
    return [row["id"], row["created_at"][:19], *(row[name] for name in ("number", "type", "status", "attempts")), error]


@outbound.command("explain", help="Why a message waits, and until when.")
@click.argument("message_id", type=click.UUID)
@as_json
def explain_message(message_id: UUID, as_json: bool) -> None:
    async def command(project: Project) -> int:
        answer = await project.outbox.explain_outbound(str(message_id))
        if answer is None:
            click.echo(f"There is no message {message_id}.", err=True)
            return 1
        if as_json:
            shown.as_json(answer)
        else:
            shown.fields({"reason": answer["reason"], "until": answer["until"], "detail": in_words(answer)})
        return 0

    run(command)


@outbound.command(
    "retry", help="Sends failed or canceled messages once more, at the end of their conversations' lines."
)
@click.argument("message_ids", nargs=-1, required=True, type=click.UUID)
@as_json
def retry_messages(message_ids: tuple[UUID, ...], as_json: bool) -> None:
    async def command(project: Project) -> int:
        ended: dict[str, list[str]] = {"queued": [], "refused": []}
        for message_id in map(str, dict.fromkeys(message_ids)):
            try:
                await project.outbox.retry_message(message_id)
            except Rejected as error:
                if error.code not in NOT_RETRIED:
                    raise
                click.echo(NOT_RETRIED[error.code].format(id=message_id), err=True)
                ended["refused"].append(message_id)
            else:
                ended["queued"].append(message_id)
        if as_json:
            shown.as_json(ended)
        else:
            click.echo(f"{len(ended['queued'])} messages queued once more.")
        return 1 if ended["refused"] else 0

    run(command)


outbound.add_command(pause)
outbound.add_command(resume)
