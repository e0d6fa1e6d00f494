"""Receives WhatsApp webhooks until a signal: commits them, answers, makes rows of them."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys

import uvicorn

from store.connect import check, connect
from store.listening import listen
from store.metrics import Metrics
from store.rpc import Rpc
from store.startup import start
from webhook.app import Receiver
from webhook.journal import Journal
from webhook.metrics import WebhookMetrics
from webhook.onboarding import onboarding_in
from webhook.recorder import Recorder
from webhook.settings import Settings

# How long requests in flight may take after the first signal, in seconds; the provider itself hangs up after 5.
GRACE = 6


# Bodies are trees of small objects that come and go by the thousand; at the usual thresholds the collector walks them
# again and again, and everything imported with them (bench/README.md).
GC_THRESHOLDS = (50_000, 20, 20)


async def serve(settings: Settings) -> int:
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    listener = listen(settings.webhook_host, settings.webhook_port, "WEBHOOK_PORT")
    if listener is None:
        return 1
    key = settings.supabase_service_role_key.get_secret_value()
    metrics = WebhookMetrics(Metrics("webhook"))
    watch = metrics.common.watch_database
    async with (
        connect(settings.supabase_url, key, read_seconds=30.0, watch=watch) as http,
        onboarding_in(settings) as onboarding,
    ):
        rpc = Rpc(http)
        workspace, days = settings.whatsapp_default_workspace_id, settings.webhook_journal_days
        recorder = Recorder(rpc, workspace, days, metrics.recorded)
        metrics.common.watch_queues(rpc.get_queue_health)
        metrics.watch_waiting(lambda: recorder.waiting)
        receiver = Receiver(settings, Journal(rpc, metrics.grouped), recorder, lambda: check(http), metrics)
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
            await uvicorn.Server(config).serve(sockets=[listener])
            sweeping.cancel()
            measuring.cancel()
            recorder.stop()
            await recording
    return 0


if __name__ == "__main__":
    sys.exit(start("webhook", __doc__, Settings, serve))
