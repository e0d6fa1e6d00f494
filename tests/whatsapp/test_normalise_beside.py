"""What comes with a message beside the object of its type: replies, forwards, ads, groups, and keys of tomorrow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.whatsapp.payload import AT_NUMBER, BSUID, CUSTOMER, GROUP, OUTBOUND, only_message, payload
from whatsapp.normalise import normalise


def with_context(context: Any) -> dict[str, Any]:
    body = payload("text_reply")
    body["entry"][0]["changes"][0]["value"]["messages"][0]["context"] = context
    return normalise(1, AT_NUMBER, body).messages[0]


def test_a_plain_reply_is_in_its_column_alone() -> None:
    message = only_message("text_reply")
    assert (message["reply_to_wamid"], message["content"]) == (OUTBOUND, {"body": "this one"})


@pytest.mark.parametrize("author", ["97235551234", "+972 3-555-1234", CUSTOMER, "", None])
def test_which_of_the_two_wrote_the_message_replied_to_is_not_repeated(author: str | None) -> None:
    assert with_context({"from": author, "id": OUTBOUND})["content"] == {"body": "this one"}


@pytest.mark.parametrize(
    "context",
    [
        {"from": "972521112223", "id": OUTBOUND},
        {"from": {"odd": 1}, "id": OUTBOUND},
        {"from": CUSTOMER, "id": OUTBOUND, "from_user_id": "IL.somebody"},
        {"id": OUTBOUND, "quoted": {"text": "one"}},
        {"from": CUSTOMER, "id": {"odd": 1}},
        "a context that is a text",
        [1],
    ],
)
def test_a_context_that_says_more_than_its_column_stays(context: Any) -> None:
    assert with_context(context)["content"] == {"body": "this one", "context": context}


def test_a_context_without_an_id_stays_since_no_column_has_it() -> None:
    message = only_message("context_without_id")
    assert message["reply_to_wamid"] is None
    assert message["content"] == {"body": "about that", "context": {"from": "97235551234"}}


def test_a_question_about_a_product_keeps_the_product() -> None:
    message = only_message("context_product")
    assert message["reply_to_wamid"] == OUTBOUND
    assert message["content"]["context"]["referred_product"] == {
        "catalog_id": "194836987003835",
        "product_retailer_id": "mug-blue",
    }


def test_a_forwarded_message_says_so() -> None:
    message = only_message("context_forwarded")
    assert (message["content"]["context"], message["reply_to_wamid"]) == ({"forwarded": True}, None)
    assert only_message("context_frequently_forwarded")["content"] == {"context": {"frequently_forwarded": True}}


@pytest.mark.parametrize(
    ("name", "source", "click"),
    [("referral_ad", "ad", True), ("referral_status_ad", "ad", False), ("referral_post", "post", False)],
)
def test_a_message_from_an_ad_or_post_keeps_where_it_came_from(name: str, source: str, click: bool) -> None:
    message = only_message(name)
    sent = payload(name)["entry"][0]["changes"][0]["value"]["messages"][0]["referral"]
    assert message["content"]["referral"] == sent
    assert (sent["source_type"], "ctwa_clid" in sent) == (source, click)


def test_a_group_message_names_its_group_and_keeps_saying_who_wrote() -> None:
    message = only_message("group_text")
    assert (message["group_id"], message["wa_id"], message["bsuid"]) == (GROUP, CUSTOMER, BSUID)
    assert message["content"] == {"body": "What does everyone think?", "from": CUSTOMER, "from_user_id": BSUID}


def test_a_reply_in_a_group_keeps_whom_it_answers() -> None:
    message = only_message("group_reply")
    assert message["reply_to_wamid"] == "wamid.Z3JvdXA="
    assert message["content"]["context"] == {"from": "972521112223", "id": "wamid.Z3JvdXA="}


def test_a_message_of_one_to_one_names_no_group() -> None:
    assert "group_id" not in only_message("text")


def test_a_key_of_tomorrow_stays_under_its_name() -> None:
    body = payload("image")
    body["entry"][0]["changes"][0]["value"]["messages"][0] |= {"mood": {"colour": "blue"}, "caption": "beside"}
    content = normalise(1, AT_NUMBER, body).messages[0]["content"]
    assert content == {"caption": "like this", "mood": {"colour": "blue"}, "caption_": "beside"}


def test_however_many_keys_clash_all_are_kept() -> None:
    body = payload("text")
    part = {"body": "hi", "x": 0, "x_": 1, "x__": 2, "x___": 3}
    body["entry"][0]["changes"][0]["value"]["messages"][0] |= {"text": part, "x": 4, "x_": 5}
    content = normalise(1, AT_NUMBER, body).messages[0]["content"]
    assert content.items() >= part.items()
    assert sorted(value for key, value in content.items() if key != "body") == [0, 1, 2, 3, 4, 5]
