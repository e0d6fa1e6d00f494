"""One body of 3 MB with 1,000 updates, messages and statuses in turn: the largest that Meta sends."""

from __future__ import annotations

import json
import statistics
import time

from bench import check
from bench.journal import drained
from bench.load import Load
from bench.load_client import Connection
from bench.outcome import Outcome
from bench.receivers import OURS, running
from bench.stand import PEOPLE, Stand
from bench.webhooks import Webhooks

UPDATES = 1_000
SIZE = 3_000_000
TIMES = 5


async def measure(stand: Stand) -> Outcome:
    tenant = await stand.shop(1)
    acks, rows = [], []
    async with running(OURS) as receiver:
        connection = Connection(receiver.port)
        for turn in range(TIMES):
            webhooks = stand.webhooks(tenant, PEOPLE)
            body = body_of(webhooks, first=4 * UPDATES * turn)
            request = _request(stand.load(receiver, webhooks), body)
            began = time.monotonic()
            status = await connection.post(request)
            acks.append((time.monotonic() - began) * 1000)
            if status != 200:
                return Outcome(problems=[f"answered with {status}"])
            rows.append((await drained(stand.database) - began) * 1000)
        connection.close()
    messages, statuses, _ = await check.rows(stand.database)
    problems = []
    if (messages, statuses) != (TIMES * UPDATES // 2, TIMES * UPDATES // 2):
        problems.append(f"{messages} messages and {statuses} statuses of {TIMES} x {UPDATES} updates, half and half")
    return Outcome(
        {
            "body bytes": len(body),
            "ack median ms": statistics.median(acks),
            "ack max ms": max(acks),
            "rows median ms": statistics.median(rows),
            "rows max ms": max(rows),
        },
        problems=problems,
    )


def body_of(webhooks: Webhooks, first: int) -> bytes:
    """The changes of a thousand webhooks in one envelope, padded with what customers write at length."""
    chosen = [first + 4 * place + place % 2 for place in range(UPDATES)]  # message, sent, message, sent, …
    envelopes = [json.loads(webhooks.body(n)) for n in chosen]
    changes = [change for envelope in envelopes for change in envelope["entry"][0]["changes"]]
    envelope = envelopes[0]
    envelope["entry"][0]["changes"] = changes
    missing = SIZE - len(_encoded(envelope))
    texts = [change["value"]["messages"][0]["text"] for change in changes if "messages" in change["value"]]
    for text in texts:
        text["body"] += "א" * (missing // len(texts) // len(json.dumps("א").strip('"')))
    return _encoded(envelope)


def _encoded(envelope: object) -> bytes:
    return json.dumps(envelope, separators=(",", ":")).encode()


def _request(load: Load, body: bytes) -> bytes:
    return load.head(len(body)).encode() + body
