"""Files stored as most projects do it: whole in memory, with supabase-py, and the row updated when the file is there.

`python -m bench.naive_media AT_ONCE SECONDS` stores so many at once (1: one after the other) for so long and prints how
many and how long it took. One client of each kind kept open, the service key, no delay. It checks no hash, keeps no
lease, and holds each file in memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from supabase import AsyncClient, acreate_client

Row = dict[str, Any]
PAGE = 500
BUCKET = "whatsapp-media"
KEY = {"D360-API-KEY": "key"}


async def main(at_once: int, seconds: float) -> None:
    project = await acreate_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_SERVICE_ROLE_KEY"])
    async with httpx.AsyncClient(base_url=os.environ["WHATSAPP_360_BASE_URL"], timeout=30) as provider:
        began, stored = time.monotonic(), 0
        while time.monotonic() - began < seconds and (rows := await waiting(project)):
            for first in range(0, len(rows), at_once):
                group = rows[first : first + at_once]
                await asyncio.gather(*(store(project, provider, row) for row in group))
                stored += len(group)
                if time.monotonic() - began >= seconds:
                    break
    print(json.dumps({"stored": stored, "seconds": time.monotonic() - began}))


async def waiting(project: AsyncClient) -> list[Row]:
    table = project.table("messages")
    wanted = table.select("id, workspace_id, conversation_id, media_id").eq("media_status", "pending")
    return cast(list[Row], (await wanted.order("seq").limit(PAGE).execute()).data)


async def store(project: AsyncClient, provider: httpx.AsyncClient, row: Row) -> None:
    described = (await provider.get(f"/{row['media_id']}", headers=KEY)).raise_for_status().json()
    address = urlsplit(described["url"])
    fetched = (await provider.get(f"{address.path}?{address.query}", headers=KEY)).raise_for_status()
    path = f"{row['workspace_id']}/{row['conversation_id']}/{row['id']}.jpg"
    options = {"content-type": described["mime_type"], "upsert": "true"}
    await project.storage.from_(BUCKET).upload(path, fetched.content, cast(Any, options))
    told = {"media_status": "stored", "media_path": path, "media_size": len(fetched.content)}
    await project.table("messages").update(told).eq("id", row["id"]).execute()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
