"""What connecting, changing a key and moving have in common: whose key it is, and that its webhooks come here."""

from __future__ import annotations

import asyncio
import time

from ops import addresses
from ops.project import NO_PROVIDER
from ops.provider import Stop, asking, say
from ops.remedies import NAMES
from ops.settings import Settings
from store.numbers import ID, Numbers, Row
from whatsapp.account import AccountClient, NumberHealth, WebhookTarget
from whatsapp.errors import ErrorClass, Refused

LOOK_SECONDS = 0.5


def ready(settings: Settings, provider: str) -> str:
    """The address that webhooks will come to, before anything is changed. Raises SettingsError."""
    return str(addresses.of_number(settings, "0").url) if provider == "360dialog" else addresses.of_meta(settings)


async def identify(client: AccountClient, connection: Row) -> NumberHealth:
    """The number behind a key. Raises Stop: no answer, or not the number that `connection` names."""
    with asking(connection):
        health = await client.get_number()
    name = NAMES[connection["provider"]]
    if health.phone_number_id is None or not ID.fullmatch(health.phone_number_id):
        raise Stop(
            f"{name} does not say which number this key is for.",
            "Run it again later; if that does not help, ask the provider's support.",
            NO_PROVIDER,
        )
    wanted, account = connection["phone_number_id"], connection.get("waba_id")
    if wanted not in (None, health.phone_number_id):
        raise Stop(
            f"This key is for the number {health.phone_number_id}, not for {wanted}.",
            "Nothing was changed. Pass the key of that number.",
        )
    if account is not None and health.waba_id not in (None, account):
        raise Stop(
            f"The number belongs to the account {health.waba_id}, not to {account}.",
            "Nothing was changed. Pass that id as --waba-id; a connected number is moved there by `wabase migrate`.",
        )
    _introduce(health)
    return health


def _introduce(health: NumberHealth) -> None:
    quality = f"quality {health.quality_rating}" if health.quality_rating else "quality unknown"
    say(f"{health.display_phone_number or 'A number'} ({health.verified_name or 'no name'}), {quality}.")
    for problem in health.problems:
        say(f"WhatsApp says of it: {problem}")


def written(health: NumberHealth) -> str | None:
    """The number as the database takes it; whatever else a provider says is left out."""
    display = health.display_phone_number or ""
    plain = display.removeprefix("+")
    return display if 3 <= len(plain) <= 40 and set(plain) <= set("0123456789 ().-") else None


async def register(client: AccountClient, settings: Settings, connection: Row) -> str:
    """Webhooks of a number come here from now on, as far as its provider says so; gives their address."""
    if connection["provider"] == "meta":
        await _subscribe(client, connection)
        return addresses.of_meta(settings)
    number = connection["phone_number_id"]
    wanted = addresses.of_number(settings, number)
    with asking(connection):
        await client.set_webhook(str(wanted.url), wanted.headers)
        registered = await client.get_webhook()
    found = addresses.state(settings, registered, str(wanted.url), number)
    if found != addresses.CURRENT:
        raise Stop(
            f"360dialog took the webhook and then shows another: {found}, at {addresses.host(registered.url)}.",
            "Look at the number's webhook in the 360dialog Hub; then run the same command again.",
            NO_PROVIDER,
        )
    say(f"Its webhooks go to {wanted.url}.")
    return str(wanted.url)


async def account_webhook(client: AccountClient, connection: Row) -> WebhookTarget:
    """The account's webhook at 360dialog; one that cannot be asked for is none: not every account has the call."""
    nothing = WebhookTarget(None, {})
    if not connection["waba_id"]:
        return nothing
    try:
        return await client.get_account_webhook()
    except Refused as error:
        if error.error_class is ErrorClass.AUTH:
            raise
        return nothing


async def _subscribe(client: AccountClient, connection: Row) -> None:
    with asking(connection):
        await client.subscribe_app()
        subscribed = await client.is_subscribed()
    if not subscribed:
        raise Stop(
            f"Meta took the subscription to the account {connection['waba_id']} and then shows none.",
            "Run the same command again; it may be repeated.",
            NO_PROVIDER,
        )
    say(f"The token's app gets the webhooks of the account {connection['waba_id']}.")


def meta_callback(settings: Settings) -> None:
    """What nobody can do for the operator: an app's callback is set with the app's own secret, in its dashboard."""
    say(f"In the app's dashboard, under WhatsApp > Configuration, the callback URL is {addresses.of_meta(settings)}")
    say("and the verify token is the receiver's WHATSAPP_WEBHOOK_VERIFY_TOKEN; subscribe to the field messages.")
    missing = [
        name
        for name, value in (
            ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", settings.whatsapp_webhook_verify_token),
            ("META_APP_SECRET", settings.meta_app_secret),
        )
        if value is None
    ]
    if missing:
        say(f"Not set here, and the receiver needs them: {', '.join(missing)}.")


async def first_webhook(numbers: Numbers, phone_number_id: str, after_id: int, seconds: float) -> str | None:
    """When the number's first webhook after an event came in; None: none within `seconds`."""
    say(f"Waiting up to {seconds:g} seconds for its first webhook: write to the number from a phone now.")
    until = time.monotonic() + seconds
    while True:
        moment = await numbers.first_webhook(phone_number_id, after_id)
        if moment is not None or time.monotonic() > until:
            return moment
        await asyncio.sleep(LOOK_SECONDS)
