"""What a provider, or something before it, may answer although nobody documents it: its message ends, and says why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.shop import Shop

pytestmark = pytest.mark.usefixtures("worker")

LONG = "long " * 20_000


def refusal(message: Any = "no", details: Any = "because", code: Any = 131026) -> dict[str, Any]:
    return {"http": 400, "body": {"error": {"code": code, "message": message, "error_data": {"details": details}}}}


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "a title that no text column holds": (refusal("no \u0000 \ud800 no"), 131026),
    "details that are no text": (refusal(details={"why": ["a", 1]}), 131026),
    "a title that is no text": (refusal({"text": "no"}), 131026),
    "a code as text": (refusal(code="131026"), 131026),
    "a code that is none": (refusal(code=True), 400),
    "a code beyond all codes": (refusal(code=10**30), 400),
    "a book": (refusal(LONG, LONG), 131026),
    "an error in a word": ({"http": 400, "body": {"error": "bad request"}}, 400),
    "a list": ({"http": 400, "body": [{"error": 1}]}, 400),
    "nothing": ({"http": 400, "body": ""}, 400),
    "errors of no kind": ({"http": 422, "body": {"errors": ["a", None]}}, 422),
    "a page": ({"http": 413, "body": "<html>too large</html>"}, 413),
}
UNKNOWN: dict[str, dict[str, Any]] = {
    "an id that no index takes": {"messages": [{"id": "".join(f"{n:x}." for n in range(2000, 5000))}]},
    "a list": ["wamid.1"],
    "an error with a success's status": {"error": {"code": 131026, "message": "no"}},
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_strange_refusal_fails_its_message_with_few_words(shop: Shop, name: str) -> None:
    action, code = REFUSED[name]
    await shop.business.fault("messages", action, times=1)
    first, second = await shop.tenant.queue_all(await shop.tenant.conversation(), "refused", "fine")
    message = await shop.tenant.until_message(first, lambda row: row["status"] == "failed")
    error = message["error"]
    assert (error["code"], error["class"], bool(error["title"])) == (code, "PERMANENT", True)
    assert all(isinstance(error.get(key, ""), str) and len(error.get(key, "")) <= 1000 for key in ("title", "details"))
    await shop.tenant.until_message(second, lambda row: row["status"] == "read")


@pytest.mark.parametrize("name", UNKNOWN)
async def test_a_success_that_names_no_message_is_uncertain_at_once(shop: Shop, name: str) -> None:
    await shop.business.fault("messages", {"http": 200, "body": UNKNOWN[name]}, times=1)
    message_id = await shop.queue_text()
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] != "sending")
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "uncertain")
    assert (message["error"]["code"], await shop.sends()) == ("uncertain", 1)


@pytest.mark.parametrize(("told", "kept"), [(4711, "4711"), ("wamid.\u0000\ud800", "wamid.��")])
async def test_a_strange_id_is_still_an_id(shop: Shop, told: object, kept: str) -> None:
    await shop.business.fault("messages", {"http": 200, "body": {"messages": [{"id": told}]}}, times=1)
    message = await shop.tenant.until_message(await shop.queue_text(), lambda row: row["status"] == "sent")
    assert message["wamid"] == kept
