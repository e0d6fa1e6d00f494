"""The generated part of docs/permissions.md, out of the same lines that the attacks hold the database to.

`python -m tests.attack.isolation.page` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.attack.isolation.files import WAYS
from tests.attack.isolation.surface import FUNCTIONS, TABLES, Function
from tests.attack.isolation.worlds import RANKS

PAGE = Path(__file__).parents[3] / "docs/permissions.md"
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"
WHO = ("anon", "stranger", "agent", "admin", "owner", "service_role")


def main() -> None:
    text = PAGE.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(before + BEGIN + generated() + END + after)


def generated() -> str:
    """Tables, functions, files and topics, one row each."""
    return "\n".join(
        [
            "### Tables\n",
            "Where a table has no row for inserts, updates or deletions, they are the backend's alone.\n",
            *_table("table", _tables()),
            "\n### Functions\n",
            *_table(
                "function", ((name, _row(line.by, line.note, backend=line.backend)) for name, line in _functions())
            ),
            "",
            f"For the backend alone: {', '.join(f'`{name}`' for name in _backend())}.\n",
            "### Files\n",
            "Of the workspace's own folder in `whatsapp-media`; the backend may do all of it.\n",
            *_table("request", ((way.name, _row(way.by, "", backend=way.backend)) for way in WAYS)),
            "\n### Realtime\n",
            *_table("subscription", _subscriptions()),
            "",
        ]
    )


def _table(title: str, rows: Iterable[tuple[str, list[str]]]) -> list[str]:
    return [
        f"| {title} | {' | '.join(WHO)} | |",
        "|---" * (len(WHO) + 2) + "|",
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows),
    ]


def _row(by: str | None, note: str, *, backend: bool) -> list[str]:
    ranks = {"anon": -1, "stranger": 0, "agent": 1, "admin": 2, "owner": 3}
    signs = ["✓" if by is not None and rank >= RANKS[by] else "–" for rank in ranks.values()]
    return [*signs, "✓" if backend else "–", note]


def _tables() -> Iterable[tuple[str, list[str]]]:
    for name, line in TABLES.items():
        notes = [line.note] if line.note else []
        yield f"`{name}` read", _row(line.read, "" if line.insert_by or line.delete else line.note, backend=True)
        for verb, by, columns in (("insert", line.insert_by, line.insert), ("update", line.update_by, line.update)):
            if by is not None:
                told = [", ".join(f"`{column}`" for column in sorted(columns.split()))]
                yield f"`{name}` {verb}", _row(by, "; ".join(told + notes * (verb == "insert")), backend=True)
        if line.delete is not None:
            yield f"`{name}` delete", _row(line.delete, "" if line.insert_by else line.note, backend=True)


def _functions() -> Iterable[tuple[str, Function]]:
    return ((f"`{name}`", line) for name, line in FUNCTIONS.items() if line.by is not None)


def _backend() -> list[str]:
    return sorted(name for name, line in FUNCTIONS.items() if line.by is None)


def _subscriptions() -> Iterable[tuple[str, list[str]]]:
    for name, line in TABLES.items():
        if line.published:
            yield f"changes of `{name}`", _row(line.read, "" if line.read else line.note, backend=True)
    yield "topic `workspace:<id>`, listen", _row("agent", "private channels only", backend=True)
    yield "topic `workspace:<id>`, speak", _row(None, "the database speaks", backend=True)
    yield "topic `wabase:worker`, listen", _row(None, "the worker's doorbell", backend=True)


if __name__ == "__main__":
    main()
