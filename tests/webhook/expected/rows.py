"""Rows as they mostly are after a payload: each expectation names what is its own."""

from __future__ import annotations

from typing import Any

from tests.whatsapp.payload import BSUID, CUSTOMER, INBOUND, OUR_MESSAGE, OUTBOUND, SHA256

Row = dict[str, Any]
MOMENT = "2026-11-08T10:00:00+00:00"
REPORTED = "2026-11-08T10:01:00+00:00"
NOTICED = "2026-11-08T10:05:00+00:00"

NO_FILE: Row = {
    "media_id": None,
    "media_mime_type": None,
    "media_sha256": None,
    "media_filename": None,
    "media_status": None,
    "media_error": None,
    "downloads": 0,
}
OURS: Row = {"wamid": OUTBOUND, "profile_name": None, "direction": "outbound", "status": "sent", "sent_at": MOMENT}


def message(kind: str, content: Any, **told: Any) -> Row:
    """A message of Noa's."""
    return {
        "wamid": INBOUND,
        "wa_id": CUSTOMER,
        "bsuid": BSUID,
        "profile_name": "Noa",
        "direction": "inbound",
        "status": "received",
        "imported": False,
        "type": kind,
        "content": content,
        "reply_to_wamid": None,
        "occurred_at": MOMENT,
        "sent_at": None,
        "delivered_at": None,
        "read_at": None,
        "played_at": None,
        "failed_at": None,
        "error": None,
        "edited_at": None,
        "revoked_at": None,
        "original_content": None,
        "thread": CUSTOMER,
        **NO_FILE,
        **told,
    }


def file(media_id: str, mime_type: str, filename: str | None = None) -> Row:
    """The columns of a message with a file: it is in the queue."""
    return {
        "media_id": media_id,
        "media_mime_type": mime_type,
        "media_sha256": SHA256,
        "media_filename": filename,
        "media_status": "pending",
        "downloads": 1,
    }


def past(wamid: str, kind: str, content: Any, moment: str, **told: Any) -> Row:
    """A message out of the phone's history: ours, unless `told` otherwise."""
    return message(
        kind, content, **(OURS | {"wamid": wamid, "occurred_at": moment, "sent_at": moment, "imported": True} | told)
    )


def status(name: str, details: Row, **told: Any) -> Row:
    """A report about our message."""
    return {
        "wamid": OUTBOUND,
        "status": name,
        "participant": "",
        "occurred_at": REPORTED,
        "callback_data": OUR_MESSAGE,
        "errors": None,
        "error": None,
        "details": details,
        **told,
    }


def contact(**told: Any) -> Row:
    return {
        "phone": f"+{CUSTOMER}",
        "bsuid": BSUID,
        "profile_name": None,
        "name": None,
        "synced_name_at": None,
        "marketing_opted_out_at": None,
        "marketing_preference_at": None,
        **told,
    }


def thread(phone: str | None = CUSTOMER, bsuid: str | None = BSUID, **told: Any) -> Row:
    """A thread, and the contact behind it, who has the same ids."""
    return {
        "phone": phone,
        "bsuid": bsuid,
        "group_id": None,
        "contact_phone": phone and f"+{phone}",
        "contact_bsuid": bsuid,
        "known_as": [known for known in (phone, bsuid) if known],
        **told,
    }


def change(identifier: str, wa_id: str = "", bsuid: str = "") -> Row:
    """Who was known so goes on as these."""
    return {"identifier": identifier, "wa_id": wa_id, "bsuid": bsuid, "occurred_at": MOMENT}


def template(**told: Any) -> Row:
    return {
        "provider_template_id": "594425479261596",
        "name": "order_ready",
        "language": "he",
        "status": "UNKNOWN",
        "reason": None,
        "category": None,
        "quality": None,
        "components": [],
        **told,
    }


def notice(value: Any, at: str = NOTICED) -> Row:
    return {"at": at, "value": value}


def outcome(*kinds: str, notices: Row | None = None, last_error: Row | None = None, **tables: list[Row]) -> Row:
    """The journal's line, and the tables that are not empty."""
    nothing: dict[str, list[Row]] = {
        table: [] for table in ("messages", "statuses", "threads", "contacts", "identities", "templates")
    }
    return {
        "state": "processed",
        "error": None,
        "kinds": [*kinds],
        **nothing,
        "connections": [{"provider_notices": notices or {}, "last_error": last_error}],
        **tables,
    }


def noa(*kinds: str, profile_name: str | None = "Noa", **tables: Any) -> Row:
    """The same, with the thread and the contact of Noa."""
    return outcome(*kinds, **({"threads": [thread()], "contacts": [contact(profile_name=profile_name)]} | tables))


def said(kind: str, content: Any, **told: Any) -> Row:
    """One message of Noa's and nothing else."""
    return noa(f"messages.{kind}", messages=[message(kind, content, **told)])


def reported(name: str, details: Row, **told: Any) -> Row:
    """One report and nothing else."""
    return outcome(f"statuses.{name}", statuses=[status(name, details, **told)])
