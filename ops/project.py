"""One connection to the project, a command over it, and the status it ends with."""

from __future__ import annotations

import asyncio
import logging
import sys
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
    try:
        settings = Settings.load()
        sys.exit(asyncio.run(main(settings)))
    except SettingsError as error:
        click.echo(f"{error}\ndocs/settings.md says what each setting is.", err=True)
        sys.exit(WRONG_USAGE)
    except StoreError as error:
        click.echo(remedies.of_supabase(error, settings), err=True)
        sys.exit(NO_SUPABASE)
    except WhatsAppError as error:
        click.echo(remedies.of_provider(error), err=True)
        sys.exit(NO_PROVIDER)


def _quiet_logs() -> None:
    """What the command has to say it says itself; the libraries' own lines, which may name keys, are for nobody."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger().addHandler(logging.NullHandler())
