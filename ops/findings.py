"""What a look at one thing found: a state, a sentence, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import click

from ops import remedies
from ops.settings import Settings
from ops.shown import plain
from store.errors import StoreError
from whatsapp.errors import WhatsAppError

State = Literal["ok", "warn", "fail"]
COLOURS: dict[State, str] = {"ok": "green", "warn": "yellow", "fail": "red"}
# No look may take longer, so one screen is there soon whatever is broken.
BOUND = 5.0
REPORT = "Compare the versions of command and schema; if they are the same, please report it."


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `wabase doctor`."""

    state: State
    name: str
    finding: str
    remedy: str | None = None


Check = Callable[[], Awaitable[list[Finding]]]


async def bounded(name: str, check: Check, settings: Settings, seconds: float = BOUND) -> list[Finding]:
    """What a check found; when it breaks or takes too long, that is what was found. Raises nothing."""
    try:
        async with asyncio.timeout(seconds):
            return await check()
    except TimeoutError:
        return [Finding("fail", name, f"No answer within {seconds:g} seconds.", "Run it again; then look at the logs.")]
    except StoreError as error:
        return [complained(name, remedies.of_supabase(error, settings))]
    except WhatsAppError as error:
        return [complained(name, remedies.of_provider(error))]
    except Exception as error:
        # An answer of a shape that nobody foresaw must not hide what the other checks have found.
        return [Finding("fail", name, f"The answer makes no sense to this check ({type(error).__name__}).", REPORT)]


def complained(name: str, complaint: remedies.Complaint) -> Finding:
    """A complaint as a line."""
    return Finding("fail", name, complaint.said, complaint.remedy)


def ago(seconds: float) -> str:
    """An age for people: `40 seconds`, `7 minutes`, `3 hours`, `12 days`."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}s"
    return f"{max(0, seconds):.0f} seconds"


def show(findings: list[Finding]) -> None:
    """A line each, the remedy beneath."""
    width = max(len(one.name) for one in findings)
    for one in findings:
        state = click.style(one.state.ljust(4), fg=COLOURS[one.state])
        click.echo(f"{state}  {one.name.ljust(width)}  {plain(one.finding)}")
        if one.remedy:
            click.echo(f"{' ' * (width + 8)}{plain(one.remedy)}")
