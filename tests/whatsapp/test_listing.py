"""An account's templates read to the end of their pages: what counts as one, and when nothing may be taken for gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.whatsapp.scripted import answer, serving
from whatsapp.account import AccountClient
from whatsapp.errors import OutcomeUnknown, Refused
from whatsapp.listing import Listing, listed, listing
from whatsapp.provider import provider

FULL = {
    "id": 594425479261596,
    "name": "order_ready",
    "language": "he",
    "status": "APPROVED",
    "category": "marketing",
    "quality_score": {"score": "GREEN", "date": 1794132300},
    "rejected_reason": "NONE",
    "parameter_format": "POSITIONAL",
    "components": [{"type": "BODY", "text": "Hi {{1}}"}],
}


async def of(*pages: list[Any]) -> Listing:
    async def each() -> AsyncIterator[list[Any]]:
        for page in pages:
            yield page

    return await listing(each())


async def read(*answers: Any) -> tuple[Listing, list[str]]:
    """A provider's answers through the account's client; the listing, and what was asked."""
    async with serving(*(answer(200, body) for body in answers)) as server, httpx.AsyncClient() as http:
        chosen = provider("360dialog", "1065", d360_base_url=server.url, graph_base_url=server.url)
        found = await listing(AccountClient(http, chosen, "key").templates())
        return found, [head.splitlines()[0] for head, _ in server.requests]


def test_a_template_in_the_columns_it_is_stored_in() -> None:
    assert listed(FULL) == {
        "provider_template_id": "594425479261596",
        "name": "order_ready",
        "language": "he",
        "status": "APPROVED",
        "category": "MARKETING",
        "quality": "GREEN",
        "components": [{"type": "BODY", "text": "Hi {{1}}"}],
        "reason": None,
    }


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"rejected_reason": "SCAM"}, "reason", "SCAM"),
        ({"quality_score": "YELLOW"}, "quality", "YELLOW"),
        ({"quality_score": None}, "quality", None),
        ({"quality_score": {"score": 5}}, "quality", "5"),
        ({"components": "none"}, "components", None),
        ({"status": None}, "status", None),
        ({"category": {"x": 1}}, "category", None),
        ({"id": None}, "provider_template_id", None),
    ],
)
def test_what_is_odd_is_not_said(change: dict[str, Any], column: str, value: Any) -> None:
    assert listed(FULL | change)[column] == value


@pytest.mark.parametrize("change", [{"name": None}, {"language": ""}, {"name": "n" * 513}, {"language": ["he"]}])
async def test_an_entry_that_names_no_template_leaves_the_listing_incomplete(change: dict[str, Any]) -> None:
    found = await of([FULL, FULL | {"name": "other"} | change])
    assert ([row["name"] for row in found.templates], found.complete) == (["order_ready"], False)


async def test_an_empty_account_has_a_complete_listing() -> None:
    assert (await read({"data": []}))[0] == Listing([], True)


async def test_one_name_in_two_languages_is_two_and_the_same_twice_is_one() -> None:
    found = await of([FULL, FULL | {"language": "en"}], [FULL | {"status": "PAUSED"}, FULL | {"name": "new"}])
    assert [(row["name"], row["language"], row["status"]) for row in found.templates] == [
        ("order_ready", "he", "PAUSED"),
        ("order_ready", "en", "APPROVED"),
        ("new", "he", "APPROVED"),
    ]
    assert found.complete


async def test_pages_that_repeat_themselves_end_and_let_nothing_be_taken_for_gone() -> None:
    page = {"data": [FULL], "paging": {"cursors": {"after": "x"}, "next": "http://evil.example/"}}
    found, asked = await read(page)
    assert (len(found.templates), found.complete, len(asked)) == (1, False, 2)


async def test_the_older_edge_of_360dialogs_is_read_too() -> None:
    assert len((await read({"waba_templates": [FULL]}))[0].templates) == 1


@pytest.mark.parametrize("nonsense", ["", "<html>", [], {"data": "x"}, {"data": {"name": "x"}}, {}])
async def test_nonsense_is_no_empty_listing(nonsense: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        await read(nonsense)


async def test_half_a_listing_is_none() -> None:
    page = {"data": [FULL], "paging": {"cursors": {"after": "x"}, "next": "http://next.example/"}}
    refusal = {"error": {"code": 131059, "message": "cursor expired"}}
    async with serving(answer(200, page), answer(400, refusal)) as server, httpx.AsyncClient() as http:
        chosen = provider("360dialog", "1065", d360_base_url=server.url, graph_base_url=server.url)
        with pytest.raises(Refused):
            await listing(AccountClient(http, chosen, "key").templates())
