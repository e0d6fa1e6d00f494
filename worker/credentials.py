"""Clients for connections: credential from Vault, or from the environment in single-workspace mode."""

from __future__ import annotations

import time
from typing import Any

import httpx

from store.rpc import Rpc
from whatsapp.client import WhatsAppClient
from whatsapp.provider import provider
from worker.settings import Settings

# Long enough to spare Vault under load, short enough that a changed key is taken up while a person watches.
CACHE_SECONDS = 30.0


class NoCredential(Exception):
    """Neither Vault nor the environment has a key for this connection."""


class Clients:
    """One `WhatsAppClient` per connection, over one shared HTTP pool."""

    def __init__(self, rpc: Rpc, http: httpx.AsyncClient, settings: Settings) -> None:
        self._rpc = rpc
        self._http = http
        self._settings = settings
        self._known: dict[str, tuple[float, WhatsAppClient]] = {}

    async def of(self, job: dict[str, Any]) -> WhatsAppClient:
        """The client of a claimed job's connection. Raises NoCredential or StoreError."""
        connection_id: str = job["connection_id"]
        expires, client = self._known.get(connection_id, (0.0, None))
        if client is None or expires < time.monotonic():
            client = await self._build(job)
            self._known[connection_id] = (time.monotonic() + CACHE_SECONDS, client)
        return client

    def forget(self, connection_id: str) -> None:
        """After an auth error: the next use asks Vault again."""
        self._known.pop(connection_id, None)

    async def _build(self, job: dict[str, Any]) -> WhatsAppClient:
        credential = await self._rpc.get_connection_credential(job["connection_id"]) or self._from_environment(job)
        if credential is None:
            raise NoCredential(job["connection_id"])
        chosen = provider(
            job["provider"],
            job["phone_number_id"],
            d360_base_url=self._settings.whatsapp_360_base_url,
            graph_base_url=self._settings.meta_graph_base_url,
        )
        return WhatsAppClient(self._http, chosen, credential)

    def _from_environment(self, job: dict[str, Any]) -> str | None:
        """Single-workspace mode. The key goes out for its own workspace and number only."""
        settings = self._settings
        if (
            settings.whatsapp_360_api_key is None
            or job["provider"] != "360dialog"
            or job["workspace_id"] != str(settings.whatsapp_default_workspace_id)
            or settings.whatsapp_phone_number_id not in (None, job["phone_number_id"])
        ):
            return None
        return settings.whatsapp_360_api_key.get_secret_value()
