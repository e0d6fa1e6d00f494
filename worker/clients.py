"""Clients for connections: credential from Vault, or from the environment in single-workspace mode."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp.transport import AiohttpResponseStream

from store.connect import connect
from store.errors import StoreError
from store.events import Events
from store.pool import Client, Transport
from store.rpc import Rpc
from store.watched import Watch, Watched
from whatsapp.account import AccountClient
from whatsapp.client import WhatsAppClient
from whatsapp.errors import NotSent, WhatsAppError
from whatsapp.provider import Provider, provider
from worker.public_hosts import PublicHosts
from worker.settings import Settings

# Long enough to spare Vault under load, short enough that a changed key is taken up while a person watches.
CACHE_SECONDS = 30.0
# The most of a body that is handed on at one time, in bytes.
PIECE = 256 * 1024

Row = dict[str, Any]


class NoConnection(WhatsAppError):
    """The workspace has not this one number. `code` is `no_connection` or `several_connections`."""

    def __init__(self, code: str, title: str) -> None:
        self.code = code
        super().__init__(f"{code}: {title}")


class NoCredential(WhatsAppError):
    """Neither Vault nor the environment has a key for this connection."""

    code = "no_credential"

    def __init__(self, connection_id: str) -> None:
        super().__init__(f"{self.code}: connection {connection_id} has no credential")


async def create_whatsapp_client(workspace_id: str | UUID, connection_id: str | UUID | None = None) -> WhatsAppClient:
    """A client for a workspace's number, with a pool of its own that `async with` closes.

    Settings are the worker's (docs/settings.md). Without a `connection_id` the workspace must have one number; in
    single-workspace mode it needs none. After an error of class AUTH the next call asks for the credential anew, and is
    NotSent when Supabase does not answer. Raises SettingsError, StoreError, NoConnection, NoCredential, and ValueError
    for an id that is none.
    """
    settings = Settings.load()
    workspace, wanted = str(UUID(str(workspace_id))), str(UUID(str(connection_id))) if connection_id else None
    key = settings.supabase_service_role_key.get_secret_value()
    async with connect(settings.supabase_url, key, connections=1) as project:
        connection = await _connection(Events(project), settings, workspace, wanted)
        reached, credential = await _reach(Rpc(project), settings, connection)

    async def renew() -> str:
        try:
            async with connect(settings.supabase_url, key, connections=1) as project:
                return (await _reach(Rpc(project), settings, connection))[1]
        except StoreError as error:
            raise NotSent(f"the credential could not be asked for: {error}") from error

    return WhatsAppClient(provider_http(), reached, credential, renew)


class Clients:
    """One `WhatsAppClient` per connection, over one shared HTTP pool."""

    def __init__(self, rpc: Rpc, http: httpx.AsyncClient, settings: Settings) -> None:
        self._rpc = rpc
        self._http = http
        self._settings = settings
        self._known: dict[str, tuple[float, WhatsAppClient]] = {}
        # Where each client reaches its number, and by which key: a number that has been moved is not sent from its
        # former place for as long as the client would last.
        self._ways: WeakKeyDictionary[WhatsAppClient, tuple[tuple[str, str], str]] = WeakKeyDictionary()

    async def of(self, job: Row) -> WhatsAppClient:
        """The client of a claimed job's connection. Raises NoCredential or StoreError."""
        connection_id: str = job["connection_id"]
        expires, client = self._known.get(connection_id, (0.0, None))
        place = (job["provider"], job["phone_number_id"])
        if client is None or expires < time.monotonic() or self._ways[client][0] != place:
            reached, credential = await _reach(self._rpc, self._settings, job)
            client = WhatsAppClient(self._http, reached, credential)
            self._ways[client] = (place, credential)
            self._known[connection_id] = (time.monotonic() + CACHE_SECONDS, client)
        return client

    async def account(self, job: Row) -> AccountClient:
        """What belongs to a claimed job's connection beside its messages, with the key of now. Raises as `of`."""
        reached, credential = await _reach(self._rpc, self._settings, job)
        return AccountClient(self._http, reached, credential, waba_id=job["waba_id"])

    def forget(self, connection_id: str) -> None:
        """The next use asks Vault again."""
        self._known.pop(connection_id, None)

    async def renewed(self, job: Row, refused: WhatsAppClient) -> bool:
        """After an auth error: whether there is another key than the refused client's by now. Raises as `of`."""
        _, client = self._known.get(job["connection_id"], (0.0, refused))
        # Of many that are refused at the same moment one asks; if that brought the same key, it is refused to all.
        if client is refused:
            self.forget(job["connection_id"])
            client = await self.of(job)
        return self._ways[client] != self._ways.get(refused)


class _Transport(Transport):
    """Gives what has come of a body as it came: its own pieces of 16 KiB cost more to hand on than to receive."""

    def resolver(self) -> AbstractResolver:
        return PublicHosts()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if isinstance(response.stream, AiohttpResponseStream):
            response.stream.CHUNK_SIZE = PIECE
        return response


def provider_http(connections: int = 16, watch: Watch | None = None) -> httpx.AsyncClient:
    """A pool towards the providers. `watch` is told of each call."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=15)
    transport = _Transport(limits=limits)
    return Client(
        timeout=httpx.Timeout(30.0, connect=10.0),
        transport=transport if watch is None else Watched(transport, watch),
    )


async def _connection(events: Events, settings: Settings, workspace_id: str, wanted: str | None) -> Row:
    """What a claimed job says about its connection, of the one that is meant."""
    filters = {"workspace_id": f"eq.{workspace_id}", "status": "neq.disconnected"}
    filters |= {"id": f"eq.{wanted}"} if wanted else {}
    found = await events.connections(filters)
    if len(found) > 1:
        raise NoConnection("several_connections", f"workspace {workspace_id} has {len(found)}; name one")
    if found:
        return {**found[0], "connection_id": found[0]["id"]}
    own: Row = {
        "connection_id": None,
        "workspace_id": workspace_id,
        "provider": "360dialog",
        "phone_number_id": settings.whatsapp_phone_number_id or "",
    }
    if wanted or _from_environment(settings, own) is None:
        raise NoConnection("no_connection", f"workspace {workspace_id} has not connected {wanted or 'a number'}")
    return own


async def _reach(rpc: Rpc, settings: Settings, connection: Row) -> tuple[Provider, str]:
    """How a number is reached, and with which key. Vault's comes first."""
    connection_id = connection["connection_id"]
    credential = await rpc.get_connection_credential(connection_id) if connection_id else None
    credential = credential or _from_environment(settings, connection)
    if credential is None:
        raise NoCredential(connection_id)
    chosen = provider(
        connection["provider"],
        connection["phone_number_id"],
        d360_base_url=settings.whatsapp_360_base_url,
        graph_base_url=settings.meta_graph_base_url,
    )
    return chosen, credential


def _from_environment(settings: Settings, connection: Row) -> str | None:
    """Single-workspace mode. The key goes out for its own workspace and number only."""
    if (
        settings.whatsapp_360_api_key is None
        or connection["provider"] != "360dialog"
        or connection["workspace_id"] != str(settings.whatsapp_default_workspace_id)
        or settings.whatsapp_phone_number_id not in (None, connection["phone_number_id"])
    ):
        return None
    return settings.whatsapp_360_api_key.get_secret_value()
