"""What Supabase or a provider said, as one sentence for a person and one about what to do.

Supabase's gateway and PostgREST answer a wrong key in many words; which kind of key it is tells more than they do.
"""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ops.settings import Settings
from ops.shown import plain
from store.errors import TRANSPORT_ERRORS, Denied, StoreError, Unavailable
from whatsapp.errors import ErrorClass, NotSent, Refused, WhatsAppError

Row = dict[str, Any]

PUSH = "npx supabase db push --remote"
DOCTOR = "`wabase doctor` names what is missing."
KEYS = "Project Settings, API Keys"
# PostgREST: a table, a function, a relation that its schema cache does not have; and Postgres's own words for it.
_UNKNOWN_TO_IT = ("PGRST202", "PGRST204", "PGRST205", "PGRST200", "42P01", "42883", "42703", "3F000")
_VAULT = re.compile(r"\bvault\b")
_NO_PRIVILEGE = "42501"
# Graph's answer to an id that does not exist or that the token may not see; 33: deleted (Meta, error codes).
_UNREACHABLE = (33, 100)
# Meta's words for a token that is good and may not do this.
_NO_PERMISSION = (3, 10, *range(200, 300))
NAMES = {"360dialog": "360dialog", "meta": "Meta"}
_PROJECT_HOST = re.compile(r"([a-z]{20})\.supabase\.(co|in|red)")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, and what to do about it: a sentence each."""

    said: str
    remedy: str

    def __str__(self) -> str:
        return f"{plain(self.said)}\n{plain(self.remedy)}"


def of_supabase(error: StoreError, settings: Settings) -> Complaint:
    """Why Supabase did not do what it was asked."""
    host = urlsplit(settings.supabase_url).netloc
    if error.code in _UNKNOWN_TO_IT:
        return _missing(error)
    if isinstance(error, Denied):
        return of_key(settings) or _denied(error)
    if isinstance(error.__cause__, TRANSPORT_ERRORS):
        return Complaint(
            f"Nobody answers at {host} ({error.code}).",
            "Check SUPABASE_URL, the network of this machine, and that the project is not paused.",
        )
    if error.code in ("404", "shape") or isinstance(error.__cause__, ValueError):
        return Complaint(
            f"What answers at {host} is not Supabase.",
            "Set SUPABASE_URL to the project's address, https://<ref>.supabase.co.",
        )
    if isinstance(error, Unavailable):
        return Complaint(
            f"Supabase cannot answer now ({error}).",
            "Try again in a minute; if it stays so, look at the project's health in its dashboard.",
        )
    return Complaint(f"Supabase refuses the call ({error}).", DOCTOR)


def of_nonsense(error: Exception, settings: Settings) -> Complaint:
    """An answer of a shape that nobody foresaw: another program at the address, another release, or a fault of ours."""
    host = urlsplit(settings.supabase_url).netloc
    return Complaint(
        f"What {host} answers makes no sense to this command ({type(error).__name__}).",
        "Check SUPABASE_URL, and that schema and command are of one release (`wabase doctor`); if they are, please"
        " report it with what LOG_LEVEL=debug shows.",
    )


def _missing(error: StoreError) -> Complaint:
    if _VAULT.search(str(error)):
        return Complaint(
            "Vault is not there: keys of numbers can be neither read nor stored.",
            "Turn it on, under Database, Extensions, or by `create extension supabase_vault;` in the SQL editor.",
        )
    return Complaint(
        "The project does not have Wabase's migrations, or has older ones than this release needs.",
        f"Run `{PUSH}` in a checkout of this release.",
    )


def _denied(error: Denied) -> Complaint:
    if error.code == _NO_PRIVILEGE:
        return Complaint(f"A grant is missing ({error}).", DOCTOR)
    return Complaint(
        f"Supabase does not take the key in SUPABASE_SERVICE_ROLE_KEY: it is another project's, or revoked ({error}).",
        f"Copy the project's service_role or secret key ({KEYS}) into SUPABASE_SERVICE_ROLE_KEY.",
    )


def of_key(settings: Settings) -> Complaint | None:
    """What can be told of the key by looking at it; None when it may be the right one."""
    key = settings.supabase_service_role_key.get_secret_value()
    wrong = _wrong_kind(key, settings.supabase_url)
    if wrong is None:
        return None
    return Complaint(
        f"SUPABASE_SERVICE_ROLE_KEY {wrong}.",
        f"Set it to the service_role key or a secret key (sb_secret_…) of this project ({KEYS}).",
    )


def _wrong_kind(key: str, url: str) -> str | None:
    if key.startswith("sb_"):
        return None if key.startswith("sb_secret_") else "is a publishable key, which may do nothing here"
    claims = _claims(key)
    if claims is None:
        return "is no key of Supabase: neither a JWT nor sb_secret_…"
    if claims.get("role") != "service_role":
        return f"is the key of the role {claims.get('role')}, not of service_role"
    host, project, expires = urlsplit(url).hostname or "", claims.get("ref"), claims.get("exp")
    if project and _PROJECT_HOST.fullmatch(host) and not host.startswith(f"{project}."):
        return f"is the key of the project {project}, and SUPABASE_URL is another's"
    return "has expired" if isinstance(expires, int | float) and expires < time.time() else None


def _claims(token: str) -> dict[str, Any] | None:
    """What a JWT says, unverified: only to say what is wrong with it."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        return None
    return claims if isinstance(claims, dict) else None


def of_provider(error: WhatsAppError, connection: Row | None = None) -> Complaint:
    """Why a provider did not do what it was asked. `connection`: whose number, with its `id` once it is connected."""
    name = NAMES[connection["provider"]] if connection else "The provider"
    said = str(error).rstrip(".")
    if isinstance(error, NotSent):
        return Complaint(
            f"{name} cannot be reached: {said}.",
            "Look at the network, the proxy and WHATSAPP_360_BASE_URL or META_GRAPH_BASE_URL; then run it again.",
        )
    if isinstance(error, Refused):
        return _refused(name, error, connection)
    return Complaint(
        f"{name} answers too late, or what makes no sense: {said}.",
        "Run it again, it goes on from here; if it stays so, look at the provider's status page.",
    )


def _refused(name: str, error: Refused, connection: Row | None) -> Complaint:
    said = str(error).rstrip(".")
    if error.code in _NO_PERMISSION:
        return Complaint(
            f"{name} does not let this key do it: {said}.",
            f"Give its token the permission whatsapp_business_management. {_new_key(connection)}",
        )
    if error.error_class is ErrorClass.AUTH:
        return Complaint(f"{name} does not take the key: {said}.", _new_key(connection))
    if error.error_class in (ErrorClass.THROTTLE, ErrorClass.RETRY):
        return Complaint(f"{name} is too busy: {said}.", "Run the same command again in a minute.")
    if name == NAMES["meta"] and error.code in _UNREACHABLE:
        return Complaint(
            f"Meta does not show this token the number or account: {said}.",
            "Compare the phone number id and the WABA id with WhatsApp Manager, and look at what the token was given.",
        )
    return Complaint(
        f"{name} refuses: {said}.", "Look at the number in WhatsApp Manager and in the provider's own console."
    )


def _new_key(connection: Row | None) -> str:
    """Where another key comes from and how it is given: a number that is not connected yet has only the command."""
    if connection is None:
        return "Give the number a valid one: `wabase rotate-key NUMBER`."
    number = connection["phone_number_id"]
    given = f"give it by `wabase rotate-key {number}`" if "id" in connection else "pass it"
    if connection["provider"] == "meta":
        rights = "whatsapp_business_messaging and whatsapp_business_management"
        return f"Make a system user's token with {rights}, and {given}."
    return f"Make an API key for this number in the 360dialog Hub, which voids the one before, and {given}."
