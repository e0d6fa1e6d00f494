"""A good message that can be sent, and the files that such messages name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """What goes into `type` and `content`; `template` is how WhatsApp knows the template that it names."""

    type: str
    content: Any
    template: dict[str, Any] | None = None
    is_reply: bool = False

    def filled(self, media_ids: dict[str, str], workspace_id: object) -> Any:
        return filled(self.content, {f"<{kind}>": id for kind, id in media_ids.items()}, str(workspace_id))


def filled(value: Any, ids: dict[str, str], workspace_id: str) -> Any:
    """A copy with every placeholder replaced."""
    if isinstance(value, dict):
        return {key: filled(inner, ids, workspace_id) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, ids, workspace_id) for inner in value]
    return ids.get(value, value.replace("<workspace>", workspace_id)) if isinstance(value, str) else value


# kind: (file name, MIME type, bytes)
FILES: dict[str, tuple[str, str, bytes]] = {
    "image": ("photo.jpg", "image/jpeg", b"\xff\xd8\xff\xe0 a picture"),
    "video": ("film.mp4", "video/mp4", b"\x00\x00\x00\x18ftypmp42 a film"),
    "audio": ("voice.ogg", "audio/ogg", b"OggS a sound"),
    "document": ("invoice.pdf", "application/pdf", b"%PDF-1.7 an invoice"),
    "sticker": ("wave.webp", "image/webp", b"RIFF....WEBP a sticker"),
}

JPEG = {"link": "https://example.com/a.jpg"}
