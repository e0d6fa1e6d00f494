"""Numbers and their workspaces, as an operator sets them up: what an admin may do, done for all workspaces."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any

import httpx

from store.errors import answered, done, json_of

Row = dict[str, Any]

# What an id of WhatsApp's may be made of (add_connection); nothing that means something in a filter.
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
COLUMNS = (
    "id,workspace_id,provider,phone_number_id,former_ids,waba_id,display_phone_number,status,status_reason,"
    "status_since,quality_rating,messages_per_second,workspace:workspaces!inner(name,deleted_at)"
)
# Whose a webhook is where its URL does not say: Meta's numbers have none of their own.
NAMED = "body->entry->0->changes->0->value->metadata->>phone_number_id"
PAGE = 1000


class Numbers:
    """Reads and changes of connections and workspaces. Raises StoreError only."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def all(self, **filters: str) -> list[Row]:
        """Every connection that passes PostgREST's filters, workspace by workspace; not those of deleted ones."""
        query = {"select": COLUMNS, "order": "workspace_id,created_at,id", "workspace.deleted_at": "is.null", **filters}
        found: list[Row] = []
        while page := await self._get("whatsapp_connections", {**query, "limit": str(PAGE), "offset": str(len(found))}):
            found += [_flat(row) for row in page]
        return found

    async def find(self, phone_number_id: str) -> Row | None:
        """The connection that has this id, else the one that had it before it was moved."""
        if not ID.fullmatch(phone_number_id):
            return None
        either = f"(phone_number_id.eq.{phone_number_id},former_ids.cs.{{{phone_number_id}}})"
        found = await self._get("whatsapp_connections", {"select": COLUMNS, "or": either})
        found.sort(key=lambda row: row["phone_number_id"] != phone_number_id)
        return _flat(found[0]) if found else None

    async def workspaces(self, name: str | None = None) -> list[Row]:
        """Workspaces {id, name}, oldest first; of this name, if one is given."""
        chosen = {"name": f"eq.{name}"} if name is not None else {}
        query = {"select": "id,name", "deleted_at": "is.null", "order": "created_at,id", **chosen}
        return await self._get("workspaces", query)

    async def create_workspace(self, name: str) -> str:
        """A workspace without members; gives its id."""
        headers = {"prefer": "return=representation"}
        rows: list[Row] = json_of(
            await answered(self._http.post("/rest/v1/workspaces", json={"name": name}, headers=headers))
        )
        return str(rows[0]["id"])

    async def add_connection(self, workspace_id: str, place: Row) -> str:
        """A new number, paused for its credential. Rejected: WA002, WA004, WA032, WA035."""
        answer = await answered(self._call("add_connection", workspace_id=workspace_id, **place))
        return str(json_of(answer))

    async def set_connection_credential(self, connection_id: str, credential: str) -> None:
        """Into Vault; a number that is paused for its credential goes on."""
        await done(self._call("set_connection_credential", connection_id=connection_id, credential=credential))

    async def change(self, connection_id: str, columns: Row) -> None:
        """Writes columns of a connection."""
        query = {"id": f"eq.{connection_id}"}
        await done(self._http.patch("/rest/v1/whatsapp_connections", params=query, json=columns))

    async def in_flight(self, connection_id: str) -> int:
        """How many messages of a number are being sent at this moment."""
        query = {"connection_id": f"eq.{connection_id}", "lease_token": "not.is.null", "select": "message_id"}
        return len(await self._get("outbox", query))

    async def files_waiting(self, connection_id: str) -> int:
        """How many files of a number have still to be fetched; PostgREST tells a thousand at most."""
        query = {"connection_id": f"eq.{connection_id}", "select": "message_id"}
        return len(await self._get("media_downloads", query))

    async def newest_event(self) -> int:
        """The id of the journal's newest event; 0 when it is empty."""
        rows = await self._get("webhook_events", {"select": "id", "order": "id.desc", "limit": "1"})
        return int(rows[0]["id"]) if rows else 0

    async def first_webhook(self, phone_number_id: str, after_id: int) -> str | None:
        """When the first webhook of a number came in after an event, None as long as there is none."""
        query = {"select": "received_at", "id": f"gt.{after_id}", "order": "id", "limit": "1"}
        query["or"] = f"(phone_number_id.eq.{phone_number_id},{NAMED}.eq.{phone_number_id})"
        rows = await self._get("webhook_events", query)
        return str(rows[0]["received_at"]) if rows else None

    async def last_webhooks(self, wanted: set[str], pages: int = 5) -> dict[str, str]:
        """When the newest webhook of each number came in, as far as it is among the newest `pages` thousand of all."""
        seen: dict[str, str] = {}
        query = {"select": f"id,received_at,phone_number_id,named:{NAMED}", "order": "id.desc", "limit": str(PAGE)}
        for _ in range(pages):
            rows = await self._get("webhook_events", query)
            for row in rows:
                for number in {row["phone_number_id"], row["named"]} & wanted:
                    seen.setdefault(number, str(row["received_at"]))
            if len(rows) < PAGE or wanted <= seen.keys():
                break
            query["id"] = f"lt.{rows[-1]['id']}"
        return seen

    def _call(self, function: str, **arguments: Any) -> Awaitable[httpx.Response]:
        return self._http.post(f"/rest/v1/rpc/{function}", json=arguments)

    async def _get(self, table: str, query: dict[str, str]) -> list[Row]:
        rows: list[Row] = json_of(await answered(self._http.get(f"/rest/v1/{table}", params=query)))
        return rows


def _flat(connection: Row) -> Row:
    return {**connection, "workspace": connection["workspace"]["name"]}
