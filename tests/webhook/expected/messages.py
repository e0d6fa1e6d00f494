"""Every type of message."""

from __future__ import annotations

from tests.webhook.expected.rows import Row, contact, file, message, noa, notice, outcome, said, thread
from tests.whatsapp.payload import BSUID, CUSTOMER, INBOUND, OUTBOUND, SHA256

MESSAGES: dict[str, Row] = {
    "audio": said("audio", {"voice": False}, **file("1003383421387258", "audio/mpeg")),
    "audio_voice": said("audio", {"voice": True}, **file("1003383421387259", "audio/ogg; codecs=opus")),
    "brand_new": said("hologram", {"beam": [1, 2], "title": "look around"}, reply_to_wamid=OUTBOUND),
    "brand_new_bare": said("nudge", {"nudge": 7, "tempo": "fast"}),
    "button": said("button", {"text": "Confirm", "payload": "confirm-12"}, reply_to_wamid=OUTBOUND),
    "button_without_context": said("button", {"text": "Confirm", "payload": "Confirm"}),
    "contacts": said(
        "contacts",
        [
            {
                "org": {"title": "Owner", "company": "Cohen & Sons"},
                "name": {"last_name": "Cohen", "first_name": "Avi", "formatted_name": "Avi Cohen"},
                "urls": [{"url": "https://example.com", "type": "WORK"}],
                "emails": [{"type": "WORK", "email": "avi@example.com"}],
                "phones": [{"type": "CELL", "phone": "+972 52-765-4321", "wa_id": "972527654321"}],
                "context": {"forwarded": True},
                "birthday": "1980-02-29",
                "addresses": [{"city": "Haifa", "type": "HOME", "country": "Israel", "country_code": "il"}],
            },
            {"name": {"formatted_name": "Rina"}, "phones": [{"phone": "+972 3-555-0000"}]},
        ],
    ),
    "contacts_bare": said("contacts", [{"vcard": "BEGIN:VCARD\nVERSION:3.0\nTEL:+972501234567\nEND:VCARD"}]),
    "contacts_requested": outcome(
        "messages.contacts",
        messages=[
            message(
                "contacts",
                [
                    {
                        "vcard": "BEGIN:VCARD\nVERSION:3.0\nTEL:+972501234567\nEND:VCARD",
                        "origin": "contact_request",
                        "phones": [{"phone": CUSTOMER}],
                    }
                ],
                wa_id=None,
                profile_name="Dana",
                thread=BSUID,
            )
        ],
        threads=[thread(None, BSUID)],
        contacts=[contact(phone=None, profile_name="Dana")],
    ),
    "document": said(
        "document", {"caption": "the signed one"}, **file("1003383421387261", "application/pdf", "offer 12.pdf")
    ),
    "edit": said(
        "edit",
        {
            "message": {"text": {"body": "ten, not nine"}, "type": "text", "context": {"id": "M0"}},
            "original_message_id": f"{INBOUND}0",
        },
        reply_to_wamid=f"{INBOUND}0",
    ),
    "edit_caption": said(
        "edit",
        {
            "message": {
                "type": "image",
                "image": {
                    "id": "1003383421387264",
                    "url": "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1003383421387264&source=webhook&ext=1794132300&hash=ARk5",
                    "sha256": SHA256,
                    "caption": "like that",
                    "mime_type": "image/jpeg",
                },
                "context": {"id": "M0"},
            },
            "original_message_id": f"{INBOUND}0",
        },
        reply_to_wamid=f"{INBOUND}0",
    ),
    "ephemeral": said("ephemeral", {}),
    "image": said("image", {"caption": "like this"}, **file("1003383421387256", "image/jpeg")),
    "image_without_id": said(
        "image",
        {"caption": "still on its way"},
        media_mime_type="image/jpeg",
        media_status="failed",
        media_error="no_media_id",
    ),
    "interactive_button_reply": said(
        "interactive",
        {"type": "button_reply", "button_reply": {"id": "slot-3", "title": "Tuesday 10:00"}},
        reply_to_wamid=OUTBOUND,
    ),
    "interactive_call_permission_reply": said(
        "interactive",
        {
            "type": "call_permission_reply",
            "call_permission_reply": {
                "response": "accept",
                "response_source": "user_action",
                "expiration_timestamp": 1794736800,
            },
        },
        reply_to_wamid=OUTBOUND,
    ),
    "interactive_list_reply": said(
        "interactive",
        {"type": "list_reply", "list_reply": {"id": "haifa", "title": "Haifa", "description": "Carmel Center"}},
        reply_to_wamid=OUTBOUND,
    ),
    "interactive_nfm_reply": said(
        "interactive",
        {
            "type": "nfm_reply",
            "nfm_reply": {"body": "Sent", "name": "flow", "response_json": '{"flow_token":"order-12","size":"L"}'},
        },
        reply_to_wamid=OUTBOUND,
    ),
    "interactive_without_body": noa(
        "messages.unsupported",
        "errors",
        messages=[message("unsupported", {"type": "interactive"})],
        notices={
            "errors": notice(
                {
                    "errors": [
                        {
                            "code": 131000,
                            "title": "Something went wrong",
                            "message": "Something went wrong",
                            "error_data": {"details": "Unsupported webhook payload"},
                        }
                    ]
                },
                "received",
            )
        },
        last_error={"code": 131000, "title": "Something went wrong", "details": "Unsupported webhook payload"},
    ),
    "location": said(
        "location", {"name": "Dizengoff Square", "address": "Tel Aviv", "latitude": 32.0853, "longitude": 34.7818}
    ),
    "location_bare": said("location", {"latitude": 12.25089, "longitude": 43.90539}),
    "order": said(
        "order",
        {
            "text": "gift wrapped, please",
            "catalog_id": "194836987003835",
            "product_items": [
                {"currency": "ILS", "quantity": 2, "item_price": 39.9, "product_retailer_id": "mug-blue"},
                {"currency": "ILS", "quantity": 1, "item_price": 25, "product_retailer_id": "tea-mint"},
            ],
        },
    ),
    "reaction": said("reaction", {"emoji": "👍", "message_id": OUTBOUND}, reply_to_wamid=OUTBOUND),
    "reaction_changed": said(
        "reaction",
        {"emoji": "❤️", "message_id": OUTBOUND},
        wamid=f"{INBOUND}2",
        reply_to_wamid=OUTBOUND,
        occurred_at="2026-11-08T10:00:10+00:00",
    ),
    "reaction_removed_empty": said(
        "reaction",
        {"emoji": "", "message_id": OUTBOUND},
        reply_to_wamid=OUTBOUND,
        occurred_at="2026-11-08T10:00:20+00:00",
    ),
    "reaction_removed_missing": said(
        "reaction", {"message_id": OUTBOUND}, reply_to_wamid=OUTBOUND, occurred_at="2026-11-08T10:00:20+00:00"
    ),
    "reaction_to_unknown": said(
        "reaction",
        {"emoji": "👍🏽", "message_id": "wamid.c2VudCBmcm9tIHRoZSBwaG9uZSBsb25nIGFnbw=="},
        reply_to_wamid="wamid.c2VudCBmcm9tIHRoZSBwaG9uZSBsb25nIGFnbw==",
    ),
    "request_welcome": said("request_welcome", {}),
    "revoke": said("revoke", {"original_message_id": f"{INBOUND}0"}, reply_to_wamid=f"{INBOUND}0"),
    "sticker": said("sticker", {"animated": False}, **file("1003383421387262", "image/webp")),
    "sticker_animated": said("sticker", {"animated": True}, **file("1003383421387263", "image/webp")),
    "text": said("text", {"body": "שלום, is the blue one still there? 🙂"}),
    "text_reply": said("text", {"body": "this one"}, reply_to_wamid=OUTBOUND),
    "text_without_body": said("unsupported", {"text": {"format": "none"}, "type": "text"}),
    "unknown": said(
        "unknown",
        {
            "errors": [
                {
                    "code": 131051,
                    "title": "Unsupported message type",
                    "message": "Unsupported message type",
                    "error_data": {"details": "Message type is not currently supported"},
                }
            ]
        },
    ),
    "unsupported": said(
        "unsupported",
        {
            "type": "poll",
            "errors": [
                {
                    "code": 131051,
                    "title": "Message type unknown",
                    "message": "Message type unknown",
                    "error_data": {"details": "Message type is currently not supported."},
                }
            ],
        },
    ),
    "unsupported_too_large": said(
        "unsupported",
        {
            "errors": [
                {
                    "code": 131052,
                    "title": "Media download error",
                    "message": "Media download error",
                    "error_data": {"details": "Failed to download the media from the sender"},
                }
            ]
        },
    ),
    "unsupported_unavailable": said(
        "unsupported",
        {
            "errors": [
                {
                    "code": 131060,
                    "title": "This message is currently unavailable",
                    "message": "This message is currently unavailable",
                    "error_data": {"details": "This message is currently unavailable"},
                }
            ]
        },
    ),
    "video": said("video", {"caption": "the whole room"}, **file("1003383421387257", "video/mp4")),
    "voice_legacy": said("audio", {"voice": True}, **file("1003383421387260", "audio/ogg; codecs=opus")),
}
