"""An answer that comes, but never whole: each piece in time, and no end to them. Nobody waits for that for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.whatsapp.conftest import Line
from whatsapp import client
from whatsapp.client import WhatsAppClient
from whatsapp.errors import OutcomeUnknown

CALLS: dict[str, Callable[[WhatsAppClient], Awaitable[object]]] = {
    "messages": lambda c: c.send_text_message("972501234567", "hi"),
    "mark_read": lambda c: c.mark_message_as_read("wamid.HBgMOTcyNTAxMjM0NTY3"),
    "media": lambda c: c.upload_media(b"%PDF", filename="a.pdf", mime_type="application/pdf"),
}


@pytest.mark.parametrize("operation", CALLS)
async def test_an_answer_that_drips_is_given_up(line: Line, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 1.0)
    body = {"messages": [{"id": "wamid.1"}], "success": True, "id": "1", "more": "x" * 400}
    await line.business.fault(operation, {"http": 200, "body": body, "drip": 20})
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        async with asyncio.timeout(8):
            await CALLS[operation](line.client)
    assert time.monotonic() - began < 5
