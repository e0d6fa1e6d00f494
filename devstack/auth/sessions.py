"""Sessions: rows of `auth.sessions` and `auth.refresh_tokens`, and the access tokens issued for them.

Copied behaviour: a refresh token is good once. The one before the current may be shown again (the client
may never have stored the answer) and gets the current one; an older one is accepted for ten more seconds
after it was spent, then it is taken for theft: refused, and its session's tokens are all revoked.
"""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from devstack.auth import users
from devstack.auth.errors import AuthError
from devstack.context import Context
from devstack.database import Connection

Row = dict[str, Any]

ACCESS_TOKEN_SECONDS = 3600
REUSE_INTERVAL = timedelta(seconds=10)


async def start(context: Context, connection: Connection, user: Row) -> Row:
    """Sign `user` in: a new session with its first pair of tokens, as the body of the answer."""
    session_id = uuid.uuid4()
    await connection.execute(
        """
        insert into auth.sessions (id, user_id, created_at, updated_at, aal)
        values (%s, %s, now(), now(), 'aal1')
        """,
        [session_id, user["id"]],
    )
    user = await users.update(connection, user["id"], {"last_sign_in_at": datetime.now(UTC)})
    refresh_token = await _issue_refresh_token(connection, user["id"], session_id, parent=None)
    return _grant(context, user, session_id, int(time.time()), refresh_token)


async def refresh(context: Context, connection: Connection, presented: str) -> Row | AuthError:
    """A new pair of tokens. A refusal is returned, not raised: what it revokes must be committed."""
    cursor = await connection.execute(
        """
        select token.*, session.user_id as session_user_id, session.created_at as signed_in_at
        from auth.refresh_tokens token join auth.sessions session on session.id = token.session_id
        where token.token = %s for update of session, token
        """,
        [presented],
    )
    token = await cursor.fetchone()
    if token is None:
        return AuthError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
    user = await users.get(connection, token["session_user_id"])
    if users.is_banned(user):
        return AuthError(400, "user_banned", "Invalid Refresh Token: User Banned")
    issued = await _successor(connection, token)
    if issued is None:
        await connection.execute(
            "update auth.refresh_tokens set revoked = true where session_id = %s", [token["session_id"]]
        )
        return AuthError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    await connection.execute(
        "update auth.sessions set refreshed_at = now() at time zone 'utc', updated_at = now() where id = %s",
        [token["session_id"]],
    )
    return _grant(context, user, token["session_id"], int(token["signed_in_at"].timestamp()), issued)


async def _successor(connection: Connection, token: Row) -> str | None:
    """The refresh token that `token` is exchanged for; None if it may not be used any more."""
    if token["revoked"]:
        active = await _active_token(connection, token["session_id"])
        if active and active["parent"] == token["token"]:
            return str(active["token"])
        if token["updated_at"] + REUSE_INTERVAL < datetime.now(UTC):
            return None
    await connection.execute(
        """
        update auth.refresh_tokens set revoked = true, updated_at = now()
        where session_id = %s and not revoked
        """,
        [token["session_id"]],
    )
    return await _issue_refresh_token(connection, token["session_user_id"], token["session_id"], token["token"])


async def _active_token(connection: Connection, session_id: uuid.UUID) -> Row | None:
    cursor = await connection.execute(
        "select * from auth.refresh_tokens where session_id = %s and not revoked order by id desc limit 1",
        [session_id],
    )
    return await cursor.fetchone()


async def _issue_refresh_token(
    connection: Connection, user_id: uuid.UUID, session_id: uuid.UUID, parent: str | None
) -> str:
    token = secrets.token_hex(6)
    await connection.execute(
        """
        insert into auth.refresh_tokens
          (instance_id, token, user_id, revoked, parent, session_id, created_at, updated_at)
        values (%s, %s, %s, false, %s, %s, now(), now())
        """,
        [users.NO_INSTANCE, token, str(user_id), parent, session_id],
    )
    return token


def _grant(context: Context, user: Row, session_id: uuid.UUID, signed_in_at: int, refresh_token: str) -> Row:
    now = int(time.time())
    claims = {
        "iss": f"{context.public_url}/auth/v1",
        "sub": str(user["id"]),
        "aud": user["aud"] or "authenticated",
        "exp": now + ACCESS_TOKEN_SECONDS,
        "iat": now,
        "email": user["email"] or "",
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "role": user["role"] or "authenticated",
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": signed_in_at}],
        "session_id": str(session_id),
        "is_anonymous": user["is_anonymous"],
    }
    return {
        "access_token": context.keys.sign(claims),
        "token_type": "bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
        "expires_at": now + ACCESS_TOKEN_SECONDS,
        "refresh_token": refresh_token,
        "user": users.as_json(user),
    }
