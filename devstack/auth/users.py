"""Rows of `auth.users` and `auth.identities`, and the JSON a client sees of them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from devstack.auth.errors import invalid
from devstack.auth.passwords import hash_password
from devstack.database import Connection

Row = dict[str, Any]

EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
NO_INSTANCE = uuid.UUID(int=0)


@dataclass(frozen=True)
class NewUser:
    """What a sign-up or an administrator gives."""

    email: str | None
    phone: str | None = None
    password: str | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    role: str = "authenticated"
    user_metadata: Row = field(default_factory=dict)
    app_metadata: Row = field(default_factory=dict)
    email_confirmed: bool = False
    phone_confirmed: bool = False

    @property
    def providers(self) -> list[str]:
        return [name for name, value in (("email", self.email), ("phone", self.phone)) if value]


def checked_email(email: str) -> str:
    """The address in the form it is stored in."""
    if not EMAIL.match(email):
        raise invalid("Unable to validate email address: invalid format")
    return email.lower()


async def insert(connection: Connection, new: NewUser) -> Row:
    """The user with one identity per address. A taken address raises psycopg's UniqueViolation."""
    now = datetime.now(UTC)
    verified = {"email_verified": True} if new.email and new.email_confirmed else {}
    await connection.execute(
        """
        insert into auth.users (instance_id, id, aud, role, email, phone, encrypted_password,
          email_confirmed_at, phone_confirmed_at, raw_app_meta_data, raw_user_meta_data,
          created_at, updated_at, confirmation_token, recovery_token, email_change_token_new, email_change)
        values (%s, %s, 'authenticated', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', '', '', '')
        """,
        [
            NO_INSTANCE,
            new.id,
            new.role,
            new.email,
            new.phone,
            await hash_password(connection, new.password) if new.password else "",
            now if new.email and new.email_confirmed else None,
            now if new.phone and new.phone_confirmed else None,
            Jsonb({"provider": new.providers[0], "providers": new.providers, **new.app_metadata}),
            Jsonb({**new.user_metadata, **verified}),
            now,
            now,
        ],
    )
    for provider in new.providers:
        await _insert_identity(connection, new, provider)
    return await get(connection, new.id)


async def _insert_identity(connection: Connection, new: NewUser, provider: str) -> None:
    address = {"email": new.email} if provider == "email" else {"phone": new.phone}
    data = {"sub": str(new.id), **address, "email_verified": False, "phone_verified": False}
    await connection.execute(
        """
        insert into auth.identities
          (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
        values (%s, %s, %s, %s, now(), now(), now())
        """,
        [str(new.id), new.id, Jsonb(data), provider],
    )


async def find(connection: Connection, column: str, value: Any) -> Row | None:
    """The user whose `column` is `value`, with its identities; None if there is none."""
    query = sql.SQL(
        """
        select users.*, coalesce((
          select json_agg(identities order by identities.created_at)
          from auth.identities where user_id = users.id
        ), '[]') as identities
        from auth.users where {} = %s and deleted_at is null
        """
    )
    cursor = await connection.execute(query.format(sql.Identifier("users", column)), [value])
    return await cursor.fetchone()


async def get(connection: Connection, user_id: uuid.UUID) -> Row:
    """A user known to exist."""
    user = await find(connection, "id", user_id)
    if user is None:
        raise LookupError(user_id)
    return user


async def update(connection: Connection, user_id: uuid.UUID, changes: Row) -> Row:
    """The user after `changes` (column names are ours, never a client's)."""
    assignments = [sql.SQL("{} = %s").format(sql.Identifier(column)) for column in (*changes, "updated_at")]
    values = [Jsonb(value) if isinstance(value, dict) else value for value in changes.values()]
    await connection.execute(
        sql.SQL("update auth.users set {} where id = %s").format(sql.SQL(", ").join(assignments)),
        [*values, datetime.now(UTC), user_id],
    )
    for provider in {"email", "phone"} & changes.keys():
        await connection.execute(
            """
            update auth.identities set identity_data = identity_data || jsonb_build_object(%s::text, %s::text)
            where user_id = %s and provider = %s
            """,
            [provider, changes[provider], user_id, provider],
        )
    return await get(connection, user_id)


def merged(metadata: Row | None, changes: Row) -> Row:
    """Metadata after an update: keys are merged at the top level, a null removes one."""
    return {key: value for key, value in {**(metadata or {}), **changes}.items() if value is not None}


def is_banned(user: Row) -> bool:
    return user["banned_until"] is not None and user["banned_until"] > datetime.now(UTC)


def as_json(user: Row) -> Row:
    """A user as GoTrue shows it: nulls are left out where its model omits empty values."""
    shown = {
        "id": str(user["id"]),
        "aud": user["aud"] or "",
        "role": user["role"] or "",
        "email": user["email"] or "",
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "identities": [_identity_as_json(identity) for identity in user["identities"]],
        "is_anonymous": user["is_anonymous"],
        "created_at": _timestamp(user["created_at"]),
        "updated_at": _timestamp(user["updated_at"]),
    }
    optional = ("email_confirmed_at", "phone_confirmed_at", "confirmed_at", "last_sign_in_at", "banned_until")
    shown |= {name: _timestamp(user[name]) for name in optional if user[name]}
    return shown | ({"new_email": user["email_change"]} if user["email_change"] else {})


def _identity_as_json(identity: Row) -> Row:
    shown = {**identity, "identity_id": identity["id"], "id": identity["provider_id"]}
    del shown["provider_id"]
    return shown


def _timestamp(moment: datetime | None) -> str | None:
    # A row that SQL inserted may have no created_at; clients require the field, GoTrue then shows year one.
    return (moment or datetime(1, 1, 1, tzinfo=UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
