"""A sender as most projects write it: supabase-py selects what is queued, each is sent, then updated.

`python -m bench.naive_outbound AT_ONCE SECONDS` sends so many at once (1: one after the other) for so long and prints
how many and how long it took. One client of each kind kept open, the service key, no delay. It knows no lease and no
order: a second one of it, or one that dies between send and update, sends twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any, cast

import httpx

from supabase import AsyncClient, acreate_client

Row = dict[str, Any]
BATCH = 50


async def main(at_once: int, seconds: float) -> None:
    project = await acreate_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_SERVICE_ROLE_KEY"])
    async with httpx.AsyncClient(base_url=os.environ["WHATSAPP_360_BASE_URL"], timeout=30) as provider:
        began, sent = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            rows = await queued(project)
            for first in range(0, len(rows), at_once):
                group = rows[first : first + at_once]
                await asyncio.gather(*(send(project, provider, row) for row in group))
                sent += len(group)
            if not rows:
                break
    print(json.dumps({"sent": sent, "seconds": time.monotonic() - began}))


async def queued(project: AsyncClient) -> list[Row]:
    table = project.table("messages")
    wanted = table.select("id, type, content, conversations(phone, phone_number_id)").eq("status", "queued")
    return cast(list[Row], (await wanted.order("seq").limit(BATCH).execute()).data)


async def send(project: AsyncClient, provider: httpx.AsyncClient, row: Row) -> None:
    body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": row["conversations"]["phone"],
        "type": row["type"],
        row["type"]: row["content"],
        "biz_opaque_callback_data": row["id"],
    }
    key = f"key-{row['conversations']['phone_number_id']}"
    answer = await provider.post("/messages", json=body, headers={"D360-API-KEY": key})
    answer.raise_for_status()
    told = {
        "status": "sent",
        "wamid": answer.json()["messages"][0]["id"],
        "sent_at": datetime.now(UTC).isoformat(),
    }
    await project.table("messages").update(told).eq("id", row["id"]).execute()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
