"""Settings every process needs, and how any process reads its own: once, all errors together, frozen."""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """The environment is not right. The text has one line per problem, with the variable's name."""


class ProjectSettings(BaseSettings):
    """Which Supabase project, and the key to it. Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    supabase_url: str
    """The project's address, https://<ref>.supabase.co."""
    supabase_service_role_key: SecretStr
    """The legacy service_role JWT or an sb_secret_ key."""

    @field_validator("supabase_url", "*", mode="after")
    @classmethod
    def _addresses_are_http(cls, value: Any, info: Any) -> Any:
        address = urlsplit(value) if info.field_name.endswith("_url") and value is not None else None
        if address and (address.scheme not in ("http", "https") or not address.netloc):
            raise ValueError("is not an http(s) address")
        return value

    @classmethod
    def load(cls) -> Self:
        """Reads the environment. Raises SettingsError naming every problem at once."""
        try:
            return cls()  # type: ignore[call-arg]  # the environment gives them
        except ValidationError as error:
            lines = (f"{problem['loc'][0]!s}".upper() + f": {_said(problem)}" for problem in error.errors())
            raise SettingsError("\n".join(sorted(lines))) from None

    def shown(self) -> str:
        """One line per setting, secrets masked."""
        return "\n".join(f"{name.upper()}={value}" for name, value in self.model_dump().items() if value is not None)


def _said(problem: Any) -> str:
    return "is missing" if problem["type"] == "missing" else str(problem["msg"]).removeprefix("Value error, ")
