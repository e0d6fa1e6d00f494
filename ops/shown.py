"""How answers look: aligned text for people, one JSON document for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import click

Row = dict[str, Any]

# What a terminal would obey instead of showing it; customers and providers may write any of it.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def plain(words: object) -> str:
    """Somebody's words in one line that no terminal obeys."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), str(words))


def encoded(answer: Any, indent: int | None = None) -> str:
    """JSON as people read it, and a terminal does not obey."""
    text = json.dumps(answer, ensure_ascii=False, indent=indent)
    return CONTROLS.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)


def as_json(answer: Any) -> None:
    """One JSON document."""
    click.echo(encoded(answer, 2))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Aligned columns under their names; the last one takes what is left."""
    lines = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns) - 1)]
    for line in lines:
        padded = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=True)]
        click.echo("  ".join([*padded, line[-1]]).rstrip())


def fields(row: Row) -> None:
    """One name and value a line."""
    width = max(len(name) for name in row)
    for name, value in row.items():
        click.echo(f"{name.ljust(width)}  {_cell(value)}")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value) or "-"
    return plain(value)
