"""Where a number's webhooks belong and with which header, and whether what a provider has registered is that."""

from __future__ import annotations

from urllib.parse import urlsplit

from ops.settings import Settings
from store.settings import SettingsError
from whatsapp.account import WebhookTarget
from whatsapp.verify import Tokens, webhook_token

HEADER = "Authorization"
LOCAL = ("127.0.0.1", "localhost", "::1")

# What a registered webhook is: ours with the present secret's token, with the former secret's, with another token; not
# at our address; not there.
CURRENT, PREVIOUS, UNKNOWN, ELSEWHERE, NONE = "current", "previous", "unknown token", "elsewhere", "none"


def receiver(settings: Settings) -> str:
    """Where providers reach the receiver, without a slash at the end. Raises SettingsError."""
    address = settings.webhook_public_url
    if address is None:
        raise SettingsError(
            "WEBHOOK_PUBLIC_URL: is missing; the receiver's public address, like https://hooks.example.com"
        )
    need_reachable(settings, "WEBHOOK_PUBLIC_URL", address)
    return address


def need_reachable(settings: Settings, name: str, address: str) -> None:
    """Raises SettingsError for an address that providers do not take.

    360dialog takes https only, no port and no underscore in the domain (its setup guides; Meta wants https as well). A
    provider on this very machine takes any.
    """
    parts = urlsplit(address)
    local = urlsplit(settings.whatsapp_360_base_url).hostname in LOCAL
    wrong = next(
        words
        for holds, words in (
            (not parts.hostname or parts.scheme not in ("http", "https"), "is no http(s) address"),
            (parts.scheme != "https" and not local, "must begin with https://"),
            (_has_port(address) and not local, "must not have a port; put a proxy on 443 before the receiver"),
            ("_" in (parts.hostname or ""), "must not have an underscore in its domain"),
            (bool(parts.query or parts.fragment or parts.username), "must be a plain address without ? # or a user"),
            (True, ""),
        )
        if holds
    )
    if wrong:
        raise SettingsError(f"{name}: {wrong} (360dialog's and Meta's rule)")


def _has_port(address: str) -> bool:
    try:
        return urlsplit(address).port is not None
    except ValueError:
        return True


def master(settings: Settings) -> str:
    """The receiver's secret. Raises SettingsError."""
    if settings.whatsapp_webhook_secret is None:
        raise SettingsError("WHATSAPP_WEBHOOK_SECRET: is missing; the same as the receiver has")
    return settings.whatsapp_webhook_secret.get_secret_value()


def of_number(settings: Settings, phone_number_id: str) -> WebhookTarget:
    """What 360dialog has to have registered for a number. Raises SettingsError."""
    return _target(f"{receiver(settings)}{path_of_number(phone_number_id)}", master(settings), phone_number_id)


def of_account(settings: Settings, waba_id: str) -> WebhookTarget:
    """What 360dialog has registered for an account, where an operator chose that. Raises SettingsError."""
    return _target(f"{receiver(settings)}{path_of_account(waba_id)}", master(settings), waba_id)


def path_of_number(phone_number_id: str) -> str:
    return f"/webhooks/360dialog/{phone_number_id}"


def path_of_account(waba_id: str) -> str:
    return f"/webhooks/360dialog/waba/{waba_id}"


def of_meta(settings: Settings) -> str:
    """The callback URL of Meta's app. Raises SettingsError."""
    return f"{receiver(settings)}/webhooks/meta"


def _target(url: str, secret: str, subject: str) -> WebhookTarget:
    return WebhookTarget(url, {HEADER: f"Bearer {webhook_token(secret, subject)}"})


def state(settings: Settings, registered: WebhookTarget, url: str, subject: str) -> str:
    """How what is registered compares with what should be: this address, and the token of this number or account.

    Raises SettingsError where that cannot be told without the secret.
    """
    if registered.url is None:
        return NONE
    if registered.url != url:
        return ELSEWHERE
    shown = _header(registered)
    if Tokens([master(settings)]).match(shown, subject):
        return CURRENT
    former = settings.whatsapp_webhook_secret_previous
    if former is not None and Tokens([former.get_secret_value()]).match(shown, subject):
        return PREVIOUS
    return UNKNOWN


def _header(target: WebhookTarget) -> str | None:
    """What a webhook is authenticated by, however its header is written."""
    return next((value for name, value in target.headers.items() if name.lower() == HEADER.lower()), None)


def host(url: str | None) -> str:
    """As much of a foreign address as may be shown."""
    return urlsplit(url or "").hostname or "nowhere"
