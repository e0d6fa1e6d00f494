"""A changed row in the form clients of Postgres Changes receive it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from devstack.realtime.pgoutput import Change
from devstack.realtime.rows import Record, Table

TOO_LARGE = "Error 413: Payload Too Large"
MAX_RECORD_BYTES = 1024 * 1024
KEPT_VALUE_BYTES = 64  # of a record that is too large, only values up to this size are sent


@dataclass(frozen=True)
class Payload:
    """A change in the form clients receive it."""

    table: Table
    change: Change
    record: Record
    old_record: Record

    def withheld(self, error: str) -> dict[str, Any]:
        """That something happened, and nothing of it. The null timestamp makes realtime-py drop the frame."""
        return {**self._head(), "commit_timestamp": None, "columns": [], "errors": [error]}

    def data(self, role: str, select: frozenset[str] | None) -> dict[str, Any]:
        """What the role may see, of the columns the binding selected (the primary key always among them)."""
        shown = self.table.selectable(role)
        key = {column.name for column in self.table.primary_key}
        if select:
            shown &= select | key
        too_large = wal_bytes(self.change) > MAX_RECORD_BYTES
        data: dict[str, Any] = {
            **self._head(),
            "commit_timestamp": self.change.committed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "columns": [
                {"name": column.name, "type": column.type_name}
                for column in self.table.columns.values()
                if column.name in shown
            ],
            "errors": [TOO_LARGE] if too_large else None,
        }
        if self.change.action != "DELETE":
            data["record"] = projected(self.record, shown, too_large)
        elif self.table.row_security:
            shown &= key  # whether the reader was allowed to see the row can no longer be told
        if self.change.action != "INSERT":
            data["old_record"] = projected(self.old_record, shown, too_large)
        return data

    def _head(self) -> dict[str, Any]:
        relation = self.change.relation
        return {"schema": relation.schema, "table": relation.name, "type": self.change.action}


def projected(record: Record, shown: set[str], too_large: bool) -> Record:
    return {
        name: value
        for name, value in record.items()
        if name in shown and not (too_large and len(json.dumps(value).encode()) > KEPT_VALUE_BYTES)
    }


def wal_bytes(change: Change) -> int:
    """About what wal2json would have written: the text of both rows, and each column's description."""
    values = [*change.new.items(), *change.old.items()]
    return sum(len(name) + len((value or "null").encode()) + 48 for name, value in values)
