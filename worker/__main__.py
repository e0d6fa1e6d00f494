"""Sends the outbox, downloads media and removes what is to vanish, until a signal.

First SIGTERM or SIGINT: drain and exit. Second: exit at once.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from typing import Any

import structlog

from store.connect import connect
from store.files import Files
from store.realtime import Doorbell
from store.rpc import Rpc
from store.startup import start, started
from whatsapp.upload import MEGABYTE
from worker.attachments import UPLOADS, Attachments
from worker.clients import Clients, provider_http
from worker.loop import Loop, Queue
from worker.media import Media
from worker.outbound import Outbound
from worker.receipts import SLOTS, Receipts
from worker.removals import Removals
from worker.settings import Settings

log = structlog.get_logger()

BUCKET = "whatsapp-media"


async def work(settings: Settings) -> int:
    started(settings)
    key = settings.supabase_service_role_key.get_secret_value()
    pool = provider_http(settings.worker_sends + settings.worker_downloads + SLOTS)
    # Files take a connection each for as long as they take, and the queues must never wait for one.
    transfers = UPLOADS + settings.worker_downloads
    async with connect(settings.supabase_url, key, connections=14 + transfers) as project, pool as provider:
        traces = _traces(settings)
        if traces:
            traces.trace_http(project, provider)
        rpc, files = Rpc(project), Files(project, BUCKET)
        clients = Clients(rpc, provider, settings)
        outbound: Queue = Outbound(rpc, clients, Attachments(rpc, files), settings.worker_sends)
        limit = settings.worker_media_limit_mb * MEGABYTE
        media: Queue = Media(rpc, clients, files, settings.worker_downloads, limit)
        if traces:
            outbound, media = traces.TracedQueue(outbound, "send"), traces.TracedQueue(media, "fetch")
        loops = {"outbox": Loop(outbound), "media_downloads": Loop(media)}
        doorbell = Doorbell(
            settings.supabase_url, key, {table: loop.ring for table, loop in loops.items()}, rpc.ring_doorbell
        )
        receipts: Queue = Receipts(rpc, clients)
        loops["receipts"] = Loop(receipts)
        removals: Queue = Removals(rpc, files)
        loops["removals"] = Loop(removals)
        _on_signal(list(loops.values()))
        listening = asyncio.create_task(doorbell.run())
        try:
            async with asyncio.TaskGroup() as running:
                for loop in loops.values():
                    running.create_task(loop.run(doorbell, settings.worker_grace_seconds))
        finally:
            listening.cancel()
    return 0


def _traces(settings: Settings) -> Any:
    """The module that makes spans, imported only for who wants them; None without."""
    return None if settings.otel_exporter_otlp_endpoint is None else importlib.import_module("worker.traced")


def _on_signal(loops: list[Loop]) -> None:
    running = asyncio.get_running_loop()

    def leave() -> None:
        log.warning("process.aborted")
        os._exit(1)

    def drain() -> None:
        log.info("process.stopping")
        for number in (signal.SIGTERM, signal.SIGINT):
            running.add_signal_handler(number, leave)
        for loop in loops:
            loop.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, drain)


if __name__ == "__main__":
    sys.exit(start("worker", __doc__, Settings, work))
