"""What is queued to leave the bucket, and the time that nobody here waits for."""

from __future__ import annotations

from psycopg.rows import DictRow

from tests.flows.pictures import objects_of, receive_picture, until_media
from tests.flows.shop import Shop
from tests.flows.waiting import until


async def stored_picture(shop: Shop) -> str:
    """A picture that has arrived whole; the id of its message."""
    message = await until_media(shop, await receive_picture(shop), "stored")
    return str(message["id"])


async def delete_message(shop: Shop, message_id: str) -> None:
    await shop.tenant.rows("delete from messages where id = %(id)s", id=message_id)


async def until_gone(shop: Shop, within: float = 15) -> None:
    await until(lambda: objects_of(shop), lambda names: not names, within)


async def time_passes(shop: Shop, *columns: str) -> None:
    """Nobody here waits for hours."""
    moved = ", ".join(f"{column} = now()" for column in columns)
    await shop.tenant.rows(f"update private.media_removals set {moved} where workspace_id = %(workspace)s")


async def queued_removals(shop: Shop) -> list[str]:
    found = await shop.tenant.rows(
        "select prefix, error from private.media_removals where workspace_id = %(workspace)s order by prefix"
    )
    return [f"{row['prefix']} {(row['error'] or {}).get('code', '')}".strip() for row in found]


async def removals_of(shop: Shop, *, leased: bool) -> list[DictRow]:
    """Those that a worker holds, or that none does."""
    return await shop.tenant.rows(
        "select * from private.media_removals"
        " where workspace_id = %(workspace)s and (lease_token is not null) = %(leased)s",
        leased=leased,
    )
