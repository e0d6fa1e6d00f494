"""`wabase migrate`: a number goes to another provider, account or phone number id, and its threads stay where they are.

Sending stops, what is in flight ends, the row changes in one transaction, webhooks come from the new place, sending
goes on. Killed at any point, the same command goes on from there.
"""

from __future__ import annotations

import asyncio
import time

import click

from ops import shown
from ops.asked import secret, sure
from ops.project import NO_SUPABASE, Project, as_json
from ops.provider import Stop, account, say, steps
from ops.registration import LOOK_SECONDS, identify, meta_callback, ready, register, written
from ops.rotate import KEYS
from ops.settings import Settings
from store.errors import Rejected
from store.numbers import Numbers, Row

# The status_reason of a number between its two places (record_migration).
MIGRATION = "migration"
# Longer than a lease of the worker's: after that nobody is sending any more.
DRAIN_SECONDS = 90.0
BATCH = 10_000


@click.command(help="Moves a number to another provider, account or phone number id; its conversations stay.")
@click.argument("number")
@click.option("--to-provider", required=True, type=click.Choice(tuple(KEYS)))
@click.option("--phone-number-id", required=True, help="Its id there; the same as now, if it keeps it.")
@click.option("--waba-id", help="Its account there; needed for Meta.")
@click.option("--yes", is_flag=True, help="Do not ask about files that have still to be fetched.")
@as_json
def migrate(  # noqa: PLR0917 - click passes each option
    number: str, to_provider: str, phone_number_id: str, waba_id: str | None, yes: bool, as_json: bool
) -> None:
    if to_provider == "meta" and not waba_id:
        raise click.UsageError("--waba-id is needed for Meta.")

    async def command(project: Project, settings: Settings) -> int:
        found = await project.numbers.find(number)
        if found is None:
            raise Stop(f"There is no number {number}.", "`wabase numbers` lists them.")
        ready(settings, to_provider)
        key = secret(KEYS[to_provider])
        place: Row = {"provider": to_provider, "phone_number_id": phone_number_id, "waba_id": waba_id}
        async with account(settings, place, key) as client:
            health = await identify(client, place)
            # Where WhatsApp does not say, a number that keeps its id has kept its account.
            kept = found["waba_id"] if found["phone_number_id"] == phone_number_id else None
            place["waba_id"] = waba_id or health.waba_id or kept
            moves = any(found[name] != value for name, value in place.items())
            if moves and not yes:
                await _ask_about_files(project.numbers, found)
            await _move(project, found, moves, {**place, "display_phone_number": written(health), "credential": key})
            webhook = await register(client, settings, place)
        if to_provider == "meta":
            meta_callback(settings)
        await _finish(project, found["id"])
        answer = await _answer(project.numbers, phone_number_id) | {"webhook": webhook}
        shown.as_json(answer) if as_json else shown.fields(answer)
        return 0

    steps(command)


async def _move(project: Project, found: Row, moves: bool, place: Row) -> None:
    """The connection's row stands at the new place, with its key. Raises Stop, and then all is as it was."""
    stopped = moves and found["status"] == "active"
    if stopped:
        await project.outbox.pause_connection(found["id"], MIGRATION)
    moved = False
    try:
        if moves:
            await _drain(project.numbers, found["id"])
        # The provider has shown whose the id is: who has only written it down has it no longer.
        await project.rpc.release_claims(place["phone_number_id"], None, found["workspace_id"])
        await project.rpc.record_migration(found["id"], **place)
        moved = True
    except Rejected as error:
        if error.code != "WA035":
            raise
        raise Stop(
            f"The id {place['phone_number_id']} is, or was, another connection's.",
            "`wabase numbers` shows which; where it should not be, `wabase disconnect NUMBER --free-id` lets it go.",
        ) from error
    finally:
        if stopped and not moved:
            await project.outbox.resume_connection(found["id"])


async def _ask_about_files(numbers: Numbers, found: Row) -> None:
    waiting = await numbers.files_waiting(found["id"])
    if waiting:
        say(f"Files of the number that have still to be fetched: {waiting}. Its new key may not reach them.")
        sure("Move it all the same?")


async def _drain(numbers: Numbers, connection_id: str) -> None:
    """Waits until nothing of the number is being sent."""
    until = time.monotonic() + DRAIN_SECONDS
    while flying := await numbers.in_flight(connection_id):
        if time.monotonic() > until:
            raise Stop(
                f"{flying} messages are still being sent after {DRAIN_SECONDS:g} seconds.",
                "Nothing was changed. Look at the workers, then run the same command again.",
                NO_SUPABASE,
            )
        await asyncio.sleep(LOOK_SECONDS)


async def _finish(project: Project, connection_id: str) -> None:
    """Threads bear the new id, what came under it before is applied, and the queue goes on."""
    told = 0
    while batch := await project.rpc.sweep_migration(connection_id, BATCH):
        told += batch
    if told:
        say(f"{told} conversations moved along.")
    if any(row["status_reason"] == MIGRATION for row in await project.numbers.all(id=f"eq.{connection_id}")):
        await project.outbox.resume_connection(connection_id)


async def _answer(numbers: Numbers, phone_number_id: str) -> Row:
    now = await numbers.find(phone_number_id)
    if now is None:
        raise Stop(f"The number {phone_number_id} has just been removed.", "`wabase numbers` shows what is left.")
    if now["status"] == "disconnected":
        say(f"It is disconnected, as it was. `wabase connect {now['provider']}` with the same key lets it go on.")
    elif now["status"] != "active":
        say(f"It sends nothing yet: {now['status_reason']}. `wabase resume {phone_number_id}` lets it go on.")
    named = {"number": "phone_number_id", "connection_id": "id"}
    named |= {name: name for name in ("workspace_id", "provider", "waba_id", "former_ids", "status", "status_reason")}
    return {name: now[source] for name, source in named.items()}
