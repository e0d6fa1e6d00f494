"""Tells the story on the terminal: headlines, what was done, the rows that were seen, and how long it took."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

BOLD, DIM, RED, GREEN, BLUE, CYAN = "1", "2", "31", "32", "94", "36"
TICKS = {"sent": "✓", "delivered": "✓✓", "read": "✓✓", "stored": "✓", "failed": "✗"}
INDENT = "   "
LABEL_WIDTH = 13


class Narrator:
    """Writes to a terminal in colour, to anything else plainly."""

    def __init__(self, out: TextIO, colour: bool) -> None:
        self._out = out
        self._colour = colour
        self._began = time.perf_counter()
        self._steps = 0
        self._headline = ""

    def title(self, text: str) -> None:
        self._headline = text
        if self._steps:
            self._line()
        self._line(self._paint(text, BOLD))

    @contextmanager
    def step(self, headline: str) -> Iterator[None]:
        """One scene. Its last line says how long it took; it has none if the scene fails."""
        self._steps, self._headline = self._steps + 1, headline
        began = time.perf_counter()
        self._line()
        self._line(self._paint(f"{self._steps}  {headline}", BOLD))
        yield
        self._line(INDENT + self._paint(f"seen in {time.perf_counter() - began:.2f} s", DIM))

    def tell(self, who: str, what: str) -> None:
        """One thing that somebody does or says."""
        self._line(self._label(who) + what)

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows of a table as they are, aligned, under the names of their columns."""
        texts = [[_cell(value) for value in row.values()] for row in rows]
        columns = list(rows[0])
        widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
        lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in (columns, *texts)]
        self._line(self._label(name) + self._paint(lines[0], DIM))
        for line in lines[1:]:
            self._line(self._label("") + line)

    @contextmanager
    def growing(self, name: str) -> Iterator[Callable[[str], None]]:
        """A line that grows by one status at a time."""
        self._out.write(self._label(name))

        def grow(status: str) -> None:
            self._out.write(self._paint(ticked(status), {"read": BLUE, "failed": RED}.get(status, "")) + "   ")
            self._out.flush()

        try:
            yield grow
        finally:
            self._line()

    def summary(self, text: str) -> None:
        seconds = time.perf_counter() - self._began
        self._line()
        self._line(self._paint(f"All {self._steps} steps seen in {seconds:.1f} s: {text}.", BOLD, GREEN))

    def failed(self, reason: str) -> None:
        self._line()
        self._line(self._paint(f"✗ {self._headline}: {reason}", BOLD, RED))

    def _label(self, text: str) -> str:
        return INDENT + self._paint(text.ljust(LABEL_WIDTH), CYAN) + "  "

    def _line(self, text: str = "") -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def _paint(self, text: str, *styles: str) -> str:
        codes = ";".join(filter(None, styles))
        return f"\x1b[{codes}m{text}\x1b[0m" if self._colour and codes else text


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def ticked(status: str) -> str:
    """As WhatsApp shows it; what is still on its way has a clock."""
    return f"{TICKS.get(status, '◷')} {status}"


def clock(timestamp: str) -> str:
    """The time of day, here: what is interesting of a timestamp within one story."""
    return datetime.fromisoformat(timestamp).astimezone().strftime("%H:%M:%S")


def from_now(timestamp: str) -> str:
    """How far away a moment is, as in "in 23:59 h" and "1:00 h ago"."""
    seconds = (datetime.fromisoformat(timestamp) - datetime.now(UTC)).total_seconds()
    hours, minutes = divmod(round(abs(seconds) / 60), 60)
    span = f"{hours}:{minutes:02} h"
    return f"in {span}" if seconds > 0 else f"{span} ago"


def short(path: str) -> str:
    """A path with its UUIDs cut to their beginnings."""
    return re.sub(r"\b([0-9a-f]{8})-[0-9a-f-]{27}\b", r"\1…", path)
