"""Whose a message is, and who goes on as whom."""

from __future__ import annotations

from tests.webhook.expected.rows import Row, change, contact, message, noa, outcome, said, thread
from tests.whatsapp.payload import BSUID, CUSTOMER, NEW_BSUID, NEW_PHONE, PARENT

PEOPLE: dict[str, Row] = {
    "no_contacts": noa(
        "messages.text", profile_name=None, messages=[message("text", {"body": "who am I?"}, profile_name=None)]
    ),
    "number_user_id_in_contacts": said("text", {"body": "an old sender"}),
    "system_identity_changed": said(
        "system",
        {
            "body": "User identity changed",
            "type": "customer_identity_changed",
            "identity": {"hash": "b3duIGtleQ==", "acknowledged": True, "created_timestamp": "1794131990"},
        },
    ),
    "system_number_changed": outcome(
        "messages.system",
        messages=[
            message(
                "system",
                {
                    "body": "User Noa changed from 972501234567 to 972587654321",
                    "type": "user_changed_number",
                    "wa_id": NEW_PHONE,
                    "user_id": NEW_BSUID,
                },
                bsuid=None,
                profile_name=None,
                thread=NEW_PHONE,
            )
        ],
        threads=[thread(NEW_PHONE, NEW_BSUID, known_as=[CUSTOMER, NEW_PHONE, NEW_BSUID])],
        contacts=[contact(phone=f"+{NEW_PHONE}", bsuid=NEW_BSUID)],
        identities=[change(CUSTOMER, wa_id=NEW_PHONE, bsuid=NEW_BSUID)],
    ),
    "system_number_changed_old_names": outcome(
        "messages.system",
        messages=[
            message(
                "system",
                {
                    "body": "Noa changed from 972501234567 to 972587654321",
                    "type": "customer_changed_number",
                    "customer": CUSTOMER,
                    "new_wa_id": NEW_PHONE,
                },
                bsuid=None,
                profile_name=None,
                thread=NEW_PHONE,
            )
        ],
        threads=[thread(NEW_PHONE, None, known_as=[CUSTOMER, NEW_PHONE])],
        contacts=[contact(phone=f"+{NEW_PHONE}", bsuid=None)],
        identities=[change(CUSTOMER, wa_id=NEW_PHONE)],
    ),
    "system_user_id_changed": outcome(
        "messages.system",
        messages=[
            message(
                "system",
                {
                    "body": "User Noa changed from IL.13491208655302741918 to IL.20202020202020202020",
                    "type": "user_changed_user_id",
                    "user_id": NEW_BSUID,
                    "parent_user_id": "IL.ENT.99",
                },
                wa_id=None,
                profile_name=None,
                thread=NEW_BSUID,
            )
        ],
        threads=[thread(None, NEW_BSUID, known_as=[BSUID, NEW_BSUID, PARENT])],
        contacts=[contact(phone=None, bsuid=NEW_BSUID)],
        identities=[change(BSUID, bsuid=NEW_BSUID), change(PARENT, bsuid=NEW_BSUID)],
    ),
    "system_user_id_changed_previous": outcome(
        "messages.system",
        messages=[
            message(
                "system",
                {
                    "body": "User changed their user id",
                    "type": "user_changed_user_id",
                    "user_id": NEW_BSUID,
                    "previous_user_id": BSUID,
                },
                profile_name=None,
            )
        ],
        threads=[thread(CUSTOMER, NEW_BSUID, known_as=[CUSTOMER, BSUID, NEW_BSUID])],
        contacts=[contact(bsuid=NEW_BSUID)],
        identities=[change(CUSTOMER, bsuid=NEW_BSUID), change(BSUID, bsuid=NEW_BSUID)],
    ),
    "system_user_id_changed_untold": outcome(
        "messages.system",
        messages=[
            message(
                "system",
                {"body": "User changed their user id", "type": "user_changed_user_id", "user_id": NEW_BSUID},
                wa_id=None,
                bsuid=NEW_BSUID,
                profile_name=None,
                thread=NEW_BSUID,
            )
        ],
        threads=[thread(None, NEW_BSUID)],
        contacts=[contact(phone=None, bsuid=NEW_BSUID)],
    ),
    "user_id_update": outcome(
        "user_id_update",
        identities=[change(CUSTOMER, bsuid=NEW_BSUID), change(BSUID, bsuid=NEW_BSUID), change(PARENT, bsuid=NEW_BSUID)],
    ),
    "username_number_known": outcome(
        "messages.text",
        messages=[message("text", {"body": "you know my number"}, profile_name="Dana")],
        threads=[thread()],
        contacts=[contact(profile_name="Dana")],
    ),
    "username_only": outcome(
        "messages.text",
        messages=[message("text", {"body": "no phone to show"}, wa_id=None, profile_name="Dana", thread=BSUID)],
        threads=[thread(None, BSUID, known_as=[BSUID, PARENT])],
        contacts=[contact(phone=None, profile_name="Dana")],
    ),
}
