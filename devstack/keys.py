"""The keys of a project: legacy JWTs, their `sb_…` successors, and the check of any bearer token.

Copied behaviour: a hosted project signs `anon` and `service_role` as HS256 JWTs with `iss: supabase`; its gateway
accepts `sb_publishable_…` and `sb_secret_…` and hands the services such a JWT in their place.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt

TEN_YEARS = 10 * 365 * 24 * 3600


class BadToken(Exception):
    """The bearer token is no JWT of this project, or its time is over. The text says which."""


@dataclass(frozen=True)
class Caller:
    """Who a request comes from, once the gateway has looked at its key and token."""

    role: str
    claims: dict[str, Any]
    token: str

    @property
    def user_id(self) -> str | None:
        """The `sub` of a signed-in user; None for anon and service_role."""
        return self.claims.get("sub")


@dataclass(frozen=True)
class Keys:
    """Everything a project signs and is opened with. Strings; `jwt_secret` is what PostgREST verifies with."""

    jwt_secret: str
    anon_key: str
    service_role_key: str
    publishable_key: str
    secret_key: str

    @classmethod
    def generate(cls) -> Keys:
        """A fresh project's keys."""
        return cls.from_secret(secrets.token_hex(32), secrets.token_hex(16), secrets.token_hex(16))

    @classmethod
    def from_secret(cls, jwt_secret: str, publishable: str, secret: str) -> Keys:
        """The same keys again for a stack whose data is kept."""
        now = int(time.time())

        def service_key(role: str) -> str:
            claims = {"iss": "supabase", "ref": "devstack", "role": role, "iat": now, "exp": now + TEN_YEARS}
            return jwt.encode(claims, jwt_secret, algorithm="HS256")

        return cls(
            jwt_secret=jwt_secret,
            anon_key=service_key("anon"),
            service_role_key=service_key("service_role"),
            publishable_key=f"sb_publishable_{publishable}",
            secret_key=f"sb_secret_{secret}",
        )

    def sign(self, claims: dict[str, Any]) -> str:
        """An HS256 JWT over `claims`, as Auth issues them."""
        return jwt.encode(claims, self.jwt_secret, algorithm="HS256")

    def token_for(self, key: str) -> str | None:
        """The JWT that the gateway puts in place of an `sb_…` key; a JWT stays itself; None for an unknown key."""
        if key == self.publishable_key:
            return self.anon_key
        if key == self.secret_key:
            return self.service_role_key
        return None if key.startswith("sb_") else key

    def verify(self, token: str) -> Caller:
        """The caller a JWT speaks for. Raises BadToken."""
        try:
            claims = jwt.decode(
                token, self.jwt_secret, algorithms=["HS256"], options={"verify_aud": False, "verify_iat": False}
            )
        except jwt.ExpiredSignatureError as error:
            raise BadToken("JWT expired") from error
        except jwt.PyJWTError as error:
            raise BadToken(str(error)) from error
        return Caller(role=str(claims.get("role", "anon")), claims=claims, token=token)
