"""What a person is asked: a key, unseen, and whether they mean it. The asking is on stderr, never in the answer."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

# Printable and without blanks, as a header needs it; Meta's longest are some hundred characters.
SECRET = re.compile(r"[!-~]{1,4096}")


def secret(label: str) -> str:
    """A key from a person who is asked for it unseen, or from one line of standard input. Raises click.UsageError."""
    if _terminal():
        with _interruptible():
            given = click.prompt(label, hide_input=True, err=True).strip()
    else:
        given = _line().strip()
    if not SECRET.fullmatch(given):
        raise click.UsageError(f"{label}: one line without blanks is expected on standard input, or at the prompt.")
    return str(given)


def sure(question: str) -> None:
    """Goes on after a yes. Raises click.ClickException after anything else, and UsageError where nobody answers."""
    # Not click.confirm: the last character of its question goes to stdout, whatever it is told.
    with _interruptible():
        click.echo(f"{question} [y/N]: ", nl=False, err=True)
        said = _line()
    if not said:
        raise click.UsageError("Nobody is there to be asked; --yes goes on without asking.")
    if said.strip().lower() not in ("y", "yes"):
        raise click.ClickException("Nothing was done, as it was not said yes to.")


def _terminal() -> bool:
    # Where standard input is closed, Python has none.
    return sys.stdin is not None and sys.stdin.isatty()


def _line() -> str:
    return sys.stdin.readline() if sys.stdin is not None else ""


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the asking at once: asyncio's own handler would wait for the next await, which never comes here."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
