"""Delivery reports."""

from __future__ import annotations

from tests.webhook.expected.rows import Row, reported
from tests.whatsapp.payload import BSUID, CUSTOMER, GROUP, PARENT

REPORTS: dict[str, Row] = {
    "status_conversation": reported(
        "sent",
        {
            "pricing": {"type": "regular", "billable": True, "category": "marketing", "pricing_model": "PMP"},
            "conversation": {
                "id": "6ceb9d929c9bdc4f90e967a32f8639b4",
                "origin": {"type": "marketing"},
                "expiration_timestamp": "1794218400",
            },
            "recipient_id": CUSTOMER,
            "recipient_user_id": BSUID,
        },
    ),
    "status_deleted": reported("deleted", {"recipient_id": CUSTOMER, "recipient_user_id": BSUID}),
    "status_delivered": reported(
        "delivered",
        {
            "pricing": {
                "type": "free_customer_service",
                "billable": False,
                "category": "service",
                "pricing_model": "PMP",
            },
            "conversation": {"id": "0f2c7a90d4c84dc9a4f4b0a1d3f5e7a9", "origin": {"type": "service"}},
            "recipient_id": CUSTOMER,
            "recipient_user_id": BSUID,
        },
    ),
    "status_failed": reported(
        "failed",
        {"recipient_id": CUSTOMER},
        errors=[
            {
                "code": 131047,
                "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
                "title": "Re-engagement message",
                "message": "Re-engagement message",
                "error_data": {
                    "details": "More than 24 hours have passed since the customer last replied to this number"
                },
            }
        ],
        error={
            "code": 131047,
            "class": "WINDOW",
            "title": "Re-engagement message",
            "remedy": "Send a template; the customer has not written for 24 hours.",
            "details": "More than 24 hours have passed since the customer last replied to this number",
        },
    ),
    "status_future": reported("listened_twice", {"times": 2, "recipient_id": CUSTOMER, "recipient_user_id": BSUID}),
    "status_in_group": reported(
        "delivered",
        {
            "recipient_id": "120363024512399999",
            "recipient_type": "group",
            "recipient_user_id": BSUID,
            "recipient_participant_id": CUSTOMER,
        },
        participant=CUSTOMER,
    ),
    "status_in_group_failed": reported(
        "failed",
        {"recipient_id": GROUP, "recipient_type": "group", "recipient_participant_user_id": BSUID},
        participant=BSUID,
        errors=[
            {
                "code": 131026,
                "title": "Message undeliverable",
                "message": "Message undeliverable",
                "error_data": {"details": "Message undeliverable."},
            }
        ],
        error={
            "code": 131026,
            "class": "PERMANENT",
            "title": "Message undeliverable",
            "remedy": "Correct the message and send it anew.",
            "details": "Message undeliverable.",
        },
    ),
    "status_played": reported("played", {"recipient_id": CUSTOMER, "recipient_user_id": BSUID}),
    "status_read": reported("read", {"recipient_id": CUSTOMER, "recipient_user_id": BSUID}),
    "status_sent": reported(
        "sent",
        {
            "pricing": {
                "type": "free_customer_service",
                "billable": False,
                "category": "service",
                "pricing_model": "PMP",
            },
            "conversation": {
                "id": "0f2c7a90d4c84dc9a4f4b0a1d3f5e7a9",
                "origin": {"type": "service"},
                "expiration_timestamp": "1794218400",
            },
            "recipient_id": CUSTOMER,
            "recipient_user_id": BSUID,
        },
    ),
    "status_to_username": reported(
        "delivered",
        {
            "pricing": {"type": "regular", "billable": True, "category": "marketing", "pricing_model": "PMP"},
            "recipient_user_id": BSUID,
            "recipient_parent_user_id": PARENT,
        },
    ),
    "status_warning": reported(
        "warning",
        {"recipient_id": CUSTOMER, "recipient_user_id": BSUID},
        errors=[
            {
                "code": 131999,
                "title": "A warning",
                "message": "A warning",
                "error_data": {"details": "Nobody documents it"},
            }
        ],
        error={
            "code": 131999,
            "class": "PERMANENT",
            "title": "A warning",
            "remedy": "Correct the message and send it anew.",
            "details": "Nobody documents it",
        },
    ),
    "status_without_callback": reported(
        "read", {"recipient_id": CUSTOMER, "recipient_user_id": BSUID}, callback_data=None
    ),
}
