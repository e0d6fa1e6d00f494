"""Passwords: bcrypt in Postgres, by the pgcrypto that every project has."""

from __future__ import annotations

from typing import Any

from devstack.auth.errors import invalid, weak_password
from devstack.database import Connection

# GoTrue hashes with bcrypt at cost 10; the lowest cost keeps a test's sign-up at a millisecond, and the
# hashes stay interchangeable with those of a seed file (`crypt('…', gen_salt('bf'))`).
BCRYPT_COST = 4
MINIMUM_PASSWORD_LENGTH = 6
MAXIMUM_PASSWORD_BYTES = 72


async def hash_password(connection: Connection, password: str) -> str:
    """bcrypt, as GoTrue stores it. Raises AuthError for a password it would not take."""
    if len(password) < MINIMUM_PASSWORD_LENGTH:
        raise weak_password(f"Password should be at least {MINIMUM_PASSWORD_LENGTH} characters.", "length")
    if len(password.encode()) > MAXIMUM_PASSWORD_BYTES:
        raise invalid(f"Password cannot be longer than {MAXIMUM_PASSWORD_BYTES} characters")
    cursor = await connection.execute(
        "select extensions.crypt(%s, extensions.gen_salt('bf', %s)) as hash", [password, BCRYPT_COST]
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - a select without a from has one row
    return str(row["hash"])


async def password_matches(connection: Connection, user: dict[str, Any], password: str) -> bool:
    if not user["encrypted_password"]:
        return False
    cursor = await connection.execute(
        "select extensions.crypt(%(password)s, %(hash)s) = %(hash)s as matches",
        {"password": password, "hash": user["encrypted_password"]},
    )
    row = await cursor.fetchone()
    return bool(row and row["matches"])
