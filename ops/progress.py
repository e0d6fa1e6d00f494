"""How far long work has come: a bar on a terminal, else a line now and then; both to stderr."""

from __future__ import annotations

import itertools
import sys
from types import TracebackType
from typing import Any, Self

import click

# What is counted between two lines where there is no terminal.
STRIDE = 10_000
CLEAR_LINE = "\r\033[K"


class Progress:
    """Counts what has been done, one thing after the other."""

    def __init__(self, stride: int = STRIDE) -> None:
        self._stride = stride
        self._noun, self._done = "", 0
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish()

    def count(self, noun: str, done: int, of: int | None = None) -> None:
        """So many of these so far, like `events read`; `of` how many, where that is known."""
        if noun != self._noun or done < self._done:
            self._finish()
            self._noun, self._done = noun, 0
            self._bar = _bar(noun, of) if sys.stderr.isatty() else None
        if self._bar is not None:
            self._bar.update(done - self._done)
        elif done // self._stride > self._done // self._stride:
            click.echo(f"{done} {noun}", err=True)
        self._done = done

    def say(self, words: str) -> None:
        """A line that stays."""
        self.make_way()
        click.echo(words, err=True)

    def make_way(self) -> None:
        """Takes the bar off the line, which something else is written to; it comes back with the next count."""
        if self._bar is not None:
            click.echo(CLEAR_LINE, err=True, nl=False)

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.render_finish()
            self._bar = None


def _bar(noun: str, of: int | None) -> Any:
    endless = itertools.repeat(None) if of is None else None
    return click.progressbar(endless, length=of, label=noun.capitalize(), show_pos=True, file=sys.stderr)
