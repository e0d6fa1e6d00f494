"""`wabase media`: what waits or has ended badly, once more, and whether the files are those that the rows tell of."""

from __future__ import annotations

from uuid import UUID

import click

from ops import shown
from ops.asked import sure
from ops.media_verify import Verifier
from ops.progress import Progress
from ops.project import Project, as_json, run
from store.errors import Rejected
from store.media import Filters, Row

WAITING, LOST = ("pending", "downloading"), ("failed", "expired", "corrupt")
LISTED = ("id", "number", "type", "state", "code", "attempts", "due", "deadline")
# The database's own codes; others say that it could not be asked.
OUR_CODES = "WA"
# Asked about before so many files are asked for again.
MANY = 1000
# Ids have one width, so a line can be told before the next one is known.
LINE = "{problem:<8}  {message_id:<36}  {path}  {recorded} -> {found}"

of_workspace = click.option("--workspace", type=click.UUID, help="Only this workspace.")
of_number = click.option("--number", help="Only the number with this phone number id.")


@click.group(
    help="Files that customers sent: why one is not there, once more, and whether all are what they should be."
)
def media() -> None:
    pass


@media.command("list", help="What waits, the soonest to vanish first, then what has ended badly, the newest first.")
@of_workspace
@of_number
@click.option("--state", type=click.Choice((*WAITING, *LOST, "stored")))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@as_json
def list_media(workspace: UUID | None, number: str | None, state: str | None, limit: int, as_json: bool) -> None:
    async def command(project: Project) -> int:
        chosen = _filters(workspace, number)
        rows: list[Row] = []
        if state is None or state in WAITING:
            among = [("media_status", f"eq.{state}")] if state else []
            rows = await project.media.waiting(chosen + among, limit)
        if state not in WAITING and len(rows) < limit:
            among = [("media_status", f"eq.{state}" if state else f"in.({','.join(LOST)})")]
            rows += await project.media.ended(chosen + among, limit - len(rows))
        if as_json:
            shown.as_json(rows)
        else:
            shown.table(LISTED, [_line(row) for row in rows])
        return 0

    run(command)


def _filters(workspace: UUID | None, number: str | None) -> Filters:
    chosen = [("workspace_id", f"eq.{workspace}")] if workspace else []
    return chosen + ([("connection.phone_number_id", f"eq.{number}")] if number else [])


def _line(row: Row) -> list[object]:
    moments = [row[name] and row[name][:19] for name in ("due", "deadline")]
    return [*(row[name] for name in ("id", "number", "type", "media_status", "code", "attempts")), *moments]


@media.command("retry", help="Asks WhatsApp for files once more. At least an id, or --state.")
@click.argument("message_ids", nargs=-1, type=click.UUID)
@click.option("--state", type=click.Choice(LOST), help="All that ended so.")
@of_workspace
@of_number
@click.option("--yes", is_flag=True, help="Do not ask, however many there are.")
@as_json
def retry_files(  # noqa: PLR0917 - click passes each option
    message_ids: tuple[UUID, ...],
    state: str | None,
    workspace: UUID | None,
    number: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    if not (message_ids or state):
        raise click.UsageError("Say which: ids or --state.")
    if message_ids and (state or workspace or number):
        raise click.UsageError("Ids stand alone: without --state, --workspace and --number.")

    async def command(project: Project) -> int:
        ids = list(dict.fromkeys(map(str, message_ids)))
        if state:
            chosen = [*_filters(workspace, number), ("media_status", f"eq.{state}")]
            ids = [message_id async for page in project.media.ids(chosen) for message_id in page]
        if len(ids) > MANY and not yes:
            sure(f"Ask for {len(ids)} files?")
        queued: list[str] = []
        with Progress() as progress:
            for done, message_id in enumerate(ids, 1):
                if await _asked_again(project, message_id, progress):
                    queued.append(message_id)
                progress.count("files asked for", done, len(ids))
        if as_json:
            shown.as_json({"queued": queued, "refused": [one for one in ids if one not in set(queued)]})
        else:
            click.echo(f"{len(queued)} files queued once more.")
        return 0 if len(queued) == len(ids) else 1

    run(command)


async def _asked_again(project: Project, message_id: str, progress: Progress) -> bool:
    try:
        await project.media.retry_media(message_id)
    except Rejected as error:
        if not error.code.startswith(OUR_CODES):
            raise
        progress.say(f"Message {message_id} is not fetched again. {error}.")
        return False
    return True


@media.command(
    "verify", help="Holds files against messages and objects against both. Changes nothing without --repair."
)
@of_workspace
@click.option("--sizes-only", is_flag=True, help="Do not read the bytes: no SHA-256 is compared.")
@click.option("--repair", is_flag=True, help="Fetch anew what is missing or wrong, remove what nobody names.")
@as_json
def verify_media(workspace: UUID | None, sizes_only: bool, repair: bool, as_json: bool) -> None:
    async def command(project: Project) -> int:
        differences: list[Row] = []
        with Progress() as progress:

            def tell(difference: Row) -> None:
                progress.make_way()
                _tell(difference)

            verdict = await Verifier(
                rpc=project.rpc,
                files=project.files,
                workspace_id=str(workspace) if workspace else None,
                hashes=not sizes_only,
                repair=repair,
                tell=differences.append if as_json else tell,
                count=progress.count,
            ).verify()
        if as_json:
            shown.as_json(vars(verdict) | {"differences": differences})
        else:
            click.echo(
                f"{verdict.messages} messages with a file, {verdict.objects} objects, {verdict.hashed} files read: "
                f"{verdict.differences} differences."
            )
        return 1 if verdict.differences else 0

    run(command)


def _tell(difference: Row) -> None:
    told = {name: "-" if value is None else shown.plain(value) for name, value in difference.items()}
    click.echo(LINE.format(**told) + (f"  {told['repair']}" if "repair" in told else ""))
