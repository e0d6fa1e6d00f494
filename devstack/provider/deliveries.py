"""The webhook posts: in parallel, retried until a plain 200, and disturbed on demand.

Copied behaviour: only 200 counts; anything else, and no answer within 5 s, is retried with growing delays; later
deliveries do not wait for earlier ones; up to 1000 updates may share a body (only when the receiver is behind, and only
if `max_batch` allows it). The real first retry comes later and the real retries end after days.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict, deque
from dataclasses import dataclass

import aiohttp

from devstack.provider.behaviour import Behaviour, Scoped, WebhookFaults
from devstack.provider.clock import Clock
from devstack.provider.numbers import Number, Numbers
from devstack.provider.records import JSON, LIMIT, Ring, readable
from devstack.provider.schedule import Schedule
from devstack.provider.targets import Target

PARALLEL = 64
# So many posts of a number are under way before its updates begin to share bodies.
BUSY = 4


@dataclass(slots=True)
class Delivery:
    """One body on its way to one receiver. `state`: pending, delivered, abandoned, or no_webhook."""

    id: int
    phone_number_id: str
    raw: bytes
    created_at: float
    url: str | None = None
    duplicate_of: int | None = None
    state: str = "pending"
    attempts: int = 0
    status: int | None = None
    error: str | None = None
    delivered_at: float | None = None
    responses: tuple[int | str, ...] = ()

    def shown(self) -> JSON:
        row = {name: getattr(self, name) for name in self.__slots__ if name != "raw"}
        return row | {"body": readable(self.raw)}


class Deliveries:
    """Posts bodies to the receivers that the numbers have at that moment."""

    def __init__(
        self, numbers: Numbers, clock: Clock, behaviour: Scoped[Behaviour], faults: Scoped[WebhookFaults]
    ) -> None:
        self._numbers, self._clock, self._behaviour, self._faults = numbers, clock, behaviour, faults
        self.records: Ring[Delivery] = Ring()
        self._ids = itertools.count(1)
        self._retries = Schedule()
        self._tasks: dict[asyncio.Task[None], str] = {}
        # Each number has its own: a receiver that hangs holds up nobody else's webhooks.
        self._parallel: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PARALLEL))
        self._updates: dict[str, deque[JSON]] = defaultdict(deque)
        self._busy: dict[str, int] = defaultdict(int)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, skip_auto_headers=("User-Agent",)
        )

    async def close(self) -> None:
        self.call_off()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def call_off(self, phone_number_id: str | None = None) -> None:
        """Nothing that is still under way arrives any more: of one number, or at all."""
        self._retries.call_off(phone_number_id)
        for owner in [phone_number_id] if phone_number_id else list(self._updates):
            self._updates.pop(owner, None)
        for task, owner in self._tasks.items():
            if phone_number_id in (None, owner):
                task.cancel()
        self.records.forget(phone_number_id)

    def post(self, number: Number, raw: bytes) -> Delivery:
        """Sends a body, and as many copies as the faults ask for. Answers with the record of the first."""
        first = self._post_once(number, raw, None)
        for _ in range(self._faults.of(number.phone_number_id).duplicate):
            self._post_once(number, raw, first.id)
        return first

    def post_body(self, number: Number, body: JSON) -> Delivery:
        return self.post(number, json.dumps(body).encode())

    def post_update(self, number: Number, value: JSON) -> None:
        """Sends one status or message value; it may share a body with others of its number."""
        self._updates[number.phone_number_id].append(value)
        self._next_bodies(number)

    def _post_once(self, number: Number, raw: bytes, duplicate_of: int | None) -> Delivery:
        owner = number.phone_number_id
        delivery = Delivery(next(self._ids), owner, raw, self._clock.now(owner), duplicate_of=duplicate_of)
        self.records.add(delivery)
        if self._numbers.target_of(number) is None:
            delivery.state = "no_webhook"
        elif len(self._tasks) + len(self._retries) >= LIMIT:
            delivery.state = "abandoned"
        else:
            self._later(self._faults.of(owner).delay(), number, delivery)
        return delivery

    def _next_bodies(self, number: Number) -> None:
        owner = number.phone_number_id
        batch = self._behaviour.of(owner).max_batch
        updates = self._updates[owner]
        while updates and (batch == 1 or self._busy[owner] < BUSY):
            chosen = [updates.popleft() for _ in range(min(batch, len(updates)))]
            self.post_body(number, body_of(number.waba_id, chosen))

    def _later(self, seconds: float, number: Number, delivery: Delivery) -> None:
        if seconds <= 0:
            self._start(number, delivery)
        else:
            self._retries.after(seconds, delivery.phone_number_id, lambda: self._start(number, delivery))

    def _start(self, number: Number, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._attempt(number, delivery))
        self._tasks[task] = delivery.phone_number_id
        task.add_done_callback(self._tasks.pop)

    async def _attempt(self, number: Number, delivery: Delivery) -> None:
        owner = delivery.phone_number_id
        self._busy[owner] += 1
        try:
            delivered = await self._arrives(number, delivery)
        finally:
            self._busy[owner] -= 1
        if delivered:
            delivery.state, delivery.delivered_at = "delivered", self._clock.now(owner)
        else:
            self._retry(number, delivery)
        self._next_bodies(number)

    async def _arrives(self, number: Number, delivery: Delivery) -> bool:
        target = self._numbers.target_of(number)
        delivery.attempts += 1
        delivery.status, delivery.error = None, None
        if target is None:
            delivery.error = "no webhook"
        elif self._faults.of(delivery.phone_number_id).drops():
            delivery.error = "dropped on the way"
        else:
            await self._exchange(target, delivery)
        delivery.responses = (*delivery.responses[-9:], delivery.status or delivery.error or "")
        return delivery.status == 200

    async def _exchange(self, target: Target, delivery: Delivery) -> None:
        limit = self._behaviour.of(delivery.phone_number_id).webhook_timeout_ms / 1000
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        headers |= target.headers_for(delivery.raw)
        delivery.url = target.url
        if self._session is None:
            raise RuntimeError("deliveries are not open")
        try:
            async with (
                self._parallel[delivery.phone_number_id],
                asyncio.timeout(limit),
                self._session.post(target.url, data=delivery.raw, headers=headers, allow_redirects=False) as response,
            ):
                await response.read()
                delivery.status = response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # TimeoutError is an OSError; ValueError is a URL or header that cannot be sent at all.
            delivery.error = f"{type(error).__name__}: {error}".rstrip(": ")

    def _retry(self, number: Number, delivery: Delivery) -> None:
        rules = self._behaviour.of(delivery.phone_number_id)
        if rules.retry_limit is not None and delivery.attempts > rules.retry_limit:
            delivery.state = "abandoned"
            return
        # Beyond 2**16 the cap has long been reached; the exponent must not grow for ever.
        wait = min(rules.retry_start_ms * 2 ** min(delivery.attempts - 1, 16), rules.retry_cap_ms)
        self._later(wait / 1000, number, delivery)


def body_of(waba_id: str, values: list[JSON], field_name: str = "messages") -> JSON:
    """The webhook envelope around the values of one WABA, one change each."""
    changes = [{"value": value, "field": field_name} for value in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": waba_id, "changes": changes}]}
