"""Numbers shared with a phone app: what is typed there, its address book, its chats of before."""

from __future__ import annotations

from tests.webhook.expected.rows import MOMENT, OURS, Row, contact, file, message, noa, outcome, past, thread
from tests.whatsapp.payload import BSUID, CUSTOMER, OUTBOUND, PARENT

# 360dialog says the same in an envelope of its own.
CHATS = outcome(
    "history",
    messages=[
        past("wamid.cGFzdA==1", "text", {"body": "the order is ready"}, "2026-09-21T14:13:21+00:00", status="read"),
        past("wamid.cGFzdA==2", "media_placeholder", {}, "2026-09-21T14:13:22+00:00", status="played"),
        past(
            "wamid.cGFzdA==3",
            "text",
            {"body": "thanks!"},
            "2026-09-21T14:13:23+00:00",
            direction="inbound",
            status="received",
            sent_at=None,
        ),
        past("wamid.cGFzdA==4", "text", {"body": "did not go out"}, "2026-09-21T14:13:24+00:00", status="failed"),
        past("wamid.cGFzdA==5", "text", {"body": "waits"}, "2026-09-21T14:13:25+00:00"),
        past(
            "wamid.cGFzdA==6",
            "text",
            {"body": "use code THANKS30"},
            "2026-09-21T14:13:26+00:00",
            wa_id="972521112223",
            bsuid=None,
            status="delivered",
            thread="972521112223",
        ),
    ],
    threads=[thread(), thread("972521112223", None)],
    contacts=[contact(), contact(phone="+972521112223", bsuid=None)],
)
NAMES = outcome(
    "smb_app_state_sync",
    contacts=[
        contact(phone="+97235550000", bsuid=None, name="Rina", synced_name_at="2026-11-08T10:00:01+00:00"),
        contact(bsuid=None, name="Noa Levi", synced_name_at=MOMENT),
    ],
)

PHONE_APP: dict[str, Row] = {
    "echo_edit": noa(
        "smb_message_echoes",
        profile_name=None,
        messages=[
            message(
                "edit",
                {"message": {"text": {"body": "on my way now"}, "type": "text"}, "original_message_id": f"{OUTBOUND}0"},
                reply_to_wamid=f"{OUTBOUND}0",
                **OURS,
            )
        ],
    ),
    "echo_image": noa(
        "smb_message_echoes",
        profile_name=None,
        messages=[message("image", {"caption": "the blue one"}, **OURS, **file("1003383421387267", "image/jpeg"))],
    ),
    "echo_other_field": outcome(
        "message_echoes",
        messages=[message("text", {"body": "from another app"}, bsuid=None, **OURS)],
        threads=[thread(CUSTOMER, None)],
        contacts=[contact(bsuid=None)],
    ),
    "echo_revoke": noa(
        "smb_message_echoes",
        profile_name=None,
        messages=[message("revoke", {"original_message_id": f"{OUTBOUND}0"}, reply_to_wamid=f"{OUTBOUND}0", **OURS)],
    ),
    "echo_text": noa(
        "smb_message_echoes", profile_name=None, messages=[message("text", {"body": "on my way"}, **OURS)]
    ),
    "echo_to_username": outcome(
        "smb_message_echoes",
        messages=[
            message(
                "text",
                {"body": "hello Dana"},
                wa_id=None,
                thread=BSUID,
                **(OURS | {"profile_name": "dana.k"}),
            )
        ],
        threads=[thread(None, BSUID, known_as=[BSUID, PARENT])],
        contacts=[contact(phone=None, profile_name="dana.k")],
    ),
    "history": CHATS,
    "history_360dialog": CHATS,
    "history_files": noa(
        "history",
        profile_name=None,
        messages=[
            past(
                "wamid.cGFzdA==2",
                "audio",
                {"voice": True},
                "2026-09-21T14:13:22+00:00",
                **file("24230790383178627", "audio/ogg; codecs=opus"),
            ),
            past(
                "wamid.cGFzdA==9",
                "image",
                {"caption": "mine"},
                "2026-09-21T14:13:29+00:00",
                direction="inbound",
                status="received",
                sent_at=None,
                **file("24230790383178626", "image/jpeg"),
            ),
        ],
    ),
    "history_refused": outcome("history"),
    "history_refused_360dialog": outcome("history"),
    "history_with_username": outcome(
        "history",
        messages=[
            past(
                "wamid.cGFzdA==7",
                "text",
                {"body": "no phone here"},
                "2026-09-21T14:13:27+00:00",
                wa_id=None,
                profile_name="dana.k",
                direction="inbound",
                status="received",
                sent_at=None,
                thread=BSUID,
            ),
            past(
                "wamid.cGFzdA==8",
                "text",
                {"body": "nor here"},
                "2026-09-21T14:13:28+00:00",
                wa_id=None,
                profile_name="dana.k",
                thread=BSUID,
            ),
        ],
        threads=[thread(None, BSUID, known_as=[BSUID, PARENT])],
        contacts=[contact(phone=None, profile_name="dana.k")],
    ),
    "phone_app_history": outcome("history"),
    "state_sync_360dialog": NAMES,
    "state_sync_add": NAMES,
    "state_sync_remove": outcome("smb_app_state_sync"),
}
