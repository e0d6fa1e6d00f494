"""One connection to the project, a command over it, and the status it ends with."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

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

BUCKET = "whatsapp-media"

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

    events: Events
    rpc: Rpc
    outbox: Outbox
    media: Media
    files: Files
    templates: Templates
    numbers: Numbers


@asynccontextmanager
async def _project() -> AsyncIterator[Project]:
    settings = Settings.load()
    key = settings.supabase_service_role_key.get_secret_value()
    async with connect(settings.supabase_url, key, read_seconds=130.0) as http:
        stores = Events(http), Rpc(http), Outbox(http), Media(http), Files(http, BUCKET), Templates(http), Numbers(http)
        yield Project(*stores)


def run(command: Callable[[Project], Awaitable[int]]) -> None:
    """Runs a command on the project and ends with its status."""

    async def main() -> int:
        async with _project() as project:
            return await command(project)

    try:
        sys.exit(asyncio.run(main()))
    except SettingsError as error:
        click.echo(error, err=True)
        sys.exit(2)
    except StoreError as error:
        click.echo(f"Supabase does not answer as it should: {error}", err=True)
        sys.exit(3)
