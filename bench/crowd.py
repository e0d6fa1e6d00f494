"""An inbox in full work: one workspace with so many conversations, ten messages each, two hundred small ones beside it.

Of the people of the large one a third are open, of those a twentieth are unread and a tenth somebody's. When they last
wrote lies in the last two years, more of it lately, so that one in eighty has a message of the last day. Ten threads
have 5,000 messages. What a message says is eight words out of two thousand, some far more frequent than others, and in
one of four a number of its own.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from bench.crowd_rows import (
    CONTACTS,
    CONVERSATIONS,
    COUNTED,
    HOUSES,
    IDENTIFIERS,
    INDEXES,
    MESSAGES,
    NAMES,
    PEOPLE,
    SENTENCES,
    WRONG_STATS,
)
from bench.populate import FILLED, Database, settle, switch_triggers, without_foreign_keys

EACH = 10
DEEP = 5_000
DEEP_THREADS = 10
NUMBERS = 3
AGENTS = 5
SMALL = 200
SMALL_PEOPLE = 50
# People of small workspaces are counted from here on.
SMALL_FIRST = 100_000_000


def key(what: str) -> str:
    """The id of `what`, the same in every run: a person's thread is key('thread 7')."""
    return str(uuid.UUID(hashlib.md5(what.encode(), usedforsecurity=False).hexdigest()))


@dataclass
class Crowd:
    """Workspaces with as many people each, and how many people and messages have been filled in."""

    workspaces: list[str]
    connections: list[str]
    agents: list[str]
    people: int = 0
    sent: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def workspace_id(self) -> str:
        return self.workspaces[0]

    @property
    def me(self) -> str:
        """The user whose inbox is measured: an agent of this workspace alone."""
        return self.agents[0]


async def standing(database: Database) -> Crowd:
    """What an earlier part or run has left here; without people, if nothing."""
    crowd = _named("large", 1, NUMBERS, AGENTS)
    row = await (
        await database.execute(
            "select (select count(*) from conversations where workspace_id = %s)::integer,"
            " (select coalesce(max(seq), -1) + 1 from messages)::bigint",
            (crowd.workspace_id,),
        )
    ).fetchone()
    assert row is not None
    crowd.people, crowd.sent = row
    return crowd


async def founded(database: Database) -> Crowd:
    """Emptied tables but for the small workspaces, full, and the large one, empty."""
    await database.execute(
        "truncate public.workspaces, public.webhook_events, private.inbox_places, private.conversation_counts,"
        " private.window_counts cascade"
    )
    await database.execute("drop table if exists bench_sentences")
    await database.execute(SENTENCES, {})
    await database.execute("analyze bench_sentences")
    large = await housed(database, "large", 1, NUMBERS, AGENTS)
    small = await housed(database, "small", SMALL, 1, 1)
    async with bulk(database):
        await _add(database, small, SMALL_FIRST, SMALL * SMALL_PEOPLE)
    large.sent = small.sent
    return large


async def grown(database: Database, crowd: Crowd, people: int) -> None:
    """Up to so many conversations. What is not as triggers would have made it goes to `problems`."""
    async with bulk(database):
        if crowd.people == 0:
            await _add(database, crowd, 0, DEEP_THREADS, DEEP)
        await _add(database, crowd, crowd.people, people - crowd.people)
    await settle(database)
    await database.execute("vacuum (analyze) private.inbox_places, private.conversation_counts, private.window_counts")
    crowd.problems += await _wrong(database, crowd)


def _named(name: str, count: int, numbers: int, agents: int) -> Crowd:
    return Crowd(
        [key(f"{name} {house}") for house in range(count)],
        [key(f"number {name} {number}") for number in range(count * numbers)],
        [key(f"agent {name} {number}") for number in range(count * agents)],
    )


async def housed(database: Database, name: str, count: int, numbers: int, agents: int) -> Crowd:
    """So many new workspaces without people, each with so many numbers and agents."""
    crowd = _named(name, count, numbers, agents)
    values = {
        "workspaces": crowd.workspaces,
        "connections": crowd.connections,
        "agents": crowd.agents,
        "numbers": numbers,
        "agents_each": agents,
    }
    for statement in HOUSES:
        await database.execute(statement, values)
    return crowd


async def _add(database: Database, crowd: Crowd, first: int, people: int, each: int = EACH) -> None:
    """So many people from number `first` on, each with so many messages."""
    houses = len(crowd.workspaces)
    values: dict[str, Any] = {
        "workspaces": crowd.workspaces,
        "connections": crowd.connections,
        "numbers_each": len(crowd.connections) // houses,
        "agents": crowd.agents,
        "agents_each": len(crowd.agents) // houses,
        "names": NAMES,
        "first": first,
        "people": people,
        "abreast": people,
        "turns": each,
        "oldest": each - 1,
        "sent": crowd.sent,
        "newest": crowd.sent + (each - 1) * people,
    }
    await database.execute("drop table if exists bench_people")
    await database.execute(PEOPLE, values)
    await database.execute("analyze bench_people")
    for statement in (CONTACTS, MESSAGES, CONVERSATIONS, IDENTIFIERS):
        await database.execute(statement, values)
    crowd.people = first + people
    crowd.sent += each * people


class bulk:
    """The way bulk is loaded: foreign keys away, and put back, which checks them once for all rows; indexes, too.

    Triggers of contacts and messages are off, for the generator writes what they would; of conversations those by row.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._back: list[str] = []

    async def __aenter__(self) -> None:
        database = self._database
        await database.execute("set maintenance_work_mem = '512MB'")
        await database.execute("set work_mem = '256MB'")
        self._back = await without_foreign_keys(database)
        tables = [f"public.{table}" for table in FILLED]
        cursor = await database.execute(INDEXES, (tables,))
        for drop, create in await cursor.fetchall():
            await database.execute(drop.encode())
            self._back.append(create)
        await switch_triggers(database, on=False)
        await database.execute("alter table public.conversations enable trigger add_places")
        await database.execute("alter table public.conversations enable trigger count_added")

    async def __aexit__(self, *_failure: object) -> None:
        await switch_triggers(self._database, on=True)
        # Where every row is new nobody has cleared up yet: looked up by statistics of now.
        for table in FILLED:
            await self._database.execute(sql.SQL("analyze public.{}").format(sql.Identifier(table)))
        for statement in reversed(self._back):
            await self._database.execute(statement.encode())
        await self._database.execute(
            "select setval(pg_get_serial_sequence('public.messages', 'seq'),"
            " greatest(1, (select max(seq) from messages)))"
        )
        for setting in ("maintenance_work_mem", "work_mem"):
            await self._database.execute(sql.SQL("reset {}").format(sql.Identifier(setting)))


async def _wrong(database: Database, crowd: Crowd) -> list[str]:
    """Held against what the messages say, of a sample, and against what a count of all says."""
    values = {"workspace": crowd.workspace_id, "size": 500}
    found = []
    row = await (await database.execute(WRONG_STATS, values)).fetchone()
    if row != (0,):
        found.append(f"{row} of 500 conversations have other statistics than their messages")
    row = await (await database.execute(COUNTED, values)).fetchone()
    if row is None or row[0] != row[1]:
        found.append(f"get_conversation_stats and a count of all say {row}")
    return found
