"""Realtime Authorization: what the policies on realtime.messages let a token do on a private topic.

Copied: the service writes one row per extension, looks which of them the token's role can read back (with GUC
`realtime.topic` set), rolls everything back, and keeps the answer until the next join or token. Writing is
tried the same way, when the first message comes.
"""

from __future__ import annotations

import json
from uuid import uuid4

import psycopg

from devstack.database import Connection, Database
from devstack.keys import Caller
from devstack.realtime.channel import Policies
from devstack.realtime.tokens import Refused

PROBE = "insert into realtime.messages (id, topic, extension) values (%s, %s, %s)"


class Authorizer:
    """Asks the policies, on transactions that leave nothing behind."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def readable(self, caller: Caller, topic: str) -> Policies:
        """Which extensions may be read. Raises Refused if none."""
        probes = {uuid4(): "broadcast", uuid4(): "presence"}
        async with self._database.as_admin() as connection, connection.transaction(force_rollback=True):
            for probe, extension in probes.items():
                await connection.execute(PROBE, [probe, topic, extension])
            try:
                await become(connection, caller, topic)
                cursor = await connection.execute(
                    "select id from realtime.messages where topic = %s and id = any(%s)",
                    [topic, list(probes)],
                )
                readable = {probes[row["id"]] for row in await cursor.fetchall()}
            except psycopg.Error as error:
                if isinstance(error, psycopg.OperationalError):
                    raise
                readable = set()  # a policy that raises lets nobody in
        if not readable:
            raise Refused("Unauthorized", f"You do not have permissions to read from this Channel topic: {topic}")
        return Policies(read_broadcast="broadcast" in readable, read_presence="presence" in readable)

    async def writable(self, caller: Caller, topic: str, extension: str) -> bool:
        """Whether a message of the extension may be sent."""
        async with self._database.as_admin() as connection:
            try:
                async with connection.transaction(force_rollback=True):
                    await become(connection, caller, topic)
                    await connection.execute(PROBE, [uuid4(), topic, extension])
            except psycopg.OperationalError:
                raise
            except psycopg.Error:
                return False
        return True


async def become(connection: Connection, caller: Caller, topic: str) -> None:
    """Role, claims and topic for the rest of the transaction."""
    await connection.execute(
        """select set_config('role', %s, true), set_config('realtime.topic', %s, true),
                  set_config('request.jwt.claims', %s, true), set_config('request.jwt.claim.role', %s, true),
                  set_config('request.jwt.claim.sub', %s, true), set_config('request.headers', '{}', true)""",
        [caller.role, topic, json.dumps(caller.claims), caller.role, str(caller.user_id or "")],
    )
