"""What an inbox asks, each question with its plain counterpart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from bench.asking import Query, Seats
from bench.crowd import DEEP, Crowd, key
from bench.parts.frontends import plain

FILTERED: LiteralString = "select * from public.get_conversations(%(workspace)s, %(filters)s)"
MESSAGES: LiteralString = "select * from public.get_conversation_messages(%(thread)s, 50, %(before)s)"
STATS: LiteralString = "select * from public.get_conversation_stats(%(workspace)s)"
CONTACT_QUERY: LiteralString = "select private.contact_query(%(workspace)s, %(search)s)::text"
MESSAGE_QUERY: LiteralString = "select private.word_query(left(%(workspace)s, 8), %(search)s, 3)::text"
LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
# Lists of private.inbox_places, which adds 1 for somebody's, 2 for unread and 4 for archived.
OPEN, UNREAD, ARCHIVED = [0, 1, 2, 3], [2, 3], [4, 5, 6, 7]
# So deep in a thread of thousands, counted from its newest message.
DEEP_TURN = DEEP // 2


@dataclass(frozen=True)
class Question:
    """By SQL function, by PostgREST, and in plain SQL."""

    ours: Query
    path: str
    body: Mapping[str, Any]
    plain: Query


def _filtered(crowd: Crowd, filters: Mapping[str, Any], sql: LiteralString, **values: Any) -> Question:
    values = {"workspace": crowd.workspace_id, "connections": crowd.connections, "states": OPEN} | values
    values = {"before_at": "infinity", "before_id": LAST} | values
    return Question(
        Query(FILTERED, {"workspace": crowd.workspace_id, "filters": Jsonb(filters)}),
        "/rpc/get_conversations",
        {"workspace_id": crowd.workspace_id, "filters": filters},
        Query(sql, values),
    )


async def lists(seats: Seats, crowd: Crowd) -> dict[str, Question]:
    """Pages, and every filter but search."""
    fiftieth = await _before_page(seats, crowd, 50)
    at, _, before = fiftieth.partition(".")
    tag = await _one(seats, "select left(%(workspace)s, 8) || 't' || md5('vip')", crowd)
    deep = {"before_id": before, "before_at": await _moment(seats, at)}
    one = crowd.connections[1]
    return {
        "first page": _filtered(crowd, {}, plain.LIST),
        "page 50": _filtered(crowd, {"cursor": fiftieth}, plain.LIST, **deep),
        "unread": _filtered(crowd, {"unread": True}, plain.LIST, states=UNREAD),
        "archived": _filtered(crowd, {"status": "archived"}, plain.LIST, states=ARCHIVED),
        "one number": _filtered(crowd, {"connection_id": one}, plain.LIST, connections=[one]),
        "mine": _filtered(crowd, {"assignee": crowd.me}, plain.MINE, me=crowd.me),
        "nobody's": _filtered(crowd, {"assignee": "nobody"}, plain.NOBODYS),
        "a tag of one in a hundred": _filtered(crowd, {"tags": ["vip"]}, plain.TAGGED, contact_query=tag),
    }


SEARCHES = {
    "a rare name": "zwolinski",
    "a first name of one in forty": "dana",
    "a phone number": "050-0000 777",
    "a rare word": "banana",
    "a word of one in three hundred messages": "w500",
    "a word of one in five": "hello",
    "a frequent and a rare word": "hello banana",
    "two frequent words": "w3 w8",
    "no hit": "xylophone",
}


async def searches(seats: Seats, crowd: Crowd) -> dict[str, Question]:
    asked = {}
    for name, search in SEARCHES.items():
        queries = {
            "contact_query": await _one(seats, CONTACT_QUERY, crowd, search=search),
            "message_query": await _one(seats, MESSAGE_QUERY, crowd, search=search),
        }
        asked[name] = _filtered(crowd, {"search": search}, plain.SEARCH, **queries)
    return asked


async def threads(seats: Seats, crowd: Crowd) -> dict[str, Question]:
    """The newest page of an ordinary thread; of one with thousands of messages the newest and one in their middle."""
    deep, ordinary = key("thread 0"), key("thread 123")
    before = await _one(
        seats,
        "select id::text from messages where workspace_id = %(workspace)s and conversation_id = %(thread)s"
        " order by occurred_at desc, seq desc offset %(turn)s limit 1",
        crowd,
        thread=deep,
        turn=DEEP_TURN,
    )
    row = (
        await seats.of(seats.owner, Query("select occurred_at, seq from messages where id = %(id)s", {"id": before}))
    )[0]
    return {
        "ordinary thread": _thread(crowd, ordinary, None, "infinity", 0),
        f"thread of {DEEP:,}, newest": _thread(crowd, deep, None, "infinity", 0),
        f"thread of {DEEP:,}, in its middle": _thread(crowd, deep, before, row[0], row[1]),
    }


def _thread(crowd: Crowd, thread: str, before: str | None, at: object, seq: int) -> Question:
    return Question(
        Query(MESSAGES, {"thread": thread, "before": before}),
        "/rpc/get_conversation_messages",
        {"conversation_id": thread, "limit": 50, "before": before},
        Query(
            plain.THREAD,
            {"workspace": crowd.workspace_id, "thread": thread, "before_at": at, "before_seq": seq},
        ),
    )


def stats(crowd: Crowd) -> dict[str, Question]:
    values = {"workspace": crowd.workspace_id, "connections": crowd.connections}
    return {
        "stats": Question(
            Query(STATS, {"workspace": crowd.workspace_id}),
            "/rpc/get_conversation_stats",
            {"workspace_id": crowd.workspace_id},
            Query(plain.STATS, values),
        )
    }


async def _before_page(seats: Seats, crowd: Crowd, page: int) -> str:
    """The cursor of the last row before it; of a short inbox, of its middle."""
    cursor = await _one(
        seats,
        "select (extract(epoch from sort_at) * 1000000)::bigint || '.' || id from conversations"
        " where workspace_id = %(workspace)s and status = 'open' order by sort_at desc, id desc"
        " offset least(%(rows)s, (select count(*) / 2 from conversations where workspace_id = %(workspace)s"
        " and status = 'open')) limit 1",
        crowd,
        rows=50 * (page - 1) - 1,
    )
    return str(cursor)


async def _moment(seats: Seats, microseconds: str) -> Any:
    query = Query("select timestamptz 'epoch' + %(at)s::bigint * interval '1 microsecond'", {"at": microseconds})
    return (await seats.of(seats.owner, query))[0][0]


async def _one(seats: Seats, sql: LiteralString, crowd: Crowd, **values: Any) -> Any:
    return (await seats.of(seats.owner, Query(sql, {"workspace": crowd.workspace_id} | values)))[0][0]
