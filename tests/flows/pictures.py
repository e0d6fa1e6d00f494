"""Pictures that customers send, and what becomes of them in the bucket."""

from __future__ import annotations

import random
from typing import Any

from psycopg.rows import DictRow

from tests.flows.shop import Shop
from tests.whatsapp.files import jpeg

# More than a chunk or two on every hop.
PICTURE = (jpeg(640, 480) + random.Random(1).randbytes(700_001))[:700_001]


async def receive_picture(shop: Shop, raw: bytes = PICTURE, caption: str = "look", **options: Any) -> DictRow:
    """A picture arrives; the row of its message."""
    media = await shop.business.media_from_user(raw, **options)
    await shop.business.receive({"type": "image", "image": {"id": media["id"], "caption": caption}})
    (message,) = await shop.tenant.until_messages(bool)
    return message


async def receive_document(shop: Shop, raw: bytes, mime_type: str = "application/pdf", **options: Any) -> DictRow:
    """As `receive_picture`, for a file of any size."""
    media = await shop.business.media_from_user(raw, mime_type, **options)
    await shop.business.receive({"type": "document", "document": {"id": media["id"], "filename": "book.pdf"}})
    (message,) = await shop.tenant.until_messages(bool)
    return message


async def hurry(shop: Shop) -> None:
    """What waits for its next try is due now: nobody here waits for minutes."""
    await shop.tenant.rows("update media_downloads set available_at = now() where workspace_id = %(workspace)s")


async def waits(shop: Shop) -> float:
    """Seconds until the one file's next try."""
    (row,) = await shop.tenant.rows(
        "select extract(epoch from available_at - now()) as seconds from media_downloads"
        " where workspace_id = %(workspace)s"
    )
    return float(row["seconds"])


async def until_media(shop: Shop, message: DictRow, *statuses: str, within: float = 20) -> DictRow:
    return await shop.tenant.until_message(
        str(message["id"]), lambda row: row["media_status"] in statuses, within=within
    )


async def until_put_off(shop: Shop, message: DictRow) -> DictRow:
    """The message as it waits after an attempt: its error and pending at once, as the next try leaves the error."""
    return await shop.tenant.until_message(
        str(message["id"]), lambda row: row["media_error"] and row["media_status"] == "pending"
    )


async def objects_of(shop: Shop) -> list[str]:
    """What lies in the workspace's folder of the bucket."""
    rows = await shop.tenant.rows(
        "select name from storage.objects where bucket_id = 'whatsapp-media'"
        " and name like %(workspace)s::text || '/%%' order by name"
    )
    return [str(row["name"]) for row in rows]
