"""What the secret key may do: create, list, read, change and delete users."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from psycopg.errors import UniqueViolation

from devstack.auth import users
from devstack.auth.errors import AuthError, invalid
from devstack.auth.passwords import hash_password
from devstack.auth.requests import mapping, read_json, text
from devstack.context import CONTEXT, caller_of
from devstack.database import Connection

Row = dict[str, Any]

ADMIN_ROLES = ("service_role", "supabase_admin")
DEFAULT_PAGE_SIZE = 50
DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)")
SECONDS_PER = {"h": 3600, "m": 60, "s": 1}


def for_admins(handler: Handler) -> Handler:
    async def checked(request: web.Request) -> web.StreamResponse:
        if caller_of(request).role not in ADMIN_ROLES:
            raise AuthError(403, "not_admin", "User not allowed")
        return await handler(request)

    return checked


async def create_user(request: web.Request) -> web.Response:
    body = await read_json(request)
    email, phone, user_id = (text(body, name) for name in ("email", "phone", "id"))
    if not email and not phone:
        raise invalid("Cannot create a user without either an email or phone")
    new = users.NewUser(
        id=_user_id(user_id) if user_id else uuid.uuid4(),
        email=users.checked_email(email) if email else None,
        phone=phone,
        password=text(body, "password"),
        role=text(body, "role") or "authenticated",
        user_metadata=mapping(body, "user_metadata") or {},
        app_metadata=mapping(body, "app_metadata") or {},
        email_confirmed=bool(body.get("email_confirm")),
        phone_confirmed=bool(body.get("phone_confirm")),
    )
    try:
        async with request.app[CONTEXT].database.as_admin() as connection:
            user = await users.insert(connection, new)
            if duration := text(body, "ban_duration"):
                user = await users.update(connection, new.id, _ban(duration))
    except UniqueViolation as error:
        raise _taken(error) from error
    return web.json_response(users.as_json(user))


async def list_users(request: web.Request) -> web.Response:
    """Newest first, `page` and `per_page`; the total is in a header, as GoTrue has it."""
    try:
        page = int(request.query.get("page") or 1)
        page_size = int(request.query.get("per_page") or DEFAULT_PAGE_SIZE)
    except ValueError as error:
        raise invalid(f"Bad Pagination Parameters: {error}") from error
    async with request.app[CONTEXT].database.as_admin() as connection:
        cursor = await connection.execute(
            """
            select id, count(*) over () as total from auth.users where deleted_at is null
            order by created_at desc, id limit %s offset %s
            """,
            [page_size, (page - 1) * page_size],
        )
        rows = await cursor.fetchall()
        found = [users.as_json(await users.get(connection, row["id"])) for row in rows]
    total = rows[0]["total"] if rows else 0
    headers = {"X-Total-Count": str(total), "Link": _page_links(request, page, -(-total // page_size))}
    return web.json_response({"users": found, "aud": "authenticated"}, headers=headers)


def _page_links(request: web.Request, page: int, last: int) -> str:
    wanted = {"next": page + 1, "last": last} if page < last else {"last": max(last, 1)}
    links = [f'<{request.rel_url.update_query(page=number)}>; rel="{name}"' for name, number in wanted.items()]
    return ", ".join(links)


async def get_user(request: web.Request) -> web.Response:
    async with request.app[CONTEXT].database.as_admin() as connection:
        return web.json_response(users.as_json(await _addressed_user(request, connection)))


async def update_user(request: web.Request) -> web.Response:
    body = await read_json(request)
    try:
        async with request.app[CONTEXT].database.as_admin() as connection:
            user = await _addressed_user(request, connection)
            user = await users.update(connection, user["id"], await _changes(connection, user, body))
    except UniqueViolation as error:
        raise _taken(error) from error
    return web.json_response(users.as_json(user))


async def _changes(connection: Connection, user: Row, body: Row) -> Row:
    changes: Row = {name: value for name in ("phone", "role") if (value := text(body, name))}
    if email := text(body, "email"):
        changes["email"] = users.checked_email(email)
    if password := text(body, "password"):
        changes["encrypted_password"] = await hash_password(connection, password)
    for name in ("email", "phone"):
        if body.get(f"{name}_confirm"):
            changes[f"{name}_confirmed_at"] = user[f"{name}_confirmed_at"] or datetime.now(UTC)
    for name, column in (("user_metadata", "raw_user_meta_data"), ("app_metadata", "raw_app_meta_data")):
        if (metadata := mapping(body, name)) is not None:
            changes[column] = users.merged(user[column], metadata)
    duration = text(body, "ban_duration")
    return changes | (_ban(duration) if duration else {})


def _ban(duration: str) -> Row:
    """`none` lifts a ban; otherwise Go's notation of hours, minutes and seconds, such as `1h30m`."""
    if duration == "none":
        return {"banned_until": None}
    parts = DURATION_PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise invalid(f'invalid format for ban duration: time: invalid duration "{duration}"')
    seconds = sum(float(number) * SECONDS_PER[unit] for number, unit in parts)
    return {"banned_until": datetime.now(UTC) + timedelta(seconds=seconds)}


async def delete_user(request: web.Request) -> web.Response:
    if (await read_json(request)).get("should_soft_delete"):
        raise invalid("The local stack deletes users for good; should_soft_delete is not offered")
    async with request.app[CONTEXT].database.as_admin() as connection:
        user = await _addressed_user(request, connection)
        await connection.execute("delete from auth.users where id = %s", [user["id"]])
    return web.json_response({})


async def _addressed_user(request: web.Request, connection: Connection) -> Row:
    user = await users.find(connection, "id", _user_id(request.match_info["user_id"]))
    if user is None:
        raise AuthError(404, "user_not_found", "User not found")
    return user


def _user_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise AuthError(404, "validation_failed", "user_id must be an UUID") from error


def _taken(error: UniqueViolation) -> AuthError:
    if "phone" in (error.diag.constraint_name or ""):
        return AuthError(422, "phone_exists", "Phone number already registered by another user")
    return AuthError(422, "email_exists", "A user with this email address has already been registered")
