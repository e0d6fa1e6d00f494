"""Payloads that speak of what came before: edits, reports, changed people, files of a history, news of a template."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.flows.programs import Program
from tests.flows.tenant import Tenant
from tests.webhook.expected.facts import FACTS
from tests.webhook.expected.reports import REPORTS
from tests.webhook.expected.rows import (
    MOMENT,
    NOTICED,
    OURS,
    REPORTED,
    Row,
    contact,
    file,
    message,
    past,
    template,
    thread,
)
from tests.webhook.landed import Addressed, closed_event, landed, last_event
from tests.webhook.posting import post
from tests.whatsapp.payload import BSUID, CUSTOMER, INBOUND, NEW_BSUID, NEW_PHONE, OUR_MESSAGE, OUTBOUND, PARENT

# What edits and revokes of the payloads speak of.
EARLIER = {INBOUND: f"{INBOUND}0"}


async def seen_after(
    webhook: Program, tenant: Tenant, *turns: str | tuple[str, dict[str, str]]
) -> dict[str, list[Row]]:
    """The rows after these payloads, one recorded before the next is posted; a name may come with ids to exchange."""
    for turn in turns:
        name, ids = (turn, {}) if isinstance(turn, str) else turn
        body, since = Addressed(name, tenant, ids), await last_event(tenant)
        assert await post(webhook, tenant, body.raw) == 200
        event = await closed_event(tenant, since)
        assert (event["state"], event["error"]) == ("processed", None)
    seen: dict[str, list[Row]] = await landed(tenant, event)
    return seen


async def test_an_edit_changes_the_text_and_keeps_the_first(webhook: Program, tenant: Tenant) -> None:
    text = json.loads(Addressed("text", tenant).raw)["entry"][0]["changes"][0]["value"]["messages"][0]["text"]
    edited, _ = (await seen_after(webhook, tenant, ("text", EARLIER), "edit"))["messages"]
    assert edited == message(
        "text", {"body": "ten, not nine"}, wamid=f"{INBOUND}0", original_content=text, edited_at=MOMENT
    )


async def test_an_edited_caption_leaves_the_file(webhook: Program, tenant: Tenant) -> None:
    edited, _ = (await seen_after(webhook, tenant, ("image", EARLIER), "edit_caption"))["messages"]
    assert edited == message(
        "image",
        {"caption": "like that"},
        wamid=f"{INBOUND}0",
        original_content={"caption": "like this"},
        edited_at=MOMENT,
        **file("1003383421387256", "image/jpeg"),
    )


@pytest.mark.parametrize("turns", [(("text_reply", EARLIER), "revoke"), ("revoke", ("text_reply", EARLIER))])
async def test_a_revoke_marks_its_message_whichever_comes_first(
    turns: tuple[Any, ...], webhook: Program, tenant: Tenant
) -> None:
    rows = (await seen_after(webhook, tenant, *turns))["messages"]
    (revoked,) = [row for row in rows if row["type"] == "text"]
    assert revoked == message(
        "text", {"body": "this one"}, wamid=f"{INBOUND}0", reply_to_wamid=OUTBOUND, revoked_at=MOMENT
    )


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("status_delivered", {"status": "delivered", "delivered_at": REPORTED}),
        ("status_read", {"status": "read", "read_at": REPORTED}),
        ("status_played", {"status": "played", "played_at": REPORTED}),
        (
            "status_failed",
            {"status": "failed", "failed_at": REPORTED, "error": REPORTS["status_failed"]["statuses"][0]["error"]},
        ),
    ],
)
@pytest.mark.parametrize("report_first", [False, True])
async def test_a_report_moves_the_message_it_speaks_of(
    name: str, columns: Row, report_first: bool, webhook: Program, tenant: Tenant
) -> None:
    turns = [name, "echo_text"] if report_first else ["echo_text", name]
    (echo,) = (await seen_after(webhook, tenant, *turns))["messages"]
    assert echo == message("text", {"body": "on my way"}, **(OURS | columns))


async def test_a_report_finds_a_message_of_ours_by_the_id_that_it_echoes(webhook: Program, tenant: Tenant) -> None:
    message_id = await tenant.queue(await tenant.conversation(CUSTOMER), "are you there?")
    await seen_after(webhook, tenant, ("status_delivered", {OUR_MESSAGE: message_id}))
    ours = await tenant.message(message_id)
    assert (ours["wamid"], ours["status"]) == (OUTBOUND, "delivered")


@pytest.mark.parametrize(
    ("name", "expected", "person"),
    [
        (
            "system_number_changed",
            thread(NEW_PHONE, NEW_BSUID, known_as=[CUSTOMER, NEW_PHONE, BSUID, NEW_BSUID]),
            contact(phone=f"+{NEW_PHONE}", bsuid=NEW_BSUID, profile_name="Noa"),
        ),
        (
            "system_user_id_changed_previous",
            thread(CUSTOMER, NEW_BSUID, known_as=[CUSTOMER, BSUID, NEW_BSUID]),
            contact(bsuid=NEW_BSUID, profile_name="Noa"),
        ),
        (
            "user_id_update",
            thread(CUSTOMER, NEW_BSUID, known_as=[CUSTOMER, BSUID, NEW_BSUID, PARENT]),
            contact(bsuid=NEW_BSUID, profile_name="Noa"),
        ),
    ],
)
async def test_somebody_who_goes_on_under_other_ids_keeps_thread_and_contact(
    name: str, expected: Row, person: Row, webhook: Program, tenant: Tenant
) -> None:
    seen = await seen_after(webhook, tenant, ("text", EARLIER), name)
    assert (seen["threads"], seen["contacts"]) == ([expected], [person])


async def test_a_file_of_the_history_takes_the_place_that_was_kept_for_it(webhook: Program, tenant: Tenant) -> None:
    rows = (await seen_after(webhook, tenant, "history", "history_files"))["messages"]
    (voice,) = [row for row in rows if row["wamid"] == "wamid.cGFzdA==2"]
    assert voice == past(
        "wamid.cGFzdA==2",
        "audio",
        {"voice": True},
        "2026-09-21T14:13:22+00:00",
        status="played",
        **file("24230790383178627", "audio/ogg; codecs=opus"),
    )
    assert len(rows) == 7


async def test_what_is_told_of_a_template_adds_up(webhook: Program, tenant: Tenant) -> None:
    turns = ("template_components", "template_quality", "template_category_changed", "template_disabled")
    (wording,) = FACTS["template_components"]["templates"]
    assert (await seen_after(webhook, tenant, *turns))["templates"] == [
        template(
            status="DISABLED",
            reason="NONE",
            category="MARKETING",
            quality="YELLOW",
            components=wording["components"],
            as_of=dict.fromkeys(("status", "category", "quality", "components"), NOTICED),
        )
    ]


async def test_one_person_of_messages_address_book_and_consent_is_one_contact(webhook: Program, tenant: Tenant) -> None:
    turns = ("user_preferences_stop", "text", "state_sync_add", "user_preferences_resume")
    _, noa = (await seen_after(webhook, tenant, *turns))["contacts"]
    assert noa == contact(
        profile_name="Noa",
        name="Noa Levi",
        synced_name_at=MOMENT,
        marketing_preference_at="2026-11-08T10:01:40+00:00",
    )
