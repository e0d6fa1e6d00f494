"""Pictures that customers send, and what becomes of them in the bucket."""

from __future__ import annotations

import random
from typing import Any

from psycopg.rows import DictRow

from tests.flows.shop import Shop

# More than a chunk or two on every hop.
PICTURE = random.Random(1).randbytes(700_001)


async def receive_picture(shop: Shop, raw: bytes = PICTURE, caption: str = "look", **options: Any) -> DictRow:
    """A picture arrives; the row of its message."""
    media = await shop.business.media_from_user(raw, **options)
    await shop.business.receive({"type": "image", "image": {"id": media["id"], "caption": caption}})
    (message,) = await shop.tenant.until_messages(bool)
    return message


async def until_media(shop: Shop, message: DictRow, *statuses: str, within: float = 12) -> DictRow:
    return await shop.tenant.until_message(
        str(message["id"]), lambda row: row["media_status"] in statuses, within=within
    )


async def objects_of(shop: Shop) -> list[str]:
    """What lies in the workspace's folder of the bucket."""
    rows = await shop.tenant.rows(
        "select name from storage.objects where bucket_id = 'whatsapp-media'"
        " and name like %(workspace)s::text || '/%%' order by name"
    )
    return [str(row["name"]) for row in rows]
