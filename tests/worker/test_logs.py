"""What the worker says of each outcome, of work that fails where it should not, and of a Supabase that is away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from tests.flows.flaky_gateway import UNAVAILABLE, FlakyGateway
from tests.flows.programs import Programs
from tests.worker.test_loop import Deaf, Waiting
from worker.loop import Loop
from worker.send_log import tell

Row = dict[str, Any]

IDS = {"message_id": "m", "connection_id": "c"}
ERROR = {"code": 131026, "class": "PERMANENT", "title": "to +972501234567: «hello»"}


@pytest.mark.parametrize(
    ("result", "event", "level", "more"),
    [
        ({"outcome": "done", "wamid": "wamid.1"}, "outbound.sent", "debug", set()),
        ({"outcome": "retry", "retry_after": 2.4}, "outbound.postponed", "info", {"attempts", "seconds"}),
        ({"outcome": "retry"}, "outbound.postponed", "info", {"attempts"}),
        (
            {"outcome": "throttle", "retry_after": 6, "scope": "pair"},
            "outbound.throttled",
            "info",
            {"scope", "seconds"},
        ),
        ({"outcome": "uncertain"}, "outbound.uncertain", "warning", set()),
        ({"outcome": "pause", "reason": "payment"}, "connection.paused", "error", {"reason"}),
        ({"outcome": "suppress"}, "outbound.suppressed", "warning", set()),
        ({"outcome": "reject"}, "outbound.rejected", "warning", set()),
    ],
)
def test_each_outcome_is_told_with_ids_and_codes_and_nobodys_words(
    result: Row, event: str, level: str, more: set[str]
) -> None:
    failed = result["outcome"] not in ("done", "uncertain")
    with capture_logs() as lines:
        tell(IDS | {"attempts": 3}, result | ({"error": ERROR} if failed else {}))
    (line,) = lines
    assert (line["event"], line["log_level"], line["message_id"], line["connection_id"]) == (event, level, "m", "c")
    told = {"code", "error_class"} if failed else set()
    assert line.keys() == {"event", "log_level", *IDS, *told, *more}
    assert "hello" not in str(line)


def test_a_message_that_was_given_back_is_nothing_to_tell() -> None:
    with capture_logs() as lines:
        tell(IDS, None)
    assert lines == []


class Stumbling(Waiting):
    """One of its jobs is more than the worker can take; each sees its own ids and no others'."""

    def __init__(self) -> None:
        super().__init__()
        self.bound: list[tuple[Any, Row]] = []

    async def run(self, job: Row) -> Row | None:
        await asyncio.sleep(0)
        self.bound.append((job["message_id"], get_contextvars()))
        if job["message_id"] == 2:
            raise KeyError("what a customer wrote")
        return {"outcome": "done"}

    async def record(self, results: Any) -> int:
        self.recorded += [result["message_id"] for result in results]
        if len(self.recorded) == 3:
            self.all_recorded.set()
        return len(results)


async def test_a_job_that_the_worker_stumbles_over_is_told_and_stops_no_other() -> None:
    queue = Stumbling()
    queue.left = [job | {"connection_id": "c"} for job in queue.left]
    loop = Loop(queue)
    with capture_logs() as lines:
        running = asyncio.create_task(loop.run(Deaf(), grace_seconds=1))
        async with asyncio.timeout(5):
            await queue.all_recorded.wait()
        loop.stop()
        await running
    assert sorted(queue.recorded) == [0, 1, 3]
    (line,) = [line for line in lines if line["event"] == "job.failed"]
    assert (line["raised"][0]["type"], "customer" in str(line)) == ("KeyError", False)
    # A first id of 0 stands for none.
    assert [bound for place, bound in queue.bound if place] == [
        {"queue": "waiting", "message_id": place, "connection_id": "c"} for place in (1, 2, 3)
    ]


async def test_an_absence_is_told_once_in_a_while_and_its_end_once(programs: Programs, gateway: FlakyGateway) -> None:
    gateway.troubles["rpc/claim_outbound"] = UNAVAILABLE
    worker = await programs.worker(ready="claim.failed", SUPABASE_URL=gateway.url)
    gateway.troubles.clear()
    await worker.until_said("claim.restored")
    lines = [json.loads(line) for line in worker.said.splitlines()]
    (failed,) = [line for line in lines if line["event"] == "claim.failed"]
    assert (failed["queue"], failed["code"], failed["times"]) == ("outbound", "503", 1)
