"""Conversations as WhatsApp may tell them: generated, every event a webhook change of its own second."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

START = 1_760_000_000
PHONES = ("972501111111", "5511987654321", "551187654321", "972502222222")
BSUIDS = ("IL.aaa", "BR.bbb", "IL.ccc")

Body = dict[str, Any]

people = st.sampled_from(
    [
        {"from": PHONES[0], "from_user_id": BSUIDS[0]},
        {"from": PHONES[0]},
        {"from_user_id": BSUIDS[0]},
        {"from": PHONES[1]},
        {"from": PHONES[2], "from_user_id": BSUIDS[1]},
        {"from_user_id": BSUIDS[1]},
        {"from": PHONES[3]},
        {"from_user_id": BSUIDS[2]},
    ]
)
contents = st.sampled_from(
    [
        {"type": "text", "text": {"body": "shalom"}},
        {"type": "text", "text": {"body": "again"}},
        {"type": "audio", "audio": {"id": "m2", "mime_type": "audio/ogg", "voice": True}},
        {"type": "image", "image": {"id": "m1", "mime_type": "image/png", "caption": "see"}},
        {"type": "location", "location": {"latitude": 32.1, "longitude": 34.8, "name": "Haifa"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}},
        {"type": "revoke", "revoke": {"original_message_id": "wamid.0"}},
        {
            "type": "edit",
            "edit": {"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "new"}}},
        },
        {
            "type": "edit",
            "edit": {"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "newer"}}},
        },
        {"type": "image", "image": {"mime_type": "image/png"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": ""}},
        {"type": "brand_new", "brand_new": {"x": 1}},
    ]
)
reports = st.sampled_from(["sent", "delivered", "read", "played", "failed", "deleted", "of tomorrow"])
participants: st.SearchStrategy[Body] = st.sampled_from([{}, {}, {"recipient_participant_id": PHONES[1]}])
echoed: st.SearchStrategy[Body] = st.sampled_from(
    [{}, {"biz_opaque_callback_data": "a"}, {"biz_opaque_callback_data": "b"}]
)
changes: st.SearchStrategy[Body] = st.sampled_from(
    [
        {"type": "user_changed_number", "known": (PHONES[0], BSUIDS[0]), "to": (PHONES[3], None)},
        {"type": "user_changed_user_id", "known": (None, BSUIDS[0]), "to": (None, BSUIDS[2])},
    ]
)


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, Body]]:
    """A conversation as webhook changes. Every message has its own second, so order is decidable; reports share."""
    told: list[tuple[str, Body]] = []
    for place, (who, what) in enumerate(draw(st.lists(st.tuples(people, contents), min_size=1, max_size=7))):
        message = {"id": f"wamid.{place}", "timestamp": str(START + place), **who, **what}
        profile = {
            "wa_id": who.get("from"),
            "user_id": who.get("from_user_id"),
            "profile": {"name": f"Name {place % 3}"},
        }
        told.append(("messages", {"contacts": [profile], "messages": [message]}))
    for place, (status, rest) in enumerate(draw(st.lists(st.tuples(reports, participants), max_size=6))):
        # Two of one second may say the same of the same message, and differ in everything else.
        report: Body = {"id": "echo.0", "status": status, "timestamp": str(START + 100 + place // 2), **rest}
        report["conversation"] = {"id": f"conversation {place}"}
        report |= draw(echoed)
        if status == "failed":
            report["errors"] = [{"code": 131026 + place, "title": "Message undeliverable"}]
        told.append(("messages", {"statuses": [report]}))
    if draw(st.booleans()):
        echo = {
            "id": "echo.0",
            "from": "1",
            "to": PHONES[0],
            "timestamp": str(START + 50),
            "type": "text",
            "text": {"body": "e"},
        }
        told.append(("smb_message_echoes", {"message_echoes": [echo]}))
    for place, change in enumerate(draw(st.lists(changes, max_size=2))):
        (phone, bsuid), (new_phone, new_bsuid) = change["known"], change["to"]
        system = {"type": change["type"], "wa_id": new_phone, "user_id": new_bsuid, "previous_user_id": bsuid}
        message = {"id": f"system.{place}", "timestamp": str(START + 200 + place), "type": "system", "system": system}
        message |= {key: value for key, value in (("from", phone), ("from_user_id", bsuid)) if value}
        told.append(("messages", {"messages": [message]}))
    if draw(st.booleans()):
        told += FILE_OF_THE_PAST
    return told + draw(st.lists(asides, max_size=3, unique_by=str))


_WORDS: Body = {"type": "text", "text": {"body": "e"}}


def _past(wamid: str, second: int, phone: str, how_far: str | None = None, what: Body = _WORDS) -> tuple[str, Body]:
    """A message out of the phone's history; with `how_far` one of ours."""
    message = {"id": wamid, "timestamp": str(START + second), **what}
    message |= {"from": phone} if how_far is None else {"from": "1", "to": phone}
    context = {"history_context": {"status": how_far or "READ"}}
    return "history", {"history": [{"threads": [{"id": phone, "messages": [message | context]}]}]}


# Told of first and brought later, under the same id.
FILE_OF_THE_PAST = [
    _past("past.2", -4, PHONES[3], what={"type": "media_placeholder"}),
    (
        "history",
        {
            "messages": [
                {
                    "id": "past.2",
                    "timestamp": str(START - 4),
                    "from": PHONES[3],
                    "type": "image",
                    "image": {"id": "m3", "mime_type": "image/png"},
                }
            ]
        },
    ),
]

# What comes beside the conversation: facts, the phone's history and address book, a group. Each with its own second.
asides = st.sampled_from(
    [
        (
            "user_id_update",
            {
                "user_id_update": [
                    {
                        "wa_id": PHONES[0],
                        "user_id": {"previous": BSUIDS[0], "current": "IL.new"},
                        "timestamp": START + 300,
                    }
                ]
            },
        ),
        (
            "user_preferences",
            {
                "user_preferences": [
                    {"wa_id": PHONES[0], "category": "marketing_messages", "value": "stop", "timestamp": START + 301}
                ]
            },
        ),
        (
            "user_preferences",
            {
                "user_preferences": [
                    {
                        "user_id": BSUIDS[0],
                        "category": "marketing_messages",
                        "value": "resume",
                        "timestamp": START + 302,
                    }
                ]
            },
        ),
        (
            "smb_app_state_sync",
            {
                "state_sync": [
                    {
                        "type": "contact",
                        "action": "add",
                        "metadata": {"timestamp": START + 303},
                        "contact": {"full_name": "Dana of the phone", "phone_number": PHONES[3]},
                    }
                ]
            },
        ),
        (
            "message_template_status_update",
            {
                "event": "APPROVED",
                "message_template_id": 7,
                "message_template_name": "hi",
                "message_template_language": "he",
            },
        ),
        ("account_review_update", {"decision": "APPROVED"}),
        _past("past.1", -5, PHONES[3]),
        _past("echo.0", 50, PHONES[0], "DELIVERED"),
        (
            "messages",
            {
                "messages": [
                    {
                        "id": "group.1",
                        "timestamp": str(START + 60),
                        "group_id": "g1",
                        "from": PHONES[1],
                        "type": "text",
                        "text": {"body": "all"},
                    }
                ]
            },
        ),
        # Somebody whose number and id may change, by the ones before.
        (
            "messages",
            {
                "contacts": [{"wa_id": PHONES[0], "profile": {"name": "Name of the group"}}],
                "messages": [
                    {
                        "id": "group.2",
                        "timestamp": str(START + 63),
                        "group_id": "g1",
                        "from": PHONES[0],
                        "type": "text",
                        "text": {"body": "me too"},
                    }
                ],
            },
        ),
        (
            "messages",
            {
                "messages": [
                    {
                        "id": "parent.1",
                        "timestamp": str(START + 61),
                        "from_user_id": BSUIDS[2],
                        "from_parent_user_id": "IL.ENT.1",
                        "type": "text",
                        "text": {"body": "p"},
                    }
                ]
            },
        ),
        (
            "messages",
            {
                "messages": [
                    {
                        "id": "parent.2",
                        "timestamp": str(START + 62),
                        "from": PHONES[3],
                        "from_parent_user_id": "IL.ENT.1",
                        "type": "text",
                        "text": {"body": "q"},
                    }
                ]
            },
        ),
    ]
)
