"""A send: whom it is for, its body in the Cloud API's words (Meta's message reference), and what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Two letters of a country, a dot, then what is opaque (Meta's page on business-scoped user ids).
_BSUID = re.compile(r"[A-Z]{2}\.\S+")

_MEDIA = ("audio", "document", "image", "sticker", "video")
# Where messages keep what has files in it; nowhere else, so that data of a Flow is never taken for one.
_AROUND_MEDIA = ("header", "action", "cards", "components", "parameters")
_OF_FLOWS = ("flow_action_payload", "flow_action_data")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message is for. The phone is taken where both are known, as Meta advises."""

    phone: str | None
    bsuid: str | None = None

    @classmethod
    def of(cls, to: str | Recipient) -> Recipient:
        """A phone with its country code, or a business-scoped user id like `US.13491208655302741918`."""
        if isinstance(to, Recipient):
            return to
        return cls(None, to) if _BSUID.fullmatch(to) else cls(to)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent. `callback_data` comes back in every status report of it (at most 512 characters)."""

    type: str
    content: Any
    phone: str | None
    bsuid: str | None
    reply_to_wamid: str | None = None
    callback_data: str | None = None
    group_id: str | None = None

    def body(self) -> dict[str, Any]:
        """The JSON of `POST /messages`. A known phone or a group goes into `to`; else the user id into `recipient`."""
        body: dict[str, Any] = {"messaging_product": "whatsapp"}
        if self.group_id:
            body |= {"recipient_type": "group", "to": self.group_id}
        else:
            body |= {"recipient_type": "individual"}
            body |= {"to": self.phone} if self.phone else {"recipient": self.bsuid}
        body |= {"type": self.type, self.type: without_nulls(self.content)}
        # A reaction says in its content which message it is to; WhatsApp refuses it as a reply.
        if self.reply_to_wamid and self.type != "reaction":
            body["context"] = {"message_id": self.reply_to_wamid}
        if self.callback_data:
            body["biz_opaque_callback_data"] = self.callback_data
        return body

    @property
    def by_link(self) -> bool:
        """Whether WhatsApp has to fetch a file of it from somewhere: in media, headers, parameters, cards."""
        return _has_link(self.content)


@dataclass(frozen=True, slots=True)
class Sent:
    """What WhatsApp answers to an accepted message: accepted, not delivered.

    `wa_id` is the phone as WhatsApp knows it, which may differ from the one dialled; None for a send to a user id,
    which `user_id` then repeats. `message_status` comes with templates: `accepted`, `held_for_quality_assessment`,
    `paused`.
    """

    wamid: str
    wa_id: str | None = None
    user_id: str | None = None
    message_status: str | None = None


def without_nulls(value: Any) -> Any:
    """A copy without keys that have no value: WhatsApp refuses null. What a Flow is given is its own business."""
    if isinstance(value, dict):
        return {
            key: inner if key in _OF_FLOWS else without_nulls(inner)
            for key, inner in value.items()
            if inner is not None
        }
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def media_in(kind: str, content: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The files of a message, each with its kind: the content itself, headers, parameters, cards."""
    if kind in _MEDIA:
        yield kind, content
        return
    for value in content if isinstance(content, list) else [content]:
        if not isinstance(value, dict):
            continue
        named = str(value.get("type")).lower()
        if named in _MEDIA and isinstance(value.get(named), dict):
            yield named, value[named]
        for key in _AROUND_MEDIA:
            yield from media_in("", value.get(key))


def _has_link(value: Any) -> bool:
    if isinstance(value, dict):
        return "link" in value or any(map(_has_link, value.values()))
    return isinstance(value, list) and any(map(_has_link, value))
