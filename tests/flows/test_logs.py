"""Receiver and worker with traffic, good and bad: each line is an event of the page, none says what is nobody's."""

from __future__ import annotations

import json
import os
import signal
import socket
from typing import Any
from urllib.parse import urlsplit

from tests.flows.pictures import until_media
from tests.flows.programs import ROOT, Program, Programs
from tests.flows.shop import Shop, register_webhook
from tests.flows.tenant import phones
from tests.store.test_logs_page import _of_page
from tests.webhook.posting import post
from tests.whatsapp.files import jpeg

SECRETS = ("SUPABASE_SERVICE_ROLE_KEY", "WHATSAPP_WEBHOOK_SECRET", "WHATSAPP_WEBHOOK_VERIFY_TOKEN", "META_APP_SECRET")
WORDS = ("the customer's own words", "the answer's own words", "under the picture")


def lines(program: Program) -> list[dict[str, Any]]:
    return [json.loads(line) for line in program.said.splitlines()]


def told(program: Program, event: str) -> list[dict[str, Any]]:
    return [line for line in lines(program) if line["event"] == event]


async def test_every_line_is_json_of_the_page_and_says_no_secret_no_text_and_no_number(
    shop: Shop, programs: Programs
) -> None:
    webhook, worker = await programs.webhook(LOG_LEVEL="debug"), await programs.worker(LOG_LEVEL="DEBUG")
    await register_webhook(shop.business, webhook)
    customer, stranger = phones(2)
    sent, refused = await traffic(shop, webhook, customer, stranger)
    await worker.until_said("media.stored")
    for program in (webhook, worker):
        program.signal(signal.SIGTERM)
        assert await program.ended() == 0

    page = _of_page()
    for program in (webhook, worker):
        for line in lines(program):
            level, process, _ = page[line["event"]]
            assert (line["level"], line["process"]) == (
                line["level"] if level == "any" else level,
                program.log.name.partition("-")[0] if process == "both" else process,
            )
        assert [line["event"] for line in lines(program)][:: len(lines(program)) - 1] == [
            "process.started",
            "process.stopped",
        ]
        forbidden = [*WORDS, customer, stranger, shop.business.api_key, *(os.environ[name] for name in SECRETS)]
        assert [word for word in forbidden if word in program.said] == []

    assert told(webhook, "webhook.refused")[0]["subject"] == shop.tenant.phone_number_id
    assert {line["status"] for line in told(webhook, "webhook.refused")} == {400, 401}
    assert told(webhook, "library.told")[0]["said"] == "Invalid HTTP request received."
    assert told(webhook, "inbound.recorded")
    (gone,), (failed,) = told(worker, "outbound.sent"), told(worker, "outbound.rejected")
    assert (gone["message_id"], gone["connection_id"]) == (sent, shop.tenant.connection_id)
    assert (failed["message_id"], failed["code"], failed["queue"]) == (refused, 131026, "outbound")


async def traffic(shop: Shop, webhook: Program, customer: str, stranger: str) -> tuple[str, str]:
    """A text and a picture in, a message out, one that is refused, and requests that are none of WhatsApp's."""
    await shop.business.receive({"type": "text", "text": {"body": WORDS[0]}}, phone=customer)
    media = await shop.business.media_from_user(jpeg(64, 48))
    await shop.business.receive({"type": "image", "image": {"id": media["id"], "caption": WORDS[2]}}, phone=customer)
    rows = await shop.tenant.until_messages(lambda rows: len(rows) == 2)
    await until_media(shop, next(row for row in rows if row["type"] == "image"), "stored")
    conversation = str(rows[0]["conversation_id"])
    sent = await shop.tenant.queue(conversation, WORDS[1])
    await shop.tenant.until_message(sent, lambda row: row["wamid"])
    await shop.business.fault("messages", {"error": 131026}, times=1)
    refused = await shop.tenant.queue(await shop.tenant.conversation(stranger), WORDS[1])
    await shop.tenant.until_message(refused, lambda row: row["status"] == "failed")
    assert await post(webhook, shop.tenant, {}, token="0" * 64) == 401
    assert await post(webhook, shop.tenant, WORDS[0].encode()) == 400
    with socket.create_connection(("127.0.0.1", urlsplit(webhook.url).port or 0), timeout=5) as line:
        line.sendall(f"{WORDS[0]} {customer}\r\n\r\n".encode())
        line.recv(100)
    return sent, refused


async def test_settings_of_logs_are_checked_and_secrets_in_addresses_are_not_shown(programs: Programs) -> None:
    program = await programs.start("worker", LOG_FORMAT="xml", LOG_LEVEL="loud")
    assert await program.ended() == 2
    assert [line.partition(":")[0] for line in program.said.splitlines()] == ["LOG_FORMAT", "LOG_LEVEL"]
    program = await programs.start("worker", "--check", OTEL_EXPORTER_OTLP_ENDPOINT="http://me:pass@127.0.0.1:4318")
    assert await program.ended() == 0
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://**********@127.0.0.1:4318" in program.said


def test_the_page_is_named_where_settings_are() -> None:
    assert "logs.md" in (ROOT / "docs/settings.md").read_text()
