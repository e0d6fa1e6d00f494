"""Receives WhatsApp webhooks until a signal: commits them, answers, makes rows of them."""

from __future__ import annotations

import asyncio
import importlib
import signal
import socket
from typing import NamedTuple

import structlog
import uvicorn

from store.connect import check, connect
from store.listening import listen
from store.metrics import Metrics
from store.rpc import Rpc
from store.startup import start, started
from webhook.app import Receiver
from webhook.journal import Journal
from webhook.metrics import WebhookMetrics
from webhook.onboarding import onboarding_in
from webhook.recorder import Recorder
from webhook.settings import Settings

log = structlog.get_logger()

# How long requests in flight may take after the first signal, in seconds; the provider itself hangs up after 5.
GRACE = 6


async def serve(settings: Settings) -> int:
    listener = listen(settings.webhook_host, settings.webhook_port, "WEBHOOK_PORT")
    if listener is None:
        return 1
    started(settings)
    kinds = _kinds(settings)
    key = settings.supabase_service_role_key.get_secret_value()
    metrics = WebhookMetrics(Metrics("webhook"))
    watch = metrics.common.watch_database
    async with (
        connect(settings.supabase_url, key, read_seconds=30.0, watch=watch) as http,
        onboarding_in(settings) as onboarding,
    ):
        rpc = Rpc(http)
        workspace, days = settings.whatsapp_default_workspace_id, settings.webhook_journal_days
        recorder = kinds.recorder(rpc, workspace, days, metrics.recorded)
        metrics.common.watch_queues(rpc.get_queue_health)
        metrics.watch_waiting(lambda: recorder.waiting)
        journal = kinds.journal(rpc, metrics.grouped)
        receiver = kinds.receiver(settings, journal, recorder, lambda: check(http), metrics)
        config = uvicorn.Config(
            receiver.app(*onboarding),
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
            measuring = tasks.create_task(metrics.common.run())
            await Server(config).serve(sockets=[listener])
            sweeping.cancel()
            measuring.cancel()
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


if __name__ == "__main__":
    start("webhook", __doc__, Settings, serve)
