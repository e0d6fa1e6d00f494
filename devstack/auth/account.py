"""What a person does for themselves: sign up, sign in, refresh, look at and change their user, sign out."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web
from psycopg.errors import UniqueViolation

from devstack.auth import sessions, users
from devstack.auth.errors import AuthError, invalid
from devstack.auth.passwords import hash_password, password_matches
from devstack.auth.requests import mapping, read_json, text
from devstack.context import CONTEXT, caller_of
from devstack.database import Connection

Row = dict[str, Any]

SIGN_OUT = {
    "global": "delete from auth.sessions where user_id = %(user)s",
    "local": "delete from auth.sessions where id = %(session)s",
    "others": "delete from auth.sessions where user_id = %(user)s and id is distinct from %(session)s",
}


async def sign_up(request: web.Request) -> web.Response:
    """Confirmed at once and signed in, as a project with "Confirm email" switched off does it."""
    body = await read_json(request)
    email, password = text(body, "email"), text(body, "password")
    if not email and not text(body, "phone"):
        raise AuthError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    if not email:
        raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")
    if not password:
        raise invalid("Signup requires a valid password")
    new = _as_new_user(users.checked_email(email), password, mapping(body, "data") or {})
    context = request.app[CONTEXT]
    try:
        async with context.database.as_admin() as connection:
            grant = await sessions.start(context, connection, await users.insert(connection, new))
    except UniqueViolation as error:
        raise AuthError(422, "user_already_exists", "User already registered") from error
    return web.json_response(grant)


def _as_new_user(email: str, password: str, data: Row) -> users.NewUser:
    user_id = uuid.uuid4()
    # GoTrue copies the identity's data into the user's metadata at sign-up.
    known = {"sub": str(user_id), "email": email, "phone_verified": False}
    return users.NewUser(
        id=user_id, email=email, password=password, user_metadata={**data, **known}, email_confirmed=True
    )


async def token(request: web.Request) -> web.Response:
    """Sign in with a password, or exchange a refresh token."""
    grants = {"password": _password_grant, "refresh_token": _refresh_token_grant}
    grant = grants.get(request.query.get("grant_type", ""))
    if grant is None:
        raise AuthError(400, "invalid_request", "unsupported_grant_type")
    return web.json_response(await grant(request, await read_json(request)))


async def _password_grant(request: web.Request, body: Row) -> Row:
    context = request.app[CONTEXT]
    column = "email" if text(body, "email") else "phone"
    async with context.database.as_admin() as connection:
        user = await users.find(connection, column, (text(body, column) or "").lower())
        password = text(body, "password") or ""
        if user is None or not await password_matches(connection, user, password):
            raise AuthError(400, "invalid_credentials", "Invalid login credentials")
        if users.is_banned(user):
            raise AuthError(400, "user_banned", "User is banned")
        if not user["confirmed_at"]:
            raise AuthError(400, f"{column}_not_confirmed", f"{column.title()} not confirmed")
        return await sessions.start(context, connection, user)


async def _refresh_token_grant(request: web.Request, body: Row) -> Row:
    context = request.app[CONTEXT]
    presented = text(body, "refresh_token")
    if presented is None:
        raise invalid("refresh_token required")
    async with context.database.as_admin() as connection:
        answer = await sessions.refresh(context, connection, presented)
    if isinstance(answer, AuthError):
        raise answer
    return answer


async def get_user(request: web.Request) -> web.Response:
    async with request.app[CONTEXT].database.as_admin() as connection:
        return web.json_response(users.as_json(await _signed_in_user(request, connection)))


async def update_user(request: web.Request) -> web.Response:
    body = await read_json(request)
    if "app_metadata" in body:
        raise AuthError(403, "not_admin", "Updating app_metadata requires admin privileges")
    async with request.app[CONTEXT].database.as_admin() as connection:
        user = await _signed_in_user(request, connection)
        user = await users.update(connection, user["id"], await _own_changes(connection, user, body))
        return web.json_response(users.as_json(user))


async def _own_changes(connection: Connection, user: Row, body: Row) -> Row:
    changes: Row = {}
    if password := text(body, "password"):
        if await password_matches(connection, user, password):
            raise AuthError(422, "same_password", "New password should be different from the old password.")
        changes["encrypted_password"] = await hash_password(connection, password)
    if (data := mapping(body, "data")) is not None:
        changes["raw_user_meta_data"] = users.merged(user["raw_user_meta_data"], data)
    if (email := text(body, "email")) and users.checked_email(email) != user["email"]:
        changes |= await _pending_email(connection, users.checked_email(email))
    return changes


async def _pending_email(connection: Connection, email: str) -> Row:
    """A changed address stays pending until the link in a mail is followed; no mail leaves this stack."""
    if await users.find(connection, "email", email):
        raise AuthError(422, "email_exists", "A user with this email address has already been registered")
    return {"email_change": email}


async def sign_out(request: web.Request) -> web.Response:
    """End sessions: refresh tokens die at once, while other services take access tokens until they expire."""
    scope = request.query.get("scope") or "global"
    if scope not in SIGN_OUT:
        raise invalid(f'Unsupported logout scope "{scope}"')
    async with request.app[CONTEXT].database.as_admin() as connection:
        user = await _signed_in_user(request, connection)
        session = caller_of(request).claims.get("session_id")
        await connection.execute(SIGN_OUT[scope], {"user": user["id"], "session": session})
    return web.Response(status=204)


async def _signed_in_user(request: web.Request, connection: Connection) -> Row:
    """The caller's user. Unlike the other services Auth looks whether user and session still exist."""
    caller = caller_of(request)
    if caller.user_id is None:
        raise AuthError(403, "bad_jwt", "invalid claim: missing sub claim")
    try:
        user = await users.find(connection, "id", uuid.UUID(caller.user_id))
    except ValueError as error:
        raise AuthError(400, "bad_jwt", "invalid claim: sub claim must be a UUID") from error
    if user is None:
        raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
    if session := caller.claims.get("session_id"):
        cursor = await connection.execute("select from auth.sessions where id = %s", [session])
        if cursor.rowcount == 0:
            raise AuthError(403, "session_not_found", "Session from session_id claim in JWT does not exist")
    return user
