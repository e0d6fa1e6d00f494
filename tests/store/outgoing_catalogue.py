"""One good message of every kind and variant that can be sent. Literal, so that it reads like Meta's own examples.

`<image>` and its like stand for the id of an uploaded file of FILES, `<workspace>` for the workspace's id; a path names
a file of FILES in the bucket. `Entry.filled` puts the real ones in.
"""

from __future__ import annotations

from tests.store.outgoing_entry import FILES, JPEG, Entry
from tests.store.outgoing_interactive import INTERACTIVE
from tests.store.outgoing_templates import TEMPLATES

__all__ = ["CATALOGUE", "FILES", "Entry"]

_PLAIN: dict[str, Entry] = {
    "text": Entry("text", {"body": "שלום, it is ready 🙂"}),
    "text with preview": Entry("text", {"body": "https://example.com", "preview_url": True}),
    "text as reply": Entry("text", {"body": "Yes"}, is_reply=True),
    "image by id": Entry("image", {"id": "<image>", "caption": "Look"}),
    "image by link": Entry("image", JPEG),
    "image by path": Entry("image", {"path": "<workspace>/outgoing/photo.jpg", "caption": ""}),
    "image as reply": Entry("image", {"id": "<image>"}, is_reply=True),
    "video by id": Entry("video", {"id": "<video>", "caption": "Watch"}),
    "video by link": Entry("video", {"link": "https://example.com/a.mp4"}),
    "video by path": Entry("video", {"path": "<workspace>/outgoing/film.mp4"}),
    "audio by id": Entry("audio", {"id": "<audio>"}),
    "audio by link": Entry("audio", {"link": "https://example.com/a.ogg"}),
    "voice note by path": Entry("audio", {"path": "<workspace>/outgoing/voice.ogg", "voice": True}),
    "document by id": Entry("document", {"id": "<document>", "filename": "invoice 17.pdf", "caption": "Thank you"}),
    "document by link": Entry("document", {"link": "https://example.com/a.pdf"}),
    "document by path": Entry("document", {"path": "<workspace>/outgoing/invoice.pdf", "filename": "חשבונית.pdf"}),
    "sticker by id": Entry("sticker", {"id": "<sticker>"}),
    "sticker by link": Entry("sticker", {"link": "https://example.com/a.webp"}),
    "sticker by path": Entry("sticker", {"path": "<workspace>/outgoing/wave.webp"}),
    "location": Entry(
        "location", {"latitude": 32.0853, "longitude": "34.7818", "name": "Shop", "address": "Allenby 1"}
    ),
    "location bare": Entry("location", {"latitude": -33, "longitude": 151.2}),
    "contacts": Entry(
        "contacts",
        [
            {
                "name": {"formatted_name": "Dana Levi", "first_name": "Dana", "last_name": "Levi"},
                "phones": [{"phone": "+972501234567", "type": "CELL", "wa_id": "972501234567"}],
                "emails": [{"email": "dana@example.com", "type": "WORK"}],
                "addresses": [{"street": "Allenby 1", "city": "Tel Aviv", "zip": "", "country_code": "il"}],
                "urls": [{"url": "https://example.com", "type": "WORK"}],
                "org": {"company": "Shop", "department": "Sales", "title": "Head"},
                "birthday": "1990-02-03",
            },
            {"name": {"formatted_name": "Eva", "first_name": "Eva"}},
        ],
    ),
    "reaction": Entry("reaction", {"message_id": "wamid.HBgMOTcyNTAxMjM0NTY3", "emoji": "👍🏽"}),
    "reaction removed": Entry("reaction", {"message_id": "wamid.HBgMOTcyNTAxMjM0NTY3", "emoji": ""}),
}

CATALOGUE: dict[str, Entry] = _PLAIN | INTERACTIVE | TEMPLATES
