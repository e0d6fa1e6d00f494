"""The inbox through PostgREST: every function and every filter, by a member and by somebody else."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from tests.frontends.conftest import Write
from tests.frontends.member import Member
from tests.store.tenant import Session, Tenant, call, rows

NOON = "2026-11-01T12:00:0{}Z"
DANA, NOA, AVI = "972501234567", "972541111111", "972522222222"


@pytest.fixture
async def threads(write: Write) -> dict[str, str]:
    """Three people, Avi the last."""
    people = [(DANA, "hello from dana", "Dana"), (NOA, "where is my banana", "Noa"), (AVI, "thanks", "Avi")]
    return {
        phone: await write(phone, body, NOON.format(second), profile_name=name)
        for second, (phone, body, name) in enumerate(people)
    }


async def test_a_member_lists_what_a_list_shows(member: Member, tenant: Tenant, threads: dict[str, str]) -> None:
    listed = await member.list(tenant.workspace_id)
    assert [row["title"] for row in listed] == ["Avi", "Noa", "Dana"]
    noa = listed[1]
    assert noa["id"] == threads[NOA]
    assert noa["contact"]["phone"] == f"+{NOA}"
    assert (noa["unread_count"], noa["is_read"], noa["last_message_direction"]) == (1, False, "inbound")
    assert (noa["is_window_open"], noa["window_seconds_left"]) in ((True, noa["window_seconds_left"]), (False, 0))


async def test_filters_choose(member: Member, tenant: Tenant, threads: dict[str, str], backend: Session) -> None:
    await member.call("assign_conversation", conversation_id=threads[DANA], user_id=member.user_id)
    await member.call("mark_as_read", conversation_id=threads[NOA])
    await backend.execute(
        "update public.contacts set tags = '{vip,new}' where workspace_id = %s and phone = %s",
        [tenant.workspace_id, f"+{AVI}"],
    )
    expected: list[tuple[dict[str, object], str]] = [
        ({"unread": True}, "Avi Dana"),
        ({"unread": False}, "Noa"),
        ({"assignee": "me"}, "Dana"),
        ({"assignee": member.user_id}, "Dana"),
        ({"assignee": "nobody"}, "Avi Noa"),
        ({"assignee": str(uuid.uuid4())}, ""),
        ({"tags": ["vip"]}, "Avi"),
        ({"tags": ["new", "vip"], "unread": True}, "Avi"),
        ({"tags": ["vip"], "assignee": "me"}, ""),
        ({"connection_id": str(tenant.connection_id)}, "Avi Noa Dana"),
        ({"connection_id": str(uuid.uuid4())}, ""),
        ({"search": "da"}, "Dana"),
        # By her name and by what she wrote: she is there once.
        ({"search": "dana"}, "Dana"),
        ({"search": "054-111 1111"}, "Noa"),
        ({"search": "+972 (0)54-1111111"}, "Noa"),
        ({"search": "banan"}, "Noa"),
        ({"search": "hello dan"}, "Dana"),
        ({"search": "banana", "assignee": "me"}, ""),
        ({"status": "archived"}, ""),
        ({"status": "all", "limit": 2}, "Avi Noa"),
    ]
    for filters, names in expected:
        found = await member.list(tenant.workspace_id, **filters)
        assert " ".join(row["title"] for row in found) == names, filters


async def test_a_customer_who_writes_takes_the_thread_out_of_the_archive(
    member: Member, tenant: Tenant, threads: dict[str, str], write: Write
) -> None:
    for thread in threads.values():
        await member.call("archive_conversation", conversation_id=thread)
    assert await member.list(tenant.workspace_id) == []
    await write(DANA, "me again", NOON.format(9))
    await member.call("unarchive_conversation", conversation_id=threads[AVI])
    assert [row["title"] for row in await member.list(tenant.workspace_id)] == ["Dana", "Avi"]


async def test_stats_count_what_is_there(member: Member, tenant: Tenant, threads: dict[str, str], write: Write) -> None:
    await member.call("archive_conversation", conversation_id=threads[DANA])
    await member.call("mark_as_read", conversation_id=threads[NOA])
    await write("12025550100", "just now", datetime.now(UTC).isoformat())
    (stats,) = await member.call("get_conversation_stats", workspace_id=str(tenant.workspace_id))
    closed = sum(not row["is_window_open"] for row in await member.list(tenant.workspace_id))
    assert stats == {"total": 4, "unread": 2, "archived": 1, "window_closed": closed}


async def test_one_conversation_comes_with_all_beside_it(
    member: Member, tenant: Tenant, threads: dict[str, str]
) -> None:
    (listed,) = [row for row in await member.list(tenant.workspace_id) if row["id"] == threads[DANA]]
    note = {"workspace_id": str(tenant.workspace_id), "contact_id": listed["contact"]["id"], "body": "likes tea"}
    written = await member.http.post(f"{member.project.url}/rest/v1/contact_notes", json=note, headers=member.headers)
    assert written.status_code == 201
    (shown,) = await member.call("get_conversation", conversation_id=threads[DANA])
    assert shown["connection"]["id"] == str(tenant.connection_id)
    assert [(said["body"], said["created_by"]) for said in shown["contact"]["notes"]] == [("likes tea", member.user_id)]
    assert shown["contact"]["attributes"] == {}


async def test_a_thread_is_paged_by_its_messages(member: Member, threads: dict[str, str], write: Write) -> None:
    for turn in range(7):
        await write(DANA, f"message {turn}", NOON.format(1 + turn // 3))
    seen: list[str] = []
    before = None
    while page := await member.call("get_conversation_messages", conversation_id=threads[DANA], limit=3, before=before):
        # What arrives meanwhile is newer than every page to come.
        await write(DANA, f"meanwhile {len(seen)}", NOON.format(9))
        seen += [row["content"]["body"] for row in page]
        before = page[-1]["id"]
    assert seen == [*(f"message {turn}" for turn in reversed(range(7))), "hello from dana"]


async def test_a_message_shows_what_it_answers_and_its_reactions(
    member: Member, threads: dict[str, str], tenant: Tenant, backend: Session
) -> None:
    first = f"wamid.{DANA}.hello from dana"
    told = [
        tenant.message("w.answer", DANA, reply_to_wamid=first, occurred_at=NOON.format(5)),
        tenant.message(
            "w.reaction", DANA, type="reaction", reply_to_wamid=first, content={"message_id": first, "emoji": "👍"}
        ),
    ]
    await call(backend, "record_inbound", [], told, [])
    answer, hello = await member.call("get_conversation_messages", conversation_id=threads[DANA])
    assert answer["reply_to"] == {
        "id": hello["id"],
        "direction": "inbound",
        "type": "text",
        "preview": "hello from dana",
    }
    assert [(said["emoji"], said["direction"], said["wa_id"]) for said in hello["reactions"]] == [
        ("👍", "inbound", DANA)
    ]
    assert (answer["reactions"], hello["reply_to"]) == ([], None)


async def test_a_contact_is_put_to_a_thread_and_taken_off(
    member: Member, threads: dict[str, str], tenant: Tenant, backend: Session
) -> None:
    (other,) = await rows(
        backend,
        "insert into public.contacts (workspace_id, phone, name) values (%s, '+4915112345678', 'Eva')"
        " returning id::text",
        tenant.workspace_id,
    )
    await member.call("link_contact_to_conversation", conversation_id=threads[DANA], contact_id=other["id"])
    assert (await member.call("get_conversation", conversation_id=threads[DANA]))[0]["title"] == "Eva"
    await member.call("unlink_contact_from_conversation", conversation_id=threads[DANA])
    (bare,) = await member.call("get_conversation", conversation_id=threads[DANA])
    assert (bare["title"], bare["contact"]) == (DANA, None)


async def test_foreign_and_unknown_ids_get_the_same_answer(
    member: Member, stranger: Member, tenant: Tenant, threads: dict[str, str]
) -> None:
    contact = (await member.list(tenant.workspace_id))[0]["contact"]["id"]
    thread = {"conversation_id": threads[DANA]}
    nothing = {"conversation_id": str(uuid.uuid4())}
    calls: list[tuple[str, dict[str, str | None]]] = [
        ("get_conversation", {}),
        ("get_conversation_messages", {}),
        ("archive_conversation", {}),
        ("unarchive_conversation", {}),
        ("assign_conversation", {"user_id": None}),
        ("link_contact_to_conversation", {"contact_id": contact}),
        ("unlink_contact_from_conversation", {}),
    ]
    for function, more in calls:
        for which in (thread, nothing, {"conversation_id": None}):
            assert await stranger.refusal(function, **which, **more) == (400, "WA004", None), function
    for function in ("get_conversations", "get_conversation_stats"):
        for workspace in (str(tenant.workspace_id), str(uuid.uuid4()), None):
            assert await stranger.refusal(function, workspace_id=workspace) == (400, "WA004", None), function
    assert await member.refusal("assign_conversation", **thread, user_id=stranger.user_id) == (400, "WA025", "user_id")


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"colour": 1}, "colour"),
        ({"search": "a"}, "search"),
        ({"search": "x" * 101}, "search"),
        ({"status": "closed"}, "status"),
        ({"unread": "yes"}, "unread"),
        ({"assignee": "you"}, "assignee"),
        ({"tags": {"vip": True}}, "tags"),
        ({"connection_id": 7}, "connection_id"),
        ({"limit": 1000}, "limit"),
        ({"cursor": "1.2"}, "cursor"),
        ([], "filters"),
        ("open", "filters"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_is_no_filter_is_refused_by_name(
    filters: object, field: str, member: Member, tenant: Tenant
) -> None:
    told = await member.refusal("get_conversations", workspace_id=str(tenant.workspace_id), filters=filters)
    assert told == (400, "WA024", field)


async def test_a_page_of_messages_has_a_size(member: Member, threads: dict[str, str]) -> None:
    for size in (0, 201):
        told = await member.refusal("get_conversation_messages", conversation_id=threads[DANA], limit=size)
        assert told == (400, "WA024", "limit")


async def test_a_page_begins_at_a_message_of_its_own_thread(member: Member, threads: dict[str, str]) -> None:
    (elsewhere,) = await member.call("get_conversation_messages", conversation_id=threads[NOA])
    for before in (elsewhere["id"], str(uuid.uuid4()), threads[DANA]):
        told = await member.refusal("get_conversation_messages", conversation_id=threads[DANA], before=before)
        assert told == (400, "WA004", None)
