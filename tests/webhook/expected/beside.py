"""What came beside a message, and bodies that are odd as a whole."""

from __future__ import annotations

from tests.webhook.expected.rows import Row, contact, file, message, noa, outcome, said, status, thread
from tests.whatsapp.payload import BSUID, CUSTOMER, GROUP, INBOUND, OUTBOUND

BESIDE: dict[str, Row] = {
    # Of a number that nobody has connected; under another's token it is not taken.
    "foreign_number": outcome("messages.text"),
    "batch": noa(
        "messages.text",
        "statuses.read",
        messages=[
            message("text", {"body": "first"}),
            message("text", {"body": "second"}, wamid=f"{INBOUND}2", occurred_at="2026-11-08T10:00:01+00:00"),
            message("text", {"body": "third"}, wamid=f"{INBOUND}3", occurred_at="2026-11-08T10:00:02+00:00"),
            message("text", {"body": "fourth"}, wamid=f"{INBOUND}4", occurred_at="2026-11-08T10:00:03+00:00"),
        ],
        statuses=[status("read", {"recipient_id": CUSTOMER, "recipient_user_id": BSUID})],
    ),
    "context_forwarded": said("text", {"body": "pass it on", "context": {"forwarded": True}}),
    "context_frequently_forwarded": said(
        "video", {"context": {"frequently_forwarded": True}}, **file("1003383421387266", "video/mp4")
    ),
    "context_product": said(
        "text",
        {
            "body": "Does it come in blue?",
            "context": {
                "id": OUTBOUND,
                "from": "97235551234",
                "referred_product": {"catalog_id": "194836987003835", "product_retailer_id": "mug-blue"},
            },
        },
        reply_to_wamid=OUTBOUND,
    ),
    "context_without_id": said("text", {"body": "about that", "context": {"from": "97235551234"}}),
    "empty_lists": outcome("messages"),
    "field_missing": said("text", {"body": "my field has no name"}),
    "field_of_tomorrow": outcome("holograms"),
    "field_renamed": noa(
        "messages.text",
        "statuses.read",
        messages=[message("text", {"body": "my field has another name"})],
        statuses=[status("read", {"recipient_id": CUSTOMER}, callback_data=None)],
    ),
    "group_lifecycle": outcome("group_lifecycle_update"),
    "group_participants": outcome("group_participants_update"),
    "group_reply": outcome(
        "messages.text",
        messages=[
            message(
                "text",
                {
                    "body": "I like it",
                    "from": CUSTOMER,
                    "context": {"id": "wamid.Z3JvdXA=", "from": "972521112223"},
                    "from_user_id": BSUID,
                },
                reply_to_wamid="wamid.Z3JvdXA=",
                thread=GROUP,
            )
        ],
        threads=[thread(None, None, group_id=GROUP, known_as=[f"group:{GROUP}"])],
        contacts=[contact(bsuid=None, profile_name="Noa")],
    ),
    "group_text": outcome(
        "messages.text",
        messages=[
            message(
                "text", {"body": "What does everyone think?", "from": CUSTOMER, "from_user_id": BSUID}, thread=GROUP
            )
        ],
        threads=[thread(None, None, group_id=GROUP, known_as=[f"group:{GROUP}"])],
        contacts=[contact(bsuid=None, profile_name="Noa")],
    ),
    "items_without_ids": noa(
        "messages.text",
        state="failed",
        error="\n".join(
            [
                "change 0 message 0: has no id",
                "change 0 message 2: names nobody",
                "change 0 status 0: has no id or no status",
                "change 0 status 1: has no id or no status",
            ]
        ),
        messages=[message("text", {"body": "I am whole"})],
    ),
    "mixed_numbers": noa(
        "messages.text",
        state="failed",
        error="change 1: speaks of number 999000111222333, came with the token of 106540352242922",
        messages=[message("text", {"body": "for us"})],
    ),
    "nulls": outcome(
        "messages.text",
        "messages",
        messages=[message("text", {"body": "half of it is null"}, bsuid=None, profile_name=None)],
        threads=[thread(CUSTOMER, None)],
        contacts=[contact(bsuid=None)],
    ),
    "numbers_for_strings": outcome(
        "messages.text",
        "statuses.delivered",
        messages=[message("text", {"body": "I am made of numbers"}, bsuid=None, profile_name="7")],
        statuses=[status("delivered", {"recipient_id": 972501234567}, callback_data=None)],
        threads=[thread(CUSTOMER, None)],
        contacts=[contact(bsuid=None, profile_name="7")],
    ),
    "referral_ad": said(
        "text",
        {
            "body": "Is it still available?",
            "referral": {
                "body": "New mugs are in",
                "headline": "Chat with us",
                "ctwa_clid": "ARAkLkA8rmlFeiCktEJQ-QTwRiyYHAFDLMNDBH0CD3qpjd0HR4irJ6LEkR7JwFF4XvnO2E4Nx0",
                "image_url": "https://scontent.xx.fbcdn.net/v/t45.1600-4/mug.jpg",
                "source_id": "120226305854810726",
                "media_type": "image",
                "source_url": "https://fb.me/3cr4Wqqkv",
                "source_type": "ad",
                "welcome_message": {"text": "Hi there! Let us know how we can help!"},
            },
        },
    ),
    "referral_post": said(
        "image",
        {
            "referral": {
                "body": "",
                "headline": "Our shop",
                "source_id": "1",
                "video_url": "https://example.com/v.mp4",
                "media_type": "video",
                "source_url": "https://fb.me/9x",
                "source_type": "post",
                "thumbnail_url": "https://example.com/t.jpg",
            }
        },
        **file("1003383421387265", "image/jpeg"),
    ),
    "referral_status_ad": said(
        "text",
        {
            "body": "Is it still available?",
            "referral": {
                "body": "New mugs are in",
                "headline": "Chat with us",
                "image_url": "https://scontent.xx.fbcdn.net/v/t45.1600-4/mug.jpg",
                "source_id": "120226305854810726",
                "media_type": "image",
                "source_url": "https://fb.me/3cr4Wqqkv",
                "source_type": "ad",
            },
        },
    ),
    "without_a_type": said("unsupported", {"text": {"body": "what am I?"}}),
    "wrong_types": noa(
        "messages.unsupported",
        "messages",
        state="failed",
        error="\n".join(
            [
                "change 0 message 1: is not an object",
                "change 0: its status list is not a list",
                "change 1: names no number",
                "change 2: an item of changes is not an object",
            ]
        ),
        profile_name=None,
        messages=[
            message("unsupported", {"text": "not an object", "type": "text"}, profile_name=None),
            message(
                "unsupported",
                {"text": {"body": ["not", "text"]}, "type": "text"},
                wamid=f"{INBOUND}2",
                profile_name=None,
            ),
            message("unsupported", {"type": "image", "image": []}, wamid=f"{INBOUND}3", profile_name=None),
        ],
    ),
}
