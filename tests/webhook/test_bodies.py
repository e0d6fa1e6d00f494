"""Bodies under one clock: who dribbles is cut off, who is cut off by others is not taken for one who dribbles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from webhook import bodies
from webhook.bodies import MAX_BODY, Bodies, Refused

Message = dict[str, Any]


def parts(*chunks: bytes, pause: float = 0, ends: bool = True) -> Callable[[], Awaitable[Message]]:
    """What the server gives of a body: these chunks, with a pause before each, and then nothing more for ever."""

    async def messages() -> AsyncIterator[Message]:
        for place, chunk in enumerate(chunks, 1):
            await asyncio.sleep(pause)
            yield {"type": "http.request", "body": chunk, "more_body": not (ends and place == len(chunks))}
        await asyncio.Event().wait()

    return messages().__anext__


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "READ_SECONDS", 1.0)
    monkeypatch.setattr(bodies, "LOOK_SECONDS", 0.05)


async def _status(reading: Awaitable[bytes]) -> int:
    with pytest.raises(Refused) as refused:
        await reading
    return refused.value.status


async def test_a_body_in_pieces_is_read_whole() -> None:
    assert await Bodies().read("4", parts(b"ab", b"cd")) == b"abcd"


async def test_who_dribbles_is_cut_off_and_others_are_not() -> None:
    one = Bodies()
    slow = [asyncio.create_task(_status(one.read(None, parts(*[b"x"] * 999, pause=0.03)))) for _ in range(3)]
    stuck = asyncio.create_task(_status(one.read("9", parts(b"x", ends=False))))
    cut_off = asyncio.gather(*slow, stuck)
    async with asyncio.timeout(20):
        while not cut_off.done():
            assert await one.read("2", parts(b"ok", pause=0.02)) == b"ok"
    assert await cut_off == [408] * 4


async def test_the_task_of_a_late_body_goes_on() -> None:
    one = Bodies()
    assert await _status(one.read("9", parts(ends=False))) == 408
    # As the answer is sent by the same task: it is no longer being cancelled.
    await asyncio.sleep(0.5)
    assert await one.read("2", parts(b"ok")) == b"ok"


async def test_who_is_ended_by_the_server_is_not_answered() -> None:
    task = asyncio.create_task(Bodies().read("9", parts(ends=False)))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_ended_by_the_server_while_it_is_late_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Bodies()
    task = asyncio.create_task(one.read("9", parts(ends=False)))
    await asyncio.sleep(0)
    monkeypatch.setattr(bodies, "READ_SECONDS", 0)
    one._look()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_clock_stands_still_when_nothing_is_read() -> None:
    one = Bodies()
    await one.read("2", parts(b"ok"))
    await asyncio.sleep(0.2)
    assert one._clock is None


@pytest.mark.parametrize("declared", [str(MAX_BODY + 1), "-1", "2, 3", "²"])
async def test_a_length_that_is_too_much_or_none_is_refused_unread(declared: str) -> None:
    assert await _status(Bodies().read(declared, parts(ends=False))) == 413
