"""Receives WhatsApp webhooks until a signal: commits them, answers, makes rows of them."""

from __future__ import annotations

import asyncio
import gc
import importlib
import signal
import socket
import sys
from typing import NamedTuple

import structlog
import uvicorn

from store.connect import check, connect
from store.rpc import Rpc
from store.startup import start, started
from webhook.app import Receiver
from webhook.journal import Journal
from webhook.recorder import Recorder
from webhook.settings import Settings

log = structlog.get_logger()

# How long requests in flight may take after the first signal, in seconds; the provider itself hangs up after 5.
GRACE = 6


# Bodies are trees of small objects that come and go by the thousand; at the usual thresholds the collector walks them
# again and again, and everything imported with them (bench/README.md).
GC_THRESHOLDS = (50_000, 20, 20)


async def serve(settings: Settings) -> int:
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        listener = _listen(settings.webhook_host, settings.webhook_port)
    except OSError as error:
        address = f"{settings.webhook_host}:{settings.webhook_port}"
        print(f"Cannot listen on {address} ({error.strerror}): free it or set WEBHOOK_PORT.", file=sys.stderr)
        return 1
    started(settings)
    kinds = _kinds(settings)
    key = settings.supabase_service_role_key.get_secret_value()
    async with connect(settings.supabase_url, key, read_seconds=30.0) as http:
        rpc = Rpc(http)
        recorder = kinds.recorder(rpc, settings.whatsapp_default_workspace_id, settings.webhook_journal_days)
        receiver = kinds.receiver(settings, kinds.journal(rpc), recorder, ready=lambda: check(http))
        config = uvicorn.Config(
            receiver.app(),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE,
            server_header=False,
            # Who the client is plays no part here.
            proxy_headers=False,
            ws="none",
            lifespan="off",
        )
        # uvicorn raises the signal once more when it has drained; this time it means nothing.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        # Together or not at all: a receiver that went on acknowledging without its recorder would look well.
        async with asyncio.TaskGroup() as tasks:
            recording = tasks.create_task(recorder.run())
            sweeping = tasks.create_task(recorder.sweep())
            await Server(config).serve(sockets=[listener])
            sweeping.cancel()
            recorder.stop()
            await recording
    return 0


class Server(uvicorn.Server):
    """uvicorn's, which says when it was told to stop."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log.info("process.stopping")
        await super().shutdown(sockets)


class Kinds(NamedTuple):
    """What a receiver is made of."""

    journal: type[Journal] = Journal
    recorder: type[Recorder] = Recorder
    receiver: type[Receiver] = Receiver


def _kinds(settings: Settings) -> Kinds:
    """Those that make spans only where somebody wants traces."""
    if settings.otel_exporter_otlp_endpoint is None:
        return Kinds()
    traced = importlib.import_module("webhook.traced")
    return Kinds(traced.TracedJournal, traced.TracedRecorder, traced.TracedReceiver)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(2048)
    return listener


if __name__ == "__main__":
    sys.exit(start("webhook", __doc__, Settings, serve))
