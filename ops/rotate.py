"""`wabase rotate-key` and `wabase rotate-webhook-secret`: what is secret about a number, replaced without a gap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import click

from ops import addresses, remedies, shown
from ops.asked import secret
from ops.progress import Progress
from ops.project import NO_PROVIDER, Project, as_json
from ops.provider import WRONG, Stop, account, say, steps
from ops.registration import account_webhook, identify, ready, register
from ops.settings import Settings
from ops.switches import connected
from store.numbers import Row
from whatsapp.account import AccountClient, WebhookTarget
from whatsapp.errors import WhatsAppError

KEYS = {"360dialog": "360dialog API key", "meta": "Meta access token"}
SHOWN = ("number", "webhook", "was", "now", "problem")
NO_KEY = "no key"


@click.command("rotate-key", help="A new key for a number, asked for or read from standard input.")
@click.argument("number")
@as_json
def rotate_key(number: str, as_json: bool) -> None:
    async def command(project: Project, settings: Settings) -> int:
        connection = await connected(project.numbers, number)
        ready(settings, connection["provider"])
        key = secret(KEYS[connection["provider"]])
        async with account(settings, connection, key) as client:
            await identify(client, connection)
            # First of all: a new key of 360dialog's has voided the old one, and messages wait for it.
            await project.numbers.set_connection_credential(connection["id"], key)
            say("The key is stored; workers take it up within 30 seconds.")
            webhook = await register(client, settings, connection)
        now = await connected(project.numbers, number)
        answer = {name: now[source] for name, source in ANSWERED.items()} | {"webhook": webhook}
        shown.as_json(answer) if as_json else shown.fields(answer)
        return 0

    steps(command)


ANSWERED = {"number": "phone_number_id", "provider": "provider", "status": "status", "status_reason": "status_reason"}


@click.command(
    "rotate-webhook-secret", help="Registers 360dialog's webhooks anew, with tokens of the new WHATSAPP_WEBHOOK_SECRET."
)
@click.option("--number", help="Only this phone number id.")
@click.option("--check", is_flag=True, help="Only say which webhooks carry what; change nothing.")
@as_json
def rotate_webhook_secret(number: str | None, check: bool, as_json: bool) -> None:
    async def command(project: Project, settings: Settings) -> int:
        ready(settings, "360dialog")
        chosen = {"phone_number_id": f"eq.{number}"} if number else {}
        rows: list[Row] = []
        accounts: set[str] = set()
        connections = await project.numbers.all(provider="eq.360dialog", status="neq.disconnected", **chosen)
        with Progress() as progress:
            for done, connection in enumerate(connections, 1):
                rows += await _of_connection(project, settings, connection, accounts, check)
                progress.count("numbers looked at", done, len(connections))
        if number and not rows:
            raise Stop(f"There is no number {number} at 360dialog.", "`wabase numbers` lists them.")
        if as_json:
            shown.as_json(rows)
        else:
            shown.table(SHOWN, [[row[name] for name in SHOWN] for row in rows])
        if any(row["now"] == addresses.ELSEWHERE for row in rows):
            say("What points elsewhere is left alone; `wabase connect 360dialog` brings a number's webhooks here.")
        return _status(rows)

    steps(command)


def _status(rows: list[Row]) -> int:
    if any(row["now"] is None for row in rows):
        return NO_PROVIDER
    return 0 if all(row["now"] == addresses.CURRENT for row in rows) else WRONG


@dataclass(frozen=True)
class Webhook:
    """One webhook as it is registered, what it should be, and how to ask for it and change it."""

    whose: str
    """`number` or `account`."""
    subject: str
    registered: WebhookTarget
    wanted: WebhookTarget
    look: Callable[[], Awaitable[WebhookTarget]]
    change: Callable[[str, dict[str, str]], Awaitable[WebhookTarget]]

    def state(self, settings: Settings, registered: WebhookTarget | None = None) -> str:
        return addresses.state(settings, registered or self.registered, str(self.wanted.url), self.subject)


async def _of_connection(
    project: Project, settings: Settings, connection: Row, accounts: set[str], check: bool
) -> list[Row]:
    """The number's own webhook, and its account's when no other number has told of it."""
    key = await project.rpc.get_connection_credential(connection["id"])
    if key is None:
        return [_line(connection, "number", NO_KEY, NO_KEY, "`wabase rotate-key` stores one")]
    async with account(settings, connection, key) as client:
        try:
            webhooks = await _webhooks(client, settings, connection, accounts)
        except WhatsAppError as error:
            return [_line(connection, "number", None, None, remedies.of_provider(error, connection).said)]
        return [await _renewed(webhook, settings, connection, check) for webhook in webhooks]


async def _webhooks(client: AccountClient, settings: Settings, connection: Row, accounts: set[str]) -> list[Webhook]:
    """What a number's webhooks depend on: its own, which comes first at 360dialog, and its account's."""
    number, waba_id = connection["phone_number_id"], connection["waba_id"]
    own = await client.get_webhook()
    webhooks = [
        Webhook("number", number, own, addresses.of_number(settings, number), client.get_webhook, client.set_webhook)
    ]
    shared = await account_webhook(client, connection)
    if waba_id is None or shared.url is None:
        return webhooks
    wanted = addresses.of_account(settings, waba_id)
    common = Webhook("account", waba_id, shared, wanted, client.get_account_webhook, client.set_account_webhook)
    # An account's webhook that goes elsewhere is somebody else's affair; the number gets one of its own.
    if common.state(settings) == addresses.ELSEWHERE:
        return webhooks
    if own.url is None:
        webhooks = []
    if waba_id not in accounts:
        accounts.add(waba_id)
        webhooks.append(common)
    return webhooks


async def _renewed(webhook: Webhook, settings: Settings, connection: Row, check: bool) -> Row:
    """A line about a webhook, once it has the new token; it is left as it is where it is right, or not ours."""
    was = webhook.state(settings)
    if check or was in (addresses.CURRENT, addresses.ELSEWHERE):
        return _line(connection, webhook.whose, was, was, None)
    try:
        await webhook.change(str(webhook.wanted.url), webhook.wanted.headers)
        now = webhook.state(settings, await webhook.look())
    except WhatsAppError as error:
        return _line(connection, webhook.whose, was, None, remedies.of_provider(error, connection).said)
    return _line(connection, webhook.whose, was, now, None)


def _line(connection: Row, whose: str, was: str | None, now: str | None, problem: str | None) -> Row:
    number = connection["phone_number_id"]
    return {"number": number, "webhook": whose, "was": was, "now": now, "problem": problem}
