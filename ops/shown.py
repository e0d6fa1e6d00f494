"""How answers look: aligned text for people, one JSON document for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

Row = dict[str, Any]


def as_json(answer: Any) -> None:
    """One JSON document."""
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))


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
        return ", ".join(str(item) for item in value) or "-"
    return str(value)
