"""A command's way to 360dialog and Meta: one number's account, every failure as a sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import click
import httpx

from ops import remedies
from ops.project import NO_PROVIDER, Project, run
from ops.settings import Settings
from ops.shown import plain
from store.numbers import Row
from whatsapp.account import SECONDS, AccountClient
from whatsapp.answers import no_cookies
from whatsapp.errors import WhatsAppError
from whatsapp.provider import provider

WRONG = 1


class Stop(Exception):
    """A command ends here: what is wrong and what to do, and the status it ends with."""

    def __init__(self, wrong: str, remedy: str, status: int = WRONG) -> None:
        self.status = status
        super().__init__("\n".join(map(plain, filter(None, (wrong, remedy)))))


@asynccontextmanager
async def account(settings: Settings, connection: Row, credential: str) -> AsyncIterator[AccountClient]:
    """A client of the account that a connection row names: `provider`, `phone_number_id`, `waba_id`."""
    async with httpx.AsyncClient(timeout=SECONDS, cookies=no_cookies(), follow_redirects=False) as http:
        yield account_over(http, settings, connection, credential)


def account_over(http: httpx.AsyncClient, settings: Settings, connection: Row, credential: str) -> AccountClient:
    """The same over an HTTP client of the caller's."""
    chosen = provider(
        connection["provider"],
        connection["phone_number_id"] or "",
        d360_base_url=settings.whatsapp_360_base_url,
        graph_base_url=settings.meta_graph_base_url,
    )
    return AccountClient(http, chosen, credential, waba_id=connection.get("waba_id"))


@contextmanager
def asking(connection: Row) -> Iterator[None]:
    """Whatever the connection's provider has against a call ends the command with a sentence and status 4."""
    try:
        yield
    except WhatsAppError as error:
        complaint = remedies.of_provider(error, connection)
        raise Stop(complaint.said, complaint.remedy, NO_PROVIDER) from error


def steps(command: Callable[[Project, Settings], Awaitable[int]]) -> None:
    """`run` for a command that has to do with a provider: it ends with a sentence wherever it stops."""

    async def guarded(project: Project) -> int:
        try:
            return await command(project, project.settings)
        except Stop as stop:
            click.echo(stop, err=True)
            return stop.status

    run(guarded)


def say(words: str) -> None:
    """How far a command is: beside the answer, never in it."""
    click.echo(plain(words), err=True)
