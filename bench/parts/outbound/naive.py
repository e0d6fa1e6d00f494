"""The naive loop, one by one and fifty at once. Our triggers are off: they neither help nor burden it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE

from bench import campaign
from bench.outcome import Figure, Outcome
from bench.populate import switch_triggers
from bench.processes import spending
from bench.receivers import PROVIDER, ROOT, Receiver, ReceiverFailure, running, stop
from bench.sends import Sends
from bench.stand import Stand

INDEX = "create index bench_queued on messages (seq) where status = 'queued'"
FILL = (
    "insert into messages (workspace_id, connection_id, conversation_id, type, content)"
    " select workspace_id, connection_id, id, 'text', jsonb_build_object('body', 'Your order is on its way')"
    " from conversations, generate_series(1, 45) as m order by m"
)
SENT = "select count(*), count(distinct wamid) from messages where status = 'sent'"


async def measure(stand: Stand) -> Outcome:
    outcome = Outcome()
    for name, at_once in (("one by one", 1), ("gather of 50", 50)):
        await _measured(stand, outcome, name, at_once)
    return outcome


async def _measured(stand: Stand, outcome: Outcome, name: str, at_once: int) -> None:
    await campaign.new(stand.database, 200)
    await switch_triggers(stand.database, on=False)
    try:
        await stand.database.execute(FILL)
        await stand.database.execute(INDEX)
        await campaign.settled(stand.database)
        async with running(PROVIDER) as provider:
            told, figures = await _run(stand, provider, at_once)
            arrived = await Sends.at(provider)
    finally:
        await stand.database.execute("drop index if exists bench_queued")
        await switch_triggers(stand.database, on=True)
    outcome.figures[f"{name}: messages/s"] = round(told["sent"] / told["seconds"])
    outcome.figures[f"{name}: CPU seconds"] = figures
    row = await (await stand.database.execute(SENT)).fetchone()
    if row != (told["sent"], told["sent"]) or len(set(arrived.ids)) != told["sent"] != len(arrived.ids):
        outcome.problems.append(f"{name}: {told['sent']} sent, {row} in the table, {len(arrived.ids)} at the provider")


async def _run(stand: Stand, provider: Receiver, at_once: int) -> tuple[dict[str, float], Figure]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.naive_outbound", str(at_once), "4" if stand.quick else "10"),
        cwd=ROOT,
        env={**os.environ, "WHATSAPP_360_BASE_URL": f"http://127.0.0.1:{provider.port}"},
        stdout=PIPE,
    )
    try:
        parts = stand.spending_of(provider=[provider.pid])
        async with spending(parts) as spent:  # the loop itself is `load`: a process of ours that has ended
            output, _ = await process.communicate()
    finally:
        await stop(process)
    if process.returncode:
        raise ReceiverFailure(f"the naive loop ended with status {process.returncode}")
    return json.loads(output), spent.seconds
