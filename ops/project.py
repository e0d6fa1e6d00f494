"""One connection to the project, a command over it, and the status it ends with."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
import httpx
import structlog

from ops import remedies
from ops.settings import Settings
from store.connect import connect
from store.errors import StoreError
from store.events import Events
from store.files import Files
from store.media import Media
from store.numbers import Numbers
from store.outbox import Outbox
from store.rpc import Rpc
from store.settings import SettingsError
from store.templates import Templates
from whatsapp.errors import WhatsAppError

BUCKET = "whatsapp-media"
# Exit statuses; 0 is done and well, 1 is done or looked and something is wrong, refused or not there.
WRONG_USAGE, NO_SUPABASE, NO_PROVIDER = 2, 3, 4

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")


class Moment(click.ParamType[datetime]):
    """ISO 8601; without an offset it is UTC, as everything that is listed."""

    name = "ISO 8601"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time like 2026-11-01 or 2026-11-01T14:30:00Z.", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Project:
    """What a command works with."""

    settings: Settings
    http: httpx.AsyncClient
    events: Events
    rpc: Rpc
    outbox: Outbox
    media: Media
    files: Files
    templates: Templates
    numbers: Numbers


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Project]:
    """The project that the settings name, for as long as somebody works with it."""
    key = settings.supabase_service_role_key.get_secret_value()
    async with connect(settings.supabase_url, key, read_seconds=130.0) as http:
        stores = Events(http), Rpc(http), Outbox(http), Media(http), Files(http, BUCKET), Templates(http), Numbers(http)
        yield Project(settings, http, *stores)


def run(command: Callable[[Project], Awaitable[int]]) -> None:
    """Runs a command on the project and ends with its status, or with the one for what went wrong (docs/wabase.md)."""

    async def main(settings: Settings) -> int:
        async with opened(settings) as project:
            return await command(project)

    _quiet_logs()
    settings: Settings | None = None
    try:
        settings = Settings.load()
        sys.exit(asyncio.run(main(settings)))
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        # click's own ways to end; a reader that has gone away, as `head` does, is one of them.
        raise
    except Exception as error:
        said, status = _ending(error, settings)
        if settings is not None and settings.log_level == "debug":
            traceback.print_exc()
        click.echo(said, err=True)
        sys.exit(status)


def _ending(error: Exception, settings: Settings | None) -> tuple[object, int]:
    """What is said of an error, and the status it ends with."""
    if isinstance(error, SettingsError) or settings is None:
        return f"{error}\ndocs/settings.md says what each setting is.", WRONG_USAGE
    if isinstance(error, StoreError):
        return remedies.of_supabase(error, settings), NO_SUPABASE
    if isinstance(error, WhatsAppError):
        return remedies.of_provider(error), NO_PROVIDER
    if isinstance(error, UnicodeError):
        return "Something that was typed is no UTF-8.\nType it once more, or set LANG to a UTF-8 locale.", WRONG_USAGE
    if isinstance(error, OSError):
        return (
            f"The answer cannot be written: {error.strerror or error}.\nMake room where it goes, and run it again.",
            1,
        )
    return remedies.of_nonsense(error, settings), NO_SUPABASE


def _quiet_logs() -> None:
    """What the command has to say it says itself; the libraries' own lines, which may name keys, are for nobody."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger().addHandler(logging.NullHandler())
