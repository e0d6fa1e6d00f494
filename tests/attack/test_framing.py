"""Where a body begins and ends: lies about its length, bodies in drops, many requests on one line, none at all."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from tests.attack.wire import (
    Wire,
    ask,
    bearer,
    good_body,
    good_request,
    head,
    path_of,
    request,
    wire,
)
from tests.flows.programs import Program
from tests.flows.tenant import Tenant

LIMIT = 4 * 1024 * 1024
# 360dialog hangs up after this.
PATIENCE = 5.0


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def own_head(tenant: Tenant, *lines: str) -> bytes:
    return head(path_of(tenant), bearer(tenant.phone_number_id), *lines)


def padded(tenant: Tenant, size: int) -> bytes:
    body = good_body(tenant)
    return body + b" " * (size - len(body))


async def kept(tenant: Tenant) -> list[bytes]:
    return [event["raw"].encode() for event in await tenant.events()]


# What comes with a body and says something impossible, ambiguous or dishonest about where it ends.
FRAMINGS = {
    "negative": ("Content-Length: -1",),
    "not a number": ("Content-Length: many",),
    "with a sign": ("Content-Length: +{length}",),
    "hexadecimal": ("Content-Length: 0x10",),
    "a superscript": ("Content-Length: \xb2",),
    "empty": ("Content-Length:",),
    "larger than any integer": ("Content-Length: " + "9" * 40,),
    "twice, different": ("Content-Length: {length}", "Content-Length: 2"),
    "a list": ("Content-Length: {length}, {length}",),
    "length and chunks": ("Content-Length: {length}", "Transfer-Encoding: chunked"),
    "chunks and length": ("Transfer-Encoding: chunked", "Content-Length: 4"),
    "chunks not last": ("Transfer-Encoding: chunked, identity",),
    "an unknown coding": ("Transfer-Encoding: xchunked",),
    "a coding with a tab": ("Transfer-Encoding:\tx\tchunked",),
    "a space before the colon": ("Content-Length : {length}",),
    "a folded coding": ("Transfer-Encoding:", " chunked"),
    "a null in a header": ("X: \x00", "Content-Length: {length}"),
    "a header without a name": (": x", "Content-Length: {length}"),
    "a line without a colon": ("nonsense", "Content-Length: {length}"),
}


@pytest.mark.parametrize("name", FRAMINGS)
async def test_a_length_that_cannot_be_is_refused_and_nothing_behind_it_is_taken_for_a_request(
    webhook: Program, tenant: Tenant, name: str
) -> None:
    hidden = good_request(tenant)
    # To one reader a chunked body that ends at once with another request behind it, to another one body.
    body = b"0\r\n\r\n" + hidden
    lines = (line.format(length=len(body)) for line in FRAMINGS[name])
    async with wire(webhook) as line:
        await line.send(own_head(tenant, *lines) + body)
        answer = await line.answer()
        assert answer.status in (400, 411, 413, 501), answer
        assert await line.closed()
    assert await kept(tenant) == []


async def test_the_same_length_twice_is_one_length_or_none(webhook: Program, tenant: Tenant) -> None:
    body = good_body(tenant)
    length = f"Content-Length: {len(body)}"
    answer = await ask(webhook, own_head(tenant, length, length) + body)
    assert (answer.status, await kept(tenant)) in ((200, [body]), (400, []))


async def test_a_length_too_small_cuts_the_body_and_the_rest_is_no_request(webhook: Program, tenant: Tenant) -> None:
    body = good_body(tenant)
    async with wire(webhook) as line:
        await line.send(own_head(tenant, f"Content-Length: {len(body) - 10}") + body)
        assert (await line.answer()).status == 400
        assert (await line.answer()).status in (0, 400)
        assert await line.closed()
    assert await kept(tenant) == []


async def test_a_body_cut_off_by_its_sender_is_not_kept(webhook: Program, tenant: Tenant) -> None:
    body = good_body(tenant)
    for opening in (own_head(tenant, f"Content-Length: {len(body) + 1}"), own_head(tenant, f"Content-Length: {LIMIT}")):
        async with wire(webhook) as line:
            await line.send(opening + body)
    async with wire(webhook) as line:
        await line.send(own_head(tenant, "Transfer-Encoding: chunked") + chunked(body)[:-5])
    # One more after them: what was in flight before it has been decided.
    assert (await ask(webhook, good_request(tenant, body=body))).status == 200
    assert await kept(tenant) == [body]


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_a_body_in_chunks_is_kept_as_one(webhook: Program, tenant: Tenant, size: int) -> None:
    body = good_body(tenant)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    raw = own_head(tenant, "Transfer-Encoding: chunked") + chunked(*pieces)
    assert (await ask(webhook, raw)).status == 200
    assert await kept(tenant) == [body]


async def test_chunk_extensions_and_trailers_are_no_part_of_the_body(webhook: Program, tenant: Tenant) -> None:
    body = good_body(tenant)
    framed = b"%x;name=value\r\n%s\r\n0\r\nAuthorization: Bearer x\r\n\r\n" % (len(body), body)
    answer = await ask(webhook, own_head(tenant, "Transfer-Encoding: chunked") + framed)
    assert (answer.status, await kept(tenant)) in ((200, [body]), (400, []))


@pytest.mark.parametrize("size", [b"zz", b"-1", b"0x5", b" 5", b"", b"f" * 17, b"5;" + b"x" * 1_000_000])
async def test_a_chunk_of_no_size_is_refused(webhook: Program, tenant: Tenant, size: bytes) -> None:
    raw = own_head(tenant, "Transfer-Encoding: chunked") + size + b"\r\n" + good_body(tenant) + b"\r\n0\r\n\r\n"
    assert (await ask(webhook, raw)).status in (0, 400, 413)
    assert await kept(tenant) == []


@pytest.mark.parametrize(("size", "status"), [(LIMIT - 1, 200), (LIMIT, 200), (LIMIT + 1, 413)])
@pytest.mark.parametrize("framing", ["with its length", "in chunks"])
async def test_the_limit_is_four_mebibytes_to_the_byte(
    webhook: Program, tenant: Tenant, size: int, status: int, framing: str
) -> None:
    body = padded(tenant, size)
    if framing == "in chunks":
        pieces = [body[start : start + 65536] for start in range(0, size, 65536)]
        raw = own_head(tenant, "Transfer-Encoding: chunked") + chunked(*pieces)
    else:
        raw = good_request(tenant, body=body)
    # Whoever is hung up on in mid-sentence, for the length they named, may miss the answer.
    missed = {0} if status == 413 and framing == "with its length" else set()
    assert (await ask(webhook, raw)).status in {status} | missed
    assert await kept(tenant) == ([body] if status == 200 else [])


@pytest.mark.parametrize(("token", "status"), [("", 413), ("0", 401)])
async def test_a_body_without_end_is_cut_off_while_it_is_read(
    webhook: Program, tenant: Tenant, token: str, status: int
) -> None:
    opening = own_head(tenant, "Transfer-Encoding: chunked").replace(b"Bearer ", b"Bearer " + token.encode())
    async with wire(webhook) as line:
        pouring = asyncio.create_task(pour(line, opening))
        # Whoever is hung up on in mid-sentence may miss the answer.
        assert (await line.answer()).status in (status, 0)
        assert await line.closed()
        await pouring
    assert await kept(tenant) == []


async def pour(line: Wire, opening: bytes) -> None:
    """Sends chunks until the other side hangs up."""
    chunk = chunked(b" " * 65536).removesuffix(b"0\r\n\r\n")
    line.writer.write(opening)
    with contextlib.suppress(ConnectionError):
        while not line.writer.is_closing():
            line.writer.write(chunk)
            await line.writer.drain()


async def test_a_body_of_a_byte_a_second_is_cut_off_and_holds_nobody_up(webhook: Program, tenant: Tenant) -> None:
    body = good_body(tenant)
    async with contextlib.AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(wire(webhook)) for _ in range(20)]
        dripping = asyncio.create_task(drip(lines, own_head(tenant, f"Content-Length: {len(body)}"), body))
        began = time.monotonic()
        # Before anybody has been cut off, or it may have waited for that.
        assert (await ask(webhook, good_request(tenant, body=body), within=1.9)).status == 200
        answers = await asyncio.gather(*(line.answer() for line in lines))
        assert {answer.status for answer in answers} == {408}
        assert time.monotonic() - began < PATIENCE
        dripping.cancel()
    assert await kept(tenant) == [body]


async def drip(lines: list[Wire], opening: bytes, body: bytes) -> None:
    """The slowest of senders: its pace is what is tested."""
    for line in lines:
        await line.send(opening)
    for place in range(len(body)):
        for line in lines:
            await line.send(body[place : place + 1])
        await asyncio.sleep(1)


@pytest.mark.parametrize("opening", [b"", b"POST /livez HTTP/1.1\r\nHost: x\r\nX: "], ids=["idle", "slow"])
async def test_two_hundred_connections_that_say_nothing_hold_nobody_up(
    webhook: Program, tenant: Tenant, opening: bytes
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(200):
            line = await stack.enter_async_context(wire(webhook))
            await line.send(opening)
        assert (await ask(webhook, good_request(tenant), within=4)).status == 200


async def test_requests_sent_at_once_on_one_line_are_answered_in_their_order(webhook: Program, tenant: Tenant) -> None:
    good = [good_body(tenant, f"number {place}") for place in range(3)]
    wrong = request(path_of(tenant), "Authorization: Bearer wrong", body=b"{}")
    raws = [good_request(tenant, body=good[0]), wrong, good_request(tenant, body=b"[]")]
    raws += [good_request(tenant, body=body) for body in good[1:]]
    async with wire(webhook) as line:
        await line.send(b"".join(raws))
        assert [(await line.answer()).status for _ in raws] == [200, 401, 400, 200, 200]
    assert await kept(tenant) == good


async def test_the_body_of_a_refused_request_is_not_the_next_request(webhook: Program, tenant: Tenant) -> None:
    """Refused before its body was read, the body being a good request: it must not be taken for one."""
    hidden = good_request(tenant)
    for line_of, target in (("Authorization: Bearer wrong", path_of(tenant)), ("X: y", "/nowhere")):
        async with wire(webhook) as line:
            await line.send(request(target, line_of, body=hidden))
            assert (await line.answer()).status in (401, 404)
            await line.send(request("/livez", body=b"", method="GET"))
            answer = await line.answer()
            assert answer.body == b"alive" or answer.status == 0
    assert await kept(tenant) == []


async def test_a_sender_that_asks_first_is_told_before_it_sends(webhook: Program, tenant: Tenant) -> None:
    body = good_body(tenant)
    expect = ("Expect: 100-continue", f"Content-Length: {len(body)}")
    async with wire(webhook) as line:
        await line.send(own_head(tenant, *expect))
        assert (await line.answer()).status == 100
        await line.send(body)
        assert (await line.answer()).status == 200
    assert (await ask(webhook, head(path_of(tenant), "Authorization: Bearer wrong", *expect))).status == 401
    assert await kept(tenant) == [body]


NO_HTTP = {
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "HTTP/0.9": b"POST /webhooks/meta\r\n\r\n",
    "HTTP/9.9": b"POST /webhooks/meta HTTP/9.9\r\nHost: x\r\n\r\n",
    "nothing but lines": b"\r\n" * 1000 + b"x\r\n",
    "noise": bytes(range(256)) * 16,
}


@pytest.mark.parametrize("name", NO_HTTP)
async def test_what_is_no_http_is_shown_the_door(webhook: Program, name: str) -> None:
    async with wire(webhook) as line:
        await line.send(NO_HTTP[name])
        # 401: answered in that age's way, to a sender that has shown nothing.
        assert (await line.answer()).status in (0, 400, 401, 405, 505)
        assert await line.closed()


async def test_a_sender_without_a_host_or_of_version_1_0_is_served(webhook: Program, tenant: Tenant) -> None:
    raw = good_request(tenant).replace(b"HTTP/1.1\r\nHost: x", b"HTTP/1.0\r\nX: y", 1)
    assert (await ask(webhook, raw)).status == 200


async def test_after_all_this_a_connection_is_as_good_as_new(webhook: Program, tenant: Tenant) -> None:
    async with wire(webhook) as line:
        for place in range(20):
            await line.send(good_request(tenant, body=good_body(tenant, f"number {place}")))
            assert (await line.answer()).status == 200
    await tenant.until_messages(lambda rows: len(rows) == 20)
