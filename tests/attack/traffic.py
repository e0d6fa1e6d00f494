"""What a busy number receives: messages and statuses, single and batched, repeated, in no order; all from one seed."""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.flows.tenant import Tenant

Json = dict[str, Any]

# How many happenings wait to be told, in any order, and how many bodies are remembered for another delivery.
SHUFFLED = 400
REMEMBERED = 300
RANKS = {"sent": 1, "failed": 2, "delivered": 3, "read": 4}


@dataclass(frozen=True)
class Item:
    """One update: a message of `customer`, or a status of one of our messages to `customer`."""

    kind: str
    customer: Json
    content: Json


@dataclass
class Traffic:
    """An endless stream of bodies. What they have spoken of so far: `messages`, `statuses` and `customers`."""

    tenant: Tenant
    dice: random.Random
    # Phone and wamid of messages that we have sent: statuses speak of them, and of others that nobody knows.
    known: list[tuple[str, str]]
    people: list[Json] = field(default_factory=list)
    messages: set[str] = field(default_factory=set)
    statuses: set[tuple[str, str]] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    _count: int = 0
    _now: int = field(default_factory=lambda: int(time.time()) - 3600)
    _told: deque[Item] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def __post_init__(self) -> None:
        self.people = [person(place, phone) for place, (phone, _) in enumerate(self.known)]

    def bodies(self) -> Iterator[bytes]:
        waiting: list[Item] = []
        sent: deque[bytes] = deque(maxlen=REMEMBERED)
        while True:
            while len(waiting) < SHUFFLED:
                waiting += self._happening()
            if sent and self.dice.random() < 0.15:
                yield self.dice.choice(sent)
                continue
            items = [waiting.pop(self.dice.randrange(len(waiting))) for _ in range(self._size())]
            if self._told and self.dice.random() < 0.3:
                items += self.dice.choices(self._told, k=self.dice.randint(1, 3))
            sent.append(self._body(items))
            yield sent[-1]

    def _size(self) -> int:
        return self.dice.choice((*(1,) * 8, self.dice.randint(2, 6), self.dice.randint(2, 30)))

    def _happening(self) -> list[Item]:
        """A customer writes, or one of our messages makes its way."""
        self._count += 1
        self._now += self.dice.randint(0, 1)
        customer = self.dice.choice(self.people)
        if self.dice.random() < 0.6:
            return [Item("messages", customer, self._message(customer))]
        wamid = f"wamid.{self.tenant.phone_number_id}.out.{self._count}"
        if self.dice.random() < 0.3:
            customer, wamid = self._known_message()
        names = self.dice.choice((("sent", "delivered", "read"), ("sent", "failed"), ("sent", "delivered"), ("read",)))
        return [Item("statuses", customer, self._status(customer, wamid, name)) for name in names]

    def _known_message(self) -> tuple[Json, str]:
        place = self.dice.randrange(len(self.known))
        return self.people[place], self.known[place][1]

    def _message(self, customer: Json) -> Json:
        part: Json = self.dice.choice(
            (
                {"type": "text", "text": {"body": f"number {self._count} \u0000 שלום"}},
                {"type": "location", "location": {"latitude": 32.1, "longitude": 34.8, "name": "here"}},
                {"type": "reaction", "reaction": {"message_id": f"wamid.unknown.{self._count}", "emoji": "👍"}},
                {"type": "unsupported", "errors": [{"code": 131051, "title": "Message type unknown"}]},
            )
        )
        sender = {"from": customer["wa_id"]}
        if "user_id" in customer:
            sender["from_user_id"] = customer["user_id"]
        wamid = f"wamid.{self.tenant.phone_number_id}.in.{self._count}"
        return {**sender, "id": wamid, "timestamp": str(self._now), **part}

    def _status(self, customer: Json, wamid: str, name: str) -> Json:
        status: Json = {"id": wamid, "status": name, "recipient_id": customer["wa_id"]}
        status["timestamp"] = str(self._now + RANKS[name])
        if name == "failed":
            status["errors"] = [{"code": 131026, "title": "Message undeliverable"}]
        return status

    def _body(self, items: list[Item]) -> bytes:
        """One POST: the items in any order, over one to three changes."""
        self.dice.shuffle(items)
        self._told.extend(items)
        for item in items:
            self._remember(item)
        cut = self.dice.randint(1, 3)
        changes = [self._change(part) for start in range(cut) if (part := items[start::cut])]
        entry = {"id": self.tenant.waba_id, "changes": changes}
        return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()

    def _remember(self, item: Item) -> None:
        if item.kind == "messages":
            self.messages.add(item.content["id"])
            self.customers.add(item.customer["wa_id"])
        else:
            self.statuses.add((item.content["id"], item.content["status"]))

    def _change(self, items: list[Item]) -> Json:
        metadata = {"display_phone_number": "15550000000", "phone_number_id": self.tenant.phone_number_id}
        value: Json = {"messaging_product": "whatsapp", "metadata": metadata}
        for item in items:
            value.setdefault(item.kind, []).append(item.content)
        if "messages" in value:
            value["contacts"] = [item.customer for item in items if item.kind == "messages"]
        return {"field": "messages", "value": value}


def person(place: int, phone: str) -> Json:
    """Every third one has a user id as well, from the first day."""
    contact: Json = {"wa_id": phone, "profile": {"name": f"Customer {place}"}}
    return contact | ({"user_id": f"IL.{phone}"} if place % 3 == 0 else {})
