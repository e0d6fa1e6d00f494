"""What the provider remembers of its day, in bounded memory: calls, accepted messages, webhook posts."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

LIMIT = 200_000

JSON = dict[str, Any]
K = TypeVar("K")
V = TypeVar("V")


class Record(Protocol):
    """A row of a ring: whose it is, and how it looks to a test."""

    @property
    def phone_number_id(self) -> str | None: ...

    def shown(self) -> JSON: ...


R = TypeVar("R", bound=Record)


class Ring(Generic[R]):
    """The newest records, oldest first; the oldest leaves when the ring is full."""

    def __init__(self) -> None:
        self._records: deque[R] = deque(maxlen=LIMIT)

    def add(self, record: R) -> R:
        self._records.append(record)
        return record

    def select(self, phone_number_id: str | None, keep: Callable[[R], bool] = lambda _: True) -> Iterator[R]:
        return (
            record for record in self._records if phone_number_id in (None, record.phone_number_id) and keep(record)
        )

    def forget(self, phone_number_id: str | None = None) -> None:
        """Everything, or what belongs to one number."""
        kept = () if phone_number_id is None else (r for r in self._records if r.phone_number_id != phone_number_id)
        self._records = deque(kept, maxlen=LIMIT)


class Recent(Generic[K, V]):
    """A mapping that forgets what was remembered longest ago."""

    def __init__(self) -> None:
        self._values: dict[K, V] = {}

    def remember(self, key: K, value: V) -> None:
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > LIMIT:
            del self._values[next(iter(self._values))]

    def get(self, key: K) -> V | None:
        return self._values.get(key)

    def clear(self) -> None:
        self._values.clear()


def readable(raw: bytes) -> Any:
    """A body as JSON where it is that, else as text: tests look at both."""
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="backslashreplace")


@dataclass(slots=True)
class ApiRequest:
    """One call to the API, refused ones included. `status` is 0 when the line was cut instead of an answer."""

    at: float
    operation: str
    method: str
    path: str
    phone_number_id: str | None = None
    dialect: str | None = None
    raw: bytes = b""
    status: int | None = None
    error: int | None = None
    fault: str | None = None

    def shown(self) -> JSON:
        row = {name: getattr(self, name) for name in self.__slots__ if name != "raw"}
        return row | {"body": readable(self.raw)}


@dataclass(slots=True)
class Sent:
    """A message that was accepted, whether or not the answer arrived."""

    order: int
    wamid: str
    phone_number_id: str
    recipient: str
    type: str
    accepted_at: float
    attempt: int
    raw: bytes
    statuses: tuple[str, ...] = ()

    def shown(self) -> JSON:
        row = {name: getattr(self, name) for name in self.__slots__ if name != "raw"}
        return row | {"body": readable(self.raw)}
