"""`wabase connect`: a number and its key become a connection whose webhooks come here.

The key is stored last, and with it the number begins to send: whatever stops the command before leaves a number that is
paused for its key, and the same command goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from ops import shown
from ops.asked import secret
from ops.project import NO_PROVIDER, WRONG_USAGE, Project, as_json
from ops.provider import WRONG, Stop, account, say, steps
from ops.registration import first_webhook, identify, meta_callback, ready, register, written
from ops.settings import Settings
from ops.switches import short
from store.errors import Rejected
from store.numbers import Numbers, Row
from whatsapp.account import NumberHealth
from whatsapp.errors import WhatsAppError


def taken() -> Stop:
    """A number that is another workspace's; which, is not said here."""
    return Stop(
        "The number cannot be connected here: it is, or was, connected elsewhere in this project.",
        "A number belongs to one workspace. `wabase numbers` shows where; where it should not be,"
        " `wabase disconnect NUMBER --free-id` lets it go.",
    )


@click.group(help="Connects a number: looks it up, registers its webhook, stores its key in Vault.")
def connect() -> None:
    pass


def _where(command: Callable[..., None]) -> Callable[..., None]:
    """The options of both providers."""
    for option in (
        as_json,
        click.option("--wait", default=0.0, metavar="SECONDS", help="Wait that long for its first webhook."),
        click.option(
            "--create-workspace",
            metavar="NAME",
            callback=short,
            help="Make this workspace, if there is none of that name.",
        ),
        click.option("--workspace", type=click.UUID, help="Whose it is; needed when there are several."),
    ):
        command = option(command)
    return command


@connect.command("360dialog", help="By its API key, asked for or read from standard input.")
@_where
def connect_360dialog(workspace: UUID | None, create_workspace: str | None, wait: float, as_json: bool) -> None:
    async def command(project: Project, settings: Settings) -> int:
        ready(settings, "360dialog")
        key = secret("360dialog API key")
        place: Row = {"provider": "360dialog", "phone_number_id": None, "waba_id": None}
        where = Where(project, workspace, create_workspace)
        return await _connect(project, settings, key, place, where, wait, as_json)

    steps(command)


@connect.command("meta", help="By an access token, asked for or read from standard input.")
@click.option("--phone-number-id", required=True, help="The number's id at Meta.")
@click.option("--waba-id", required=True, help="The id of its WhatsApp Business Account.")
@click.option("--register-pin", is_flag=True, help="Also register the number; its PIN is asked for after the token.")
@_where
def connect_meta(  # noqa: PLR0917 - click passes each option
    phone_number_id: str,
    waba_id: str,
    register_pin: bool,
    workspace: UUID | None,
    create_workspace: str | None,
    wait: float,
    as_json: bool,
) -> None:
    async def command(project: Project, settings: Settings) -> int:
        ready(settings, "meta")
        token = secret("Meta access token")
        pin = _pin() if register_pin else None
        place: Row = {"provider": "meta", "phone_number_id": phone_number_id, "waba_id": waba_id}
        where = Where(project, workspace, create_workspace)
        meta_callback(settings)
        return await _connect(project, settings, token, place, where, wait, as_json, pin)

    steps(command)


def _pin() -> str:
    pin = secret("PIN of two-step verification")
    if not (len(pin) == 6 and pin.isdecimal()):
        raise click.UsageError("The PIN has six digits.")
    return pin


async def _connect(  # noqa: PLR0917 - two commands' options
    project: Project,
    settings: Settings,
    key: str,
    place: Row,
    where: Where,
    wait: float,
    in_json: bool,
    pin: str | None = None,
) -> int:
    async with account(settings, place, key) as client:
        health = await identify(client, place)
        connection = await where.connection(place, health)
        before = await project.numbers.newest_event()
        webhook = await register(client, settings, connection)
        if pin is not None:
            await _register_number(client.register_number, pin)
    await project.numbers.set_connection_credential(connection["id"], key)
    answer = await _answer(project.numbers, connection, health, webhook)
    if wait:
        answer["first_webhook"] = await first_webhook(project.numbers, connection["phone_number_id"], before, wait)
    shown.as_json(answer) if in_json else shown.fields(answer)
    if wait and answer["first_webhook"] is None:
        say("The number is connected, but no webhook came: is the receiver up at that address? `wabase doctor` looks.")
        return WRONG
    if answer["status"] != "active":
        say(f"It sends nothing yet: {answer['status_reason']}. `wabase resume {answer['number']}` lets it go on.")
    return 0


async def _register_number(registering: Callable[[str], Any], pin: str) -> None:
    try:
        await registering(pin)
    except WhatsAppError as error:
        raise Stop(
            f"Meta does not register the number: {error}.",
            "Check the PIN; run it again, without --register-pin if the number is registered. Meta allows ten tries in"
            " three days.",
            NO_PROVIDER,
        ) from error
    say("The number is registered.")


async def _answer(numbers: Numbers, connection: Row, health: NumberHealth, webhook: str) -> Row:
    now = await numbers.find(connection["phone_number_id"]) or connection
    return {
        "number": now["phone_number_id"],
        "display_phone_number": health.display_phone_number,
        "name": health.verified_name,
        "provider": now["provider"],
        "waba_id": now["waba_id"],
        "workspace_id": now["workspace_id"],
        "connection_id": now["id"],
        "status": now["status"],
        "status_reason": now["status_reason"],
        "webhook": webhook,
        "problems": list(health.problems),
    }


class Where:
    """The workspace that a number goes to, as the options say, and its connection there: found or made."""

    def __init__(self, project: Project, workspace: UUID | None, create: str | None) -> None:
        if workspace and create:
            raise click.UsageError("--workspace and --create-workspace exclude each other.")
        self._numbers = project.numbers
        self._rpc = project.rpc
        self._workspace = str(workspace) if workspace else None
        self._create = create

    async def connection(self, place: Row, health: NumberHealth) -> Row:
        """The number's connection. Raises Stop where it cannot be here."""
        number = str(health.phone_number_id)
        found = await self._numbers.find(number)
        if found is not None and self._elsewhere(found):
            # The provider has shown whose it is: what others have only written down is nothing beside that.
            if not await self._rpc.release_claims(number, None, self._workspace):
                raise taken()
            say("Another workspace had only written this number down, and has it no longer.")
            found = None
        if found is not None:
            return await self._taken_up(found, place, health)
        told = {"provider": place["provider"], "phone_number_id": number}
        told |= {"waba_id": place["waba_id"] or health.waba_id, "display_phone_number": written(health)}
        workspace_id = await self._chosen()
        await self._rpc.release_claims(number, told["waba_id"], workspace_id)
        try:
            connection_id = await self._numbers.add_connection(workspace_id, told)
        except Rejected as error:
            raise _refused(error, workspace_id) from error
        return {**told, "id": connection_id, "workspace_id": workspace_id}

    def _elsewhere(self, found: Row) -> bool:
        named = found["workspace_id"] if self._workspace else found["workspace"]
        return (self._workspace or self._create) not in (None, named)

    async def _taken_up(self, found: Row, place: Row, health: NumberHealth) -> Row:
        """A number that is here already, perhaps by an earlier run of this command."""
        number = found["phone_number_id"]
        if (number, found["provider"]) != (health.phone_number_id, place["provider"]):
            raise Stop(
                f"This number is connected as {number} through {found['provider']}.",
                f"Move it, with all its threads: wabase migrate {number} --to-provider {place['provider']}"
                f" --phone-number-id {health.phone_number_id}",
            )
        changes: Row = {"waba_id": place["waba_id"] or health.waba_id, "display_phone_number": written(health)}
        changes = {name: value for name, value in changes.items() if value not in (None, found[name])}
        if found["status"] == "disconnected":
            changes |= {"status": "paused", "status_reason": "credential"}
        if changes:
            await self._numbers.change(found["id"], changes)
        return {**found, **changes}

    async def _chosen(self) -> str:
        if self._workspace:
            return self._workspace
        known = await self._numbers.workspaces(self._create)
        if len(known) == 1:
            return str(known[0]["id"])
        if self._create and not known:
            return await self._numbers.create_workspace(self._create)
        if not known:
            raise Stop("There is no workspace yet.", "Make one: --create-workspace NAME", WRONG_USAGE)
        named = ", ".join(f"{row['name']} ({row['id']})" for row in known[:10])
        raise Stop(f"There are {len(known)} workspaces: {named}.", "Say which: --workspace ID", WRONG_USAGE)


def _refused(error: Rejected, workspace_id: str) -> Exception:
    if error.code == "WA002":
        return Stop(
            "The workspace has as many numbers as it may connect.",
            f"Raise connection_limit of the row {workspace_id} in workspaces; a disconnected number counts, too.",
        )
    if error.code in ("WA004", "23503"):
        return Stop(f"There is no workspace {workspace_id}.", "`wabase numbers` shows those that have a number.")
    return taken() if error.code == "WA035" else error
