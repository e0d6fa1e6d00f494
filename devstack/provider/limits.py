"""The Cloud API's message reference as data: every type, its fields and their limits."""

from __future__ import annotations

from collections.abc import Mapping

from devstack.provider.shapes import Check, anything, array, flag, matching, number, one_of, shape, text

MEGABYTE = 1024 * 1024
MEDIA_LIMIT = 100 * MEGABYTE
MESSAGE_ID = text(512)
ADDRESS = matching(r"https?://[^\s]{1,2000}", "a valid URL")
MEDIA_ID = matching(r"\d{1,32}", "a valid whatsapp business account media attachment ID")

_OPUS = ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg")
_OFFICE = "application/vnd.openxmlformats-officedocument"

# type of message: (mime types, bytes). Documents may also be what the other types are.
MEDIA_LIMITS: dict[str, tuple[tuple[str, ...], int]] = {
    "audio": (_OPUS, 16 * MEGABYTE),
    "image": (("image/jpeg", "image/png"), 5 * MEGABYTE),
    "video": (("video/mp4", "video/3gpp"), 16 * MEGABYTE),
    "sticker": (("image/webp",), 500 * 1024),
    "document": (
        (
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            f"{_OFFICE}.wordprocessingml.document",
            f"{_OFFICE}.spreadsheetml.sheet",
            f"{_OFFICE}.presentationml.presentation",
        ),
        MEDIA_LIMIT,
    ),
}


def media(optional: Mapping[str, Check] | None = None) -> Check:
    """A file by `id` or by `link`, one of them."""
    return shape({}, {"id": MEDIA_ID, "link": ADDRESS, "provider": anything} | dict(optional or {}))


_CAPTION = {"caption": text(1024, least=0, code=100)}
_LINE = text(1000, least=0)
_PHONE = shape({}, {"phone": _LINE, "wa_id": _LINE, "type": _LINE})
_EMAIL = shape({}, {"email": _LINE, "type": _LINE})
_URL = shape({}, {"url": _LINE, "type": _LINE})
_ORGANISATION = shape({}, {"company": _LINE, "department": _LINE, "title": _LINE})
_PLACE = dict.fromkeys(("street", "city", "state", "zip", "country", "country_code", "type"), _LINE)
_NAME = dict.fromkeys(("first_name", "last_name", "middle_name", "suffix", "prefix"), _LINE)
_CONTACT = shape(
    {"name": shape({"formatted_name": text(1000)}, _NAME)},
    {
        "phones": array(_PHONE, 0, 50),
        "emails": array(_EMAIL, 0, 50),
        "addresses": array(shape({}, _PLACE), 0, 50),
        "urls": array(_URL, 0, 50),
        "org": _ORGANISATION,
        "birthday": matching(r"\d{4}-\d{2}-\d{2}", "a date as YYYY-MM-DD"),
    },
)
_LANGUAGE = shape({"code": text(16)}, {"policy": one_of("deterministic")})

# Every type that can be sent but interactive, which has its own kinds (interactive.py).
MESSAGES: dict[str, Check] = {
    "text": shape({"body": text(4096, code=100)}, {"preview_url": flag}),
    "image": media(_CAPTION),
    "video": media(_CAPTION),
    "document": media(_CAPTION | {"filename": text(240)}),
    "audio": media({"voice": flag}),
    "sticker": media(),
    "location": shape(
        {"latitude": number(-90, 90), "longitude": number(-180, 180)},
        {"name": text(1000), "address": text(1000)},
    ),
    "contacts": array(_CONTACT, 1, 5),
    "reaction": shape({"message_id": MESSAGE_ID, "emoji": text(40, least=0)}),
    "template": shape(
        {"name": text(512), "language": _LANGUAGE},
        {"components": array(anything, 0, 20), "namespace": anything},
    ),
}

# What users and systems send, but no business can.
INCOMING_ONLY = {
    "button",
    "order",
    "system",
    "unsupported",
    "unknown",
    "edit",
    "revoke",
    "ephemeral",
    "request_welcome",
}
