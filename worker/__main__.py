"""Sends the outbox, downloads media, removes what is to vanish and asks after numbers and templates, until a signal.

First SIGTERM or SIGINT: drain and exit. Second: exit at once.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
from typing import Any

import structlog

from store.connect import check, connect
from store.files import Files
from store.listening import listen
from store.metrics import Metrics
from store.realtime import Doorbell
from store.rpc import Rpc
from store.startup import start, started
from whatsapp.upload import MEGABYTE
from worker.attachments import UPLOADS, Attachments
from worker.chores import SLOTS as CHORES
from worker.chores import Chores
from worker.clients import Clients, provider_http
from worker.loop import Loop, Queue
from worker.media import Media
from worker.metrics import WorkerMetrics
from worker.outbound import Outbound
from worker.receipts import SLOTS, Receipts
from worker.removals import Removals
from worker.settings import Settings
from worker.status import Status

log = structlog.get_logger()

BUCKET = "whatsapp-media"


async def work(settings: Settings) -> int:
    listener = None
    if settings.worker_status_port is not None:
        listener = listen(settings.worker_status_host, settings.worker_status_port, "WORKER_STATUS_PORT")
        if listener is None:
            return 1
    started(settings)
    key = settings.supabase_service_role_key.get_secret_value()
    metrics = WorkerMetrics(Metrics("worker"), settings)
    pool = provider_http(settings.worker_sends + settings.worker_downloads + SLOTS + CHORES, metrics.watch_provider)
    # Files take a connection each for as long as they take, and the queues must never wait for one.
    transfers = UPLOADS + settings.worker_downloads
    watch = metrics.common.watch_database
    async with (
        connect(settings.supabase_url, key, connections=17 + transfers, watch=watch) as project,
        pool as provider,
    ):
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
        finished = metrics.finished
        loops = {"outbox": Loop(outbound, finished), "media_downloads": Loop(media, finished)}
        doorbell = Doorbell(
            settings.supabase_url, key, {table: loop.ring for table, loop in loops.items()}, rpc.ring_doorbell
        )
        receipts: Queue = Receipts(rpc, clients)
        loops["receipts"] = Loop(receipts, finished)
        removals: Queue = Removals(rpc, files)
        loops["removals"] = Loop(removals, finished)
        chores: Queue = Chores(rpc, clients, settings.worker_templates_hours)
        loops["chores"] = Loop(chores, finished)
        every = list(loops.values())
        metrics.watch(every, doorbell)
        metrics.common.watch_queues(rpc.get_queue_health)
        _on_signal(every)
        beside = [asyncio.create_task(doorbell.run()), asyncio.create_task(metrics.common.run())]
        if listener is not None:
            status = Status(every, lambda: check(project), metrics.common, settings.metrics_token)
            beside.append(asyncio.create_task(status.serve(listener)))
        try:
            async with asyncio.TaskGroup() as running:
                for loop in every:
                    running.create_task(loop.run(doorbell, settings.worker_grace_seconds))
        finally:
            for task in beside:
                task.cancel()
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
    start("worker", __doc__, Settings, work)
