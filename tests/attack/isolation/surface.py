"""Everything that anybody outside can reach, one line each. The attack suite and docs/permissions.md are made of it.

A new table, view or function of an exposed schema needs a line here, or `test_isolation` fails and names it.
Roles are the least that may: `user` (signed in, of no workspace), `agent`, `admin`, `owner`; none: the backend only.
In seeds and arguments `%(name)s` and `{name}` are values of one world, see `worlds.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table or view of an exposed schema.

    `seed` puts rows of one world into it, so that seeing nothing means something. `insert` and `update` name the
    columns a member may write; `sample` is what an insert that must succeed says. `tenant` is the column that names
    the workspace, and the value of the world that stands there.
    """

    seed: str
    read: str | None = None
    insert_by: str | None = None
    insert: str = ""
    update_by: str | None = None
    update: str = ""
    delete: str | None = None
    sample: dict[str, Any] = field(default_factory=dict)
    tenant: tuple[str, str] = ("workspace_id", "workspace")
    published: bool = False
    computed: str = ""
    note: str = ""


@dataclass(frozen=True)
class Function:
    """A function of an exposed schema, with arguments that mean rows of a world.

    `accepts` are codes that somebody allowed may get: they were let in and the row was in no state for it.
    `backend`: whether service_role may; it is nobody who could own or join.
    `tells` are arguments by which it does tell what exists elsewhere, and must.
    """

    by: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    accepts: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    backend: bool = True
    note: str = ""


TABLES = {
    "workspaces": Table(
        seed="insert into public.workspaces (id, name, connection_limit) values (%(workspace)s, %(marker)s, 2)",
        read="agent",
        update_by="admin",
        update="name default_language media_retention_days broadcasts",
        tenant=("id", "workspace"),
    ),
    "workspace_members": Table(
        seed="""insert into public.workspace_members (workspace_id, user_id, role)
            values (%(workspace)s, %(owner)s, 'owner'), (%(workspace)s, %(admin)s, 'admin'),
              (%(workspace)s, %(agent)s, 'agent')""",
        read="agent",
    ),
    "workspace_invitations": Table(
        seed="""with made as (insert into public.workspace_invitations (id, workspace_id, email, role)
            values (%(invitation)s, %(workspace)s, %(email)s, 'agent') returning id)
            insert into private.invitation_tokens (invitation_id, token_hash)
            select id, sha256(convert_to(%(token)s, 'UTF8')) from made""",
        read="admin",
        delete="admin",
        note="an admin withdraws no invitation of an owner",
    ),
    "contacts": Table(
        seed="""insert into public.contacts (id, workspace_id, phone, bsuid, name, tags, attributes)
            values (%(contact)s, %(workspace)s, '+' || %(phone)s, %(bsuid)s, %(marker)s, array[%(marker)s],
              jsonb_build_object('note', %(marker)s))""",
        read="agent",
        insert_by="agent",
        insert="workspace_id phone name tags attributes",
        update_by="agent",
        update="phone name tags attributes",
        delete="agent",
        sample={"workspace_id": "{workspace}", "name": "somebody"},
    ),
    "whatsapp_connections": Table(
        seed="""insert into public.whatsapp_connections (id, workspace_id, phone_number_id, waba_id, last_error)
            values (%(connection)s, %(workspace)s, %(number)s, %(waba)s, jsonb_build_object('title', %(marker)s))""",
        read="agent",
        update_by="admin",
        update="send_read_receipts",
    ),
    "conversations": Table(
        seed="""insert into public.conversations (id, workspace_id, connection_id, phone, contact_id, assigned_to)
            values (%(conversation)s, %(workspace)s, %(connection)s, %(phone)s, %(contact)s, %(agent)s)""",
        read="agent",
        published=True,
        computed="is_window_open",
    ),
    "messages": Table(
        seed="""insert into public.messages (id, workspace_id, conversation_id, direction, type, content, wamid,
              profile_name, media_path, media_status)
            values (%(message)s, %(workspace)s, %(conversation)s, 'inbound', 'text',
              jsonb_build_object('body', %(marker)s), %(wamid)s, %(marker)s,
              %(workspace)s || '/' || %(conversation)s || '/' || %(message)s || '.jpg', 'stored');
            insert into public.messages (id, workspace_id, conversation_id, type, content, client_reference)
            values (%(outgoing)s, %(workspace)s, %(conversation)s, 'text',
              jsonb_build_object('body', %(marker)s), %(reference)s)""",
        read="agent",
        insert_by="agent",
        insert="workspace_id conversation_id direction type content reply_to_wamid client_reference send_after",
        sample={"conversation_id": "{conversation}", "type": "text", "content": {"body": "hello"}},
        published=True,
        computed="media_url",
        note="outbound only",
    ),
    "contact_notes": Table(
        seed="""insert into public.contact_notes (workspace_id, contact_id, body)
            values (%(workspace)s, %(contact)s, %(marker)s)""",
        read="agent",
        insert_by="agent",
        insert="workspace_id contact_id body",
        update_by="agent",
        update="body",
        delete="agent",
        sample={"workspace_id": "{workspace}", "contact_id": "{contact}", "body": "a note"},
    ),
    "canned_replies": Table(
        seed="""insert into public.canned_replies (workspace_id, shortcut, body)
            values (%(workspace)s, %(reference)s, %(marker)s)""",
        read="agent",
        insert_by="agent",
        insert="workspace_id shortcut body",
        update_by="agent",
        update="shortcut body",
        delete="agent",
        sample={"workspace_id": "{workspace}", "shortcut": "hi", "body": "hello"},
    ),
    "message_templates": Table(
        seed="""insert into public.message_templates (id, workspace_id, connection_id, name, language, status)
            values (%(template)s, %(workspace)s, %(connection)s, %(marker)s, 'he', 'APPROVED')""",
        read="agent",
    ),
    "message_statuses": Table(
        seed="""insert into public.message_statuses (workspace_id, connection_id, wamid, status, occurred_at)
            values (%(workspace)s, %(connection)s, %(wamid)s, 'sent', now())""",
    ),
    "webhook_events": Table(
        seed="""insert into public.webhook_events (provider, body, phone_number_id, state)
            values ('meta', json_build_object('said', %(marker)s), %(number)s, 'processed')""",
        tenant=("phone_number_id", "number"),
    ),
    # Filled by the message that is queued above.
    "outbox": Table(seed="select 1", published=True, note="canaries of `wabase tail`"),
    "media_downloads": Table(
        seed="""insert into public.media_downloads (
              message_id, workspace_id, connection_id, object_name, media_id, deadline)
            values (%(message)s, %(workspace)s, %(connection)s, %(workspace)s || '/none/' || %(message)s,
              %(marker)s, now())""",
        published=True,
        note="the doorbell of workers of 0.1.0",
    ),
}

FUNCTIONS = {
    # Members and workspaces
    "create_workspace": Function("user", {"name": "mine"}, backend=False),
    "invite_member": Function(
        "admin", {"workspace_id": "{workspace}", "email": "{email}", "role": "agent"}, note="only owners invite owners"
    ),
    "accept_invitation": Function(
        "user", {"token": "{token}"}, accepts=("WA031",), backend=False, note="signed in with the invited address"
    ),
    "change_member_role": Function(
        "admin",
        {"workspace_id": "{workspace}", "user_id": "{agent}", "role": "admin"},
        note="only owners make or change owners",
    ),
    "remove_member": Function(
        "admin",
        {"workspace_id": "{workspace}", "user_id": "{admin}"},
        note="everybody may leave; only owners remove owners",
    ),
    "delete_workspace": Function("owner", {"workspace_id": "{workspace}"}),
    # Numbers
    "add_connection": Function(
        "admin",
        {"workspace_id": "{workspace}", "provider": "meta", "phone_number_id": "{number}", "waba_id": "{waba}"},
        accepts=("WA035",),
        tells=("phone_number_id", "waba_id"),
        note="a number that is connected elsewhere is refused, and so known to be",
    ),
    "set_connection_credential": Function(
        "admin", {"connection_id": "{connection}", "credential": "a key"}, note="write-only"
    ),
    "pause_connection": Function("admin", {"connection_id": "{connection}"}),
    "resume_connection": Function("admin", {"connection_id": "{connection}"}),
    # Conversations and messages
    "start_conversation": Function(
        "agent",
        {
            "workspace_id": "{workspace}",
            "recipient": "{phone}",
            "type": "text",
            "content": {"body": "hello"},
            "connection_id": "{connection}",
        },
    ),
    "get_conversations": Function("agent", {"workspace_id": "{workspace}"}),
    "get_conversation": Function("agent", {"conversation_id": "{conversation}"}),
    "get_conversation_messages": Function("agent", {"conversation_id": "{conversation}"}),
    "get_conversation_stats": Function("agent", {"workspace_id": "{workspace}"}),
    "archive_conversation": Function("agent", {"conversation_id": "{conversation}"}),
    "unarchive_conversation": Function("agent", {"conversation_id": "{conversation}"}),
    "assign_conversation": Function("agent", {"conversation_id": "{conversation}", "user_id": "{agent}"}),
    "link_contact_to_conversation": Function("agent", {"conversation_id": "{conversation}", "contact_id": "{contact}"}),
    "unlink_contact_from_conversation": Function("agent", {"conversation_id": "{conversation}"}),
    "mark_as_read": Function("agent", {"conversation_id": "{conversation}"}),
    "send_typing": Function("agent", {"conversation_id": "{conversation}"}),
    "cancel_message": Function("agent", {"message_id": "{outgoing}"}),
    "retry_message": Function("agent", {"message_id": "{outgoing}"}, accepts=("WA008",)),
    "explain_outbound": Function("agent", {"message_id": "{outgoing}"}),
    "retry_media": Function("agent", {"message_id": "{message}"}, accepts=("WA008", "WA020")),
    # Computed fields: of a row the caller has; they look nothing up.
    "is_window_open": Function(
        "user", {"conversation": {"id": "{conversation}"}}, note="computed field of conversations"
    ),
    "media_url": Function("user", {"message": {"id": "{message}"}}, note="computed field of messages"),
    # The backend
    **dict.fromkeys(
        [
            "claim_chores",
            "claim_inbound",
            "claim_media",
            "claim_outbound",
            "claim_receipts",
            "claim_removals",
            "extend_media",
            "extend_outbound",
            "get_connection_credential",
            "get_onboarding",
            "get_queue_health",
            "get_installation",
            "get_uploaded_media",
            "next_media",
            "next_outbound",
            "next_removals",
            "receive_inbound",
            "record_chores",
            "record_inbound",
            "record_lost_media",
            "record_media",
            "record_onboarding",
            "record_number_health",
            "record_migration",
            "record_outbound",
            "record_receipts",
            "record_removals",
            "record_templates",
            "record_uploaded_media",
            "release_claims",
            "release_connection",
            "release_inbound",
            "release_media",
            "release_number",
            "release_outbound",
            "release_removals",
            "release_uploaded_media",
            "ring_doorbell",
            "sweep_inbound",
            "sweep_journal",
            "sweep_media",
            "sweep_media_retention",
            "sweep_migration",
            "sweep_outbound",
            "sweep_workspaces",
            "verify_inbound",
            "verify_media",
            "verify_media_objects",
            "verify_stats",
        ],
        Function(),
    ),
}
