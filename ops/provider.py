"""A command's way to 360dialog and Meta: one number's account, secrets from a person, every failure as a sentence."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import click
import httpx

from ops.project import NO_PROVIDER, Project, run
from ops.settings import Settings
from store.numbers import Row
from whatsapp.account import SECONDS, AccountClient
from whatsapp.answers import no_cookies
from whatsapp.errors import ErrorClass, NotSent, Refused, WhatsAppError
from whatsapp.provider import provider

WRONG = 1
NAMES = {"360dialog": "360dialog", "meta": "Meta"}
# Printable and without blanks, as a header needs it; Meta's longest are some hundred characters.
SECRET = re.compile(r"[!-~]{1,4096}")
# Graph's answer to an id that does not exist or that the token may not see; 33: deleted (Meta, error codes).
UNREACHABLE = (33, 100)


class Stop(Exception):
    """A command ends here: what is wrong and what to do, and the status it ends with."""

    def __init__(self, wrong: str, remedy: str, status: int = WRONG) -> None:
        self.status = status
        super().__init__(f"{wrong}\n{remedy}" if remedy else wrong)


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
        raise Stop(*told(connection, error), NO_PROVIDER) from error


def told(connection: Row, error: WhatsAppError) -> tuple[str, str]:
    """What is wrong with a provider's answer, and what to do."""
    name = NAMES[connection["provider"]]
    if isinstance(error, NotSent):
        return (
            f"{name} cannot be reached: {error}.",
            "Look at the network, the proxy and WHATSAPP_360_BASE_URL or META_GRAPH_BASE_URL; then run it again.",
        )
    if not isinstance(error, Refused):
        return f"{name} gave no answer that makes sense: {error}.", "Run the same command again: it goes on from here."
    if error.error_class is ErrorClass.AUTH:
        return f"{name} does not take the key: {error}.", _new_key(name)
    if error.error_class in (ErrorClass.THROTTLE, ErrorClass.RETRY):
        return f"{name} is too busy: {error}.", "Run the same command again in a minute."
    if name == "Meta" and error.code in UNREACHABLE:
        return (
            f"Meta does not show this token the number or account: {error}.",
            "Compare --phone-number-id and --waba-id with WhatsApp Manager, and look at what the token was given.",
        )
    return f"{name} refuses: {error}.", "Look at the number in WhatsApp Manager and in the provider's own console."


def _new_key(name: str) -> str:
    if name == "Meta":
        return (
            "Make a system user's token with whatsapp_business_messaging and whatsapp_business_management, and pass it."
        )
    return "Make an API key for this number in the 360dialog Hub, and pass it: an older one is void from then on."


def secret(label: str) -> str:
    """A key from a person who is asked for it unseen, or from one line of standard input. Raises click.UsageError."""
    if sys.stdin.isatty():
        given = click.prompt(label, hide_input=True, err=True).strip()
    else:
        given = sys.stdin.readline().strip()
    if not SECRET.fullmatch(given):
        raise click.UsageError(f"{label}: one line without blanks is expected on standard input, or at the prompt.")
    return str(given)


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
    click.echo(words, err=True)
