"""Decoder for the messages of Postgres' built-in `pgoutput` plugin, protocol version 1 (text values).

Format: PostgreSQL documentation, "Logical Replication Message Formats". Given to readers in the terms of
wal2json, which the real service uses: `old` is the row's identity, also of an UPDATE that left the key as it
was.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Action = Literal["INSERT", "UPDATE", "DELETE"]
Row = dict[str, str | None]  # values in text form; a column whose large value was not changed is absent

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Relation:
    """A table as the stream describes it. `key` is its replica identity: the primary key unless altered."""

    oid: int
    schema: str
    name: str
    columns: tuple[str, ...]
    key: frozenset[str]


@dataclass(frozen=True)
class Change:
    """One changed row."""

    action: Action
    relation: Relation
    new: Row
    old: Row
    committed_at: datetime


class Reader:
    """Takes network-order values off a message, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def byte(self) -> bytes:
        return self.take(1)

    def int16(self) -> int:
        return int(struct.unpack("!h", self.take(2))[0])

    def uint32(self) -> int:
        return int(struct.unpack("!I", self.take(4))[0])

    def int64(self) -> int:
        return int(struct.unpack("!q", self.take(8))[0])

    def text(self) -> str:
        end = self._data.index(b"\0", self._at)
        value = self._data[self._at : end].decode()
        self._at = end + 1
        return value


class Decoder:
    """Turns the messages of one read into changes. Remembers relations and the open transaction."""

    def __init__(self) -> None:
        self._relations: dict[int, Relation] = {}
        self._committed_at = POSTGRES_EPOCH

    def decode(self, message: bytes) -> Change | None:
        """The change a message carries, or None: Realtime does not deliver TRUNCATE, the rest is framing."""
        reader = Reader(message)
        match reader.byte():
            case b"B":
                reader.int64()  # final LSN
                self._committed_at = POSTGRES_EPOCH + timedelta(microseconds=reader.int64())
            case b"R":
                relation = read_relation(reader)
                self._relations[relation.oid] = relation
            case b"I":
                return self._insert(reader)
            case b"U":
                return self._update(reader)
            case b"D":
                return self._delete(reader)
            case b"C" | b"O" | b"Y" | b"T" | b"M":
                pass
            case other:
                raise ValueError(f"unknown pgoutput message {other!r}")
        return None

    def _insert(self, reader: Reader) -> Change:
        relation = self._relations[reader.uint32()]
        reader.byte()  # 'N'
        return Change("INSERT", relation, read_row(reader, relation), {}, self._committed_at)

    def _update(self, reader: Reader) -> Change:
        relation = self._relations[reader.uint32()]
        old: Row | None = None
        kind = reader.byte()
        if kind in (b"K", b"O"):
            old = identity(read_row(reader, relation), relation, kind)
            reader.byte()  # 'N'
        new = read_row(reader, relation)
        return Change(
            "UPDATE", relation, new, identity(new, relation, b"K") if old is None else old, self._committed_at
        )

    def _delete(self, reader: Reader) -> Change:
        relation = self._relations[reader.uint32()]
        kind = reader.byte()
        old = identity(read_row(reader, relation), relation, kind)
        return Change("DELETE", relation, {}, old, self._committed_at)


def identity(row: Row, relation: Relation, kind: bytes) -> Row:
    """The old row's known part: all of it (`O`, replica identity full) or its key (`K`)."""
    return row if kind == b"O" else {name: value for name, value in row.items() if name in relation.key}


def read_relation(reader: Reader) -> Relation:
    oid, schema, name = reader.uint32(), reader.text(), reader.text()
    reader.byte()  # replica identity setting; the key flags below say what follows from it
    columns, key = [], set()
    for _ in range(reader.int16()):
        is_key, column = reader.byte() == b"\1", reader.text()
        reader.take(8)  # type oid and modifier: the catalog is asked for them
        columns.append(column)
        if is_key:
            key.add(column)
    return Relation(oid, schema or "pg_catalog", name, tuple(columns), frozenset(key))


def read_row(reader: Reader, relation: Relation) -> Row:
    row: Row = {}
    count = reader.int16()
    for name in relation.columns[:count]:
        match reader.byte():
            case b"n":
                row[name] = None
            case b"t":
                row[name] = reader.take(reader.uint32()).decode()
            case b"u":
                pass  # unchanged TOAST value: not in the log
            case other:
                raise ValueError(f"unknown pgoutput value kind {other!r}")
    return row
