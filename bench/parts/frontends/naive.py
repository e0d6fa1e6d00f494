"""The inbox as most projects ask for it with supabase-js: tables with embedded rows, offsets, `ilike`, exact counts.

As a member through PostgREST, over the same tables, whose indexes are not made for these questions; that is what most
projects find, too. For context: nothing is promised about it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx

from bench.asking import Ask, Seats, in_turn, seats
from bench.crowd import Crowd
from bench.outcome import Outcome
from bench.parts.frontends import questions, tables
from bench.parts.frontends.compared import HTTP, ways
from bench.parts.frontends.questions import Question
from bench.stand import Stand

NAIVE = "naive by HTTP"
PAGE = "select=*,contacts(*)&status=eq.open&order=last_message_at.desc&limit=50"
MESSAGES = "select=conversation_id,occurred_at,conversations(*,contacts(*))&order=occurred_at.desc&limit=50"


async def measure(stand: Stand) -> Outcome:
    outcome = Outcome()
    crowd = await tables.full(stand, outcome)
    async with seats(stand.project, crowd) as sitting:
        lists = await questions.lists(sitting, crowd)
        searches = await questions.searches(sitting, crowd)
        asked: dict[str, tuple[Question, list[str]]] = {
            "first page": (lists["first page"], [_page(crowd, 0)]),
            "page 50": (lists["page 50"], [_page(crowd, 49 * 50)]),
            "stats": (questions.stats(crowd)["stats"], _counts(crowd)),
            "a rare name": (searches["a rare name"], _search(crowd, "zwolinski")),
            "a rare word": (searches["a rare word"], _search(crowd, "banana")),
            "a word of one in five": (searches["a word of one in five"], _search(crowd, "hello")),
            "no hit": (searches["no hit"], _search(crowd, "xylophone")),
        }
        for name, (question, paths) in asked.items():
            both: dict[str, Ask] = {HTTP: ways(sitting, question)[HTTP], NAIVE: partial(_get, sitting, paths)}
            try:
                took = await in_turn(both, 5 if stand.quick else 20, {})
            except httpx.HTTPStatusError as refusal:
                # What takes longer than a user's statement may is ended.
                outcome.figures[f"{name}: {NAIVE}"] = str(refusal.response.json().get("message"))
                continue
            outcome.figures |= {f"{name}: {way}, ms": times.figure for way, times in took.items()}
            outcome.figures[f"{name}: naive over ours"] = round(took[NAIVE].middle / took[HTTP].middle, 1)
    return outcome


async def _get(sitting: Seats, paths: list[str]) -> list[Any]:
    """One request after the other, as awaited calls are."""
    rows: list[Any] = []
    for path in paths:
        answer = await sitting.http.get(path, headers={"Prefer": "count=exact"} if "count=exact" in path else {})
        answer.raise_for_status()
        rows += answer.json()
    return rows


def _page(crowd: Crowd, offset: int) -> str:
    return f"/conversations?{PAGE}&workspace_id=eq.{crowd.workspace_id}&offset={offset}"


def _counts(crowd: Crowd) -> list[str]:
    """Four numbers, four requests; in supabase-js `head: true` spares the rows, here a limit does."""
    states = (
        "",
        "&status=eq.archived",
        "&status=eq.open&unread_count=gt.0",
        "&status=eq.open&window_expires_at=lt.now",
    )
    return [f"/conversations?select=count()&workspace_id=eq.{crowd.workspace_id}{state}" for state in states]


def _search(crowd: Crowd, word: str) -> list[str]:
    workspace = f"workspace_id=eq.{crowd.workspace_id}"
    named = f"or=(name.ilike.*{word}*,profile_name.ilike.*{word}*,phone.ilike.*{word}*)"
    return [
        f"/contacts?select=*,conversations(*)&{workspace}&{named}&limit=50",
        f"/messages?{MESSAGES}&{workspace}&content-%3E%3Ebody=ilike.*{word}*",
    ]
