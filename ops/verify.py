"""`wabase verify`: the journal made into rows once more and held against the live ones. Read-only.

The journal is read from its beginning, normalised as the receiver does it, and sent in groups of people to
`verify_inbound`, which rebuilds them with the receiver's own SQL in a subtransaction, compares, and rolls back.
Receivers go on working meanwhile: only what differs on a second look, too, is a difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ops.progress import Progress
from store.events import Events
from store.rpc import Rpc
from whatsapp.envelope import Endpoint, decode
from whatsapp.normalise import Normalised, normalise

Row = dict[str, Any]

# Rows that are rebuilt in one call.
CHUNK = 2000
CONVERSATIONS = 500
NOBODY = "00000000-0000-0000-0000-000000000000"
IDENTIFIERS = ("wa_id", "bsuid", "parent_bsuid", "new_wa_id", "new_bsuid")


@dataclass
class Told:
    """What the journal has of one number."""

    messages: list[Row] = field(default_factory=list)
    statuses: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    # Messages of events that are to be applied, or applied again: they may be there or not.
    expected: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        return len(self.messages) + len(self.statuses) + len(self.facts)

    def add(self, other: Told) -> None:
        self.messages += other.messages
        self.statuses += other.statuses
        self.facts += other.facts


@dataclass
class Verdict:
    """How much was looked at, and what did not agree: {table, key, column, live, rebuilt}."""

    events: int = 0
    messages: int = 0
    statuses: int = 0
    conversations: int = 0
    differences: list[Row] = field(default_factory=list)


class Union:
    """Which names belong to one person, directly or through others (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, name: str) -> str:
        """The name that stands for all of them."""
        root = name
        while (above := self._parent.setdefault(root, root)) != root:
            root = above
        while self._parent[name] != root:
            self._parent[name], name = root, self._parent[name]
        return root

    def join(self, names: Iterable[str]) -> str:
        """All of these are one."""
        roots = [self.find(name) for name in names]
        for root in roots[1:]:
            self._parent[root] = roots[0]
        return roots[0]


async def verify(events: Events, rpc: Rpc, connections: list[Row], progress: Progress) -> Verdict:
    """Everything that the journal and the rows of these connections do not agree on."""
    first = await _look(events, rpc, connections, progress)
    if not first.differences:
        return first
    progress.say(f"{len(first.differences)} differences. Looking again: the journal may just have been written to.")
    verdict = await _look(events, rpc, connections, progress)
    seen = {_name(row) for row in first.differences}
    verdict.differences = [row for row in verdict.differences if _name(row) in seen]
    return verdict


def _name(difference: Row) -> tuple[Any, ...]:
    return difference["table"], difference["key"], difference["column"]


async def _look(events: Events, rpc: Rpc, connections: list[Row], progress: Progress) -> Verdict:
    verdict = Verdict()
    since = await events.beginning()
    told = await _read(events, verdict, _homes(connections), progress)
    for connection in connections:
        of_it = told[connection["phone_number_id"]]
        progress.say(f"number {connection['phone_number_id']}: {of_it.rows} rows to rebuild")
        await _verify_number(rpc, verdict, connection["id"], of_it, since)
        await _verify_explained(events, verdict, connection["id"], of_it, since)
        await _verify_stats(rpc, verdict, connection["id"])
    # Statistics are looked at twice, against the journal and against the messages.
    verdict.differences = list({_name(row): row for row in verdict.differences}.values())
    return verdict


def _homes(connections: list[Row]) -> dict[str, str]:
    """The number that each id stands for: its own, and those it had before it was moved."""
    former = {former: row["phone_number_id"] for row in connections for former in row["former_ids"]}
    return former | {row["phone_number_id"]: row["phone_number_id"] for row in connections}


async def _read(events: Events, verdict: Verdict, homes: dict[str, str], progress: Progress) -> dict[str, Told]:
    told: dict[str, Told] = defaultdict(Told)
    async for page in events.bodies():
        for row in page:
            verdict.events += 1
            progress.count("events read", verdict.events)
            endpoint = Endpoint(row["provider"], row["phone_number_id"], row["waba_id"])
            _keep(told, homes, normalise(row["id"], endpoint, decode(row["raw"].encode())), row["state"] == "received")
    return told


def _keep(told: dict[str, Told], homes: dict[str, str], result: Normalised, waits: bool) -> None:
    if waits:
        for row in result.messages:
            told[homes.get(row["phone_number_id"], "")].expected.add(row["wamid"])
        return
    for kind in ("messages", "statuses", "facts"):
        for row in getattr(result, kind):
            if home := homes.get(row.get("phone_number_id", "")):
                getattr(told[home], kind).append(row)


async def _verify_number(rpc: Rpc, verdict: Verdict, connection_id: str, told: Told, since: str | None) -> None:
    verdict.messages += len({row["wamid"] for row in told.messages})
    verdict.statuses += len(told.statuses)
    for chunk in chunks(told):
        found = await rpc.verify_inbound(connection_id, chunk.messages, chunk.statuses, chunk.facts, since)
        verdict.differences += found


def chunks(told: Told) -> Iterator[Told]:
    """The rows of a number in parts that can be rebuilt alone: nobody's messages are parted, nor their reports."""
    people = Union()
    for row in told.messages:
        people.join([f"wamid:{row['wamid']}", *_names(row), *_target(row)])
    for row in told.facts:
        people.join(_names(row) or [NOBODY])
    groups: dict[str, Told] = defaultdict(Told)
    for row in told.messages:
        groups[people.find(f"wamid:{row['wamid']}")].messages.append(row)
    for row in told.facts:
        groups[people.find((_names(row) or [NOBODY])[0])].facts.append(row)
    for row in told.statuses:
        groups[people.find(f"wamid:{row['wamid']}")].statuses.append(row)
    packed = Told()
    for group in groups.values():
        if packed.rows and packed.rows + group.rows > CHUNK:
            yield packed
            packed = Told()
        packed.add(group)
    yield packed


def _target(row: Row) -> list[str]:
    return [f"wamid:{row['reply_to_wamid']}"] if row["type"] in ("edit", "revoke") and row.get("reply_to_wamid") else []


def _names(row: Row) -> list[str]:
    if row.get("group_id"):
        return [f"group:{row['group_id']}"]
    # A number in any of its spellings: the last eight digits are the same in all of them, and more people than needed
    # in one group harm nobody.
    names = [str(row[key]) for key in IDENTIFIERS if row.get(key)]
    return names + [f"tail:{name[-8:]}" for name in names if name.isdigit()]


async def _verify_explained(
    events: Events, verdict: Verdict, connection_id: str, told: Told, since: str | None
) -> None:
    known = {row["wamid"] for row in told.messages} | told.expected
    if since is None:
        return
    async for page in events.received(connection_id, since):
        verdict.differences += [
            {"table": "messages", "key": row["wamid"], "column": None, "live": "there", "rebuilt": "missing"}
            for row in page
            if row["wamid"] not in known
        ]


async def _verify_stats(rpc: Rpc, verdict: Verdict, connection_id: str) -> None:
    after: str | None = NOBODY
    while after is not None:
        page = await rpc.verify_stats(connection_id, after, CONVERSATIONS)
        verdict.conversations += page["conversations"]
        verdict.differences += page["differences"]
        after = page["after"]
