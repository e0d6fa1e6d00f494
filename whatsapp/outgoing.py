"""The body of a send, in the Cloud API's words (Meta's message reference)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent. `callback_data` comes back in every status report of it (at most 512 characters)."""

    type: str
    content: Any
    phone: str | None
    bsuid: str | None
    reply_to_wamid: str | None = None
    callback_data: str | None = None

    def body(self) -> dict[str, Any]:
        """The JSON of `POST /messages`. A known phone goes into `to`; else the user id into `recipient`."""
        body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
        body |= {"to": self.phone} if self.phone else {"recipient": self.bsuid}
        body |= {"type": self.type, self.type: self.content}
        if self.reply_to_wamid:
            body["context"] = {"message_id": self.reply_to_wamid}
        if self.callback_data:
            body["biz_opaque_callback_data"] = self.callback_data
        return body
