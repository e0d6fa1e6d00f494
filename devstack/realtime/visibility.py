"""Who sees which change: the rules of Realtime's Postgres Changes, one read of the log at a time.

Copied: the subscription's role and claims decide. INSERT and UPDATE are looked up again by primary key, as
the row is *now*, so a row deleted or re-keyed meanwhile yields nothing, for service_role too. DELETE is never
checked and carries the primary key only when row level security is on. Column privileges hold. What cannot be
told is an event with `errors` and no record.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from devstack.database import Connection
from devstack.keys import Caller
from devstack.realtime.bindings import Binding
from devstack.realtime.channel import Channel
from devstack.realtime.payload import Payload
from devstack.realtime.pgoutput import Change
from devstack.realtime.rows import Batch, Table, look_up

log = logging.getLogger(__name__)

UNAUTHORIZED = "Error 401: Unauthorized"
NO_PRIMARY_KEY = "Error 400: Bad Request, no primary key"
POLICY_FAILED = "Error 500: Internal Server Error, RLS policy evaluation failed"


@dataclass(frozen=True, eq=False)
class Subscription:
    """A binding of a joined channel, with the identity it was made under."""

    channel: Channel
    binding: Binding
    caller: Caller
    claims: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "claims", json.dumps(self.caller.claims, sort_keys=True))


@dataclass(frozen=True)
class Event:
    """What one channel is sent about one change."""

    channel: Channel
    ids: list[int]
    data: dict[str, Any]


Seen = dict[Subscription, set[int]]  # the positions of the changes a subscription sees


class TableChanges:
    """The changes of one table in one read of the log, and who is to hear of them."""

    def __init__(self, table: Table, changes: Sequence[Change], subscriptions: Sequence[Subscription]) -> None:
        self.table = table
        self.changes = changes
        self.subscriptions = subscriptions
        self._new = Batch(table, [change.new for change in changes])
        self._old = Batch(table, [change.old for change in changes])
        self._policy_failed: Seen = defaultdict(set)

    async def events(self, connection: Connection) -> list[list[Event]]:
        """Per change, in order, the events it causes."""
        new, old = await self._new.records(connection), await self._old.records(connection)
        passing = await self._passing_filters(connection)
        seen = await self._passing_policies(connection, passing)
        caused = []
        for position, change in enumerate(self.changes):
            record = {
                **{k: v for k, v in old[position].items() if change.action == "UPDATE"},
                **new[position],
            }
            payload = Payload(self.table, change, record, old[position])
            caused.append(self._caused_by(position, payload, seen))
        return caused

    def _caused_by(self, position: int, payload: Payload, seen: Seen) -> list[Event]:
        """One event per channel and selection of columns, naming all of the channel's bindings it answers."""
        events: dict[tuple[Channel, frozenset[str] | None, str | None], Event] = {}
        change = payload.change
        for subscription in self.subscriptions:
            binding = subscription.binding
            if not binding.wants(change.action, change.relation.schema, change.relation.name):
                continue
            error = self._error(position, change, subscription)
            if error is None and position not in seen[subscription]:
                continue
            group = subscription.channel, binding.select, error
            if group not in events:
                role = subscription.caller.role
                data = payload.withheld(error) if error else payload.data(role, binding.select)
                events[group] = Event(subscription.channel, [], data)
            events[group].ids.append(binding.id)
        return list(events.values())

    def _error(self, position: int, change: Change, subscription: Subscription) -> str | None:
        if change.action == "DELETE":
            return None
        key = self.table.primary_key
        if not key:
            return NO_PRIMARY_KEY
        if any(subscription.caller.role not in column.selectable_by for column in key):
            return UNAUTHORIZED
        return POLICY_FAILED if position in self._policy_failed[subscription] else None

    async def _passing_filters(self, connection: Connection) -> Seen:
        """INSERT and UPDATE are filtered by the new row, DELETE by what is known of the old one."""
        deleted = {position for position, change in enumerate(self.changes) if change.action == "DELETE"}
        answers: dict[Any, set[int]] = {}
        for filters in {subscription.binding.filters for subscription in self.subscriptions}:
            new = await self._new.matching(connection, filters)
            old = await self._old.matching(connection, filters)
            answers[filters] = (new - deleted) | (old & deleted)
        return {subscription: answers[subscription.binding.filters] for subscription in self.subscriptions}

    async def _passing_policies(self, connection: Connection, passing: Seen) -> Seen:
        """Equal identities are asked about once."""
        if not self.table.row_security:
            return passing
        checked = {position for position, change in enumerate(self.changes) if change.action != "DELETE"}
        if not checked or not self.table.primary_key:
            return passing
        answers: dict[tuple[str, str], set[int] | None] = {}
        seen: Seen = {}
        for subscription in self.subscriptions:
            identity = subscription.caller.role, subscription.claims
            if identity not in answers:
                answers[identity] = await self._visible_rows(connection, *identity)
            visible = answers[identity]
            if visible is None:
                self._policy_failed[subscription] = passing[subscription] & checked
            seen[subscription] = passing[subscription] & ((visible or set()) | (passing[subscription] - checked))
        return seen

    async def _visible_rows(self, connection: Connection, role: str, claims: str) -> set[int] | None:
        """None when a policy raised: that concerns this identity only (realtime migration 2026-08-15)."""
        if any(role not in column.selectable_by for column in self.table.primary_key):
            return set()
        try:
            async with connection.transaction(force_rollback=True):
                await connection.execute(
                    "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                    [role, claims],
                )
                return await self._new.still_there(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except psycopg.Error as error:
            log.warning("policy of %s.%s for %s: %s", self.table.schema, self.table.name, role, error)
            return None


async def events_of(
    connection: Connection, changes: Sequence[Change], subscriptions: Sequence[Subscription]
) -> list[Event]:
    """All events of one read of the log, in commit order."""
    positions: dict[int, list[int]] = defaultdict(list)
    for position, change in enumerate(changes):
        positions[change.relation.oid].append(position)
    caused: list[list[Event]] = [[] for _ in changes]
    for oid, of_table in positions.items():
        table_events = await events_of_table(connection, oid, [changes[p] for p in of_table], subscriptions)
        for position, events in zip(of_table, table_events, strict=True):
            caused[position] = events
    return [event for events in caused for event in events]


async def events_of_table(
    connection: Connection, oid: int, changes: Sequence[Change], subscriptions: Sequence[Subscription]
) -> list[list[Event]]:
    relation = changes[0].relation
    actions = {change.action for change in changes}
    concerned = [s for s in subscriptions if any(s.binding.wants(a, relation.schema, relation.name) for a in actions)]
    if not concerned:
        return [[] for _ in changes]
    table = await look_up(connection, oid, sorted({s.caller.role for s in concerned}))
    if table is None:
        return [[] for _ in changes]
    return await TableChanges(table, changes, concerned).events(connection)
