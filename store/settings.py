"""Settings every process needs, and how any process reads its own: once, all errors together, frozen."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """The environment is not right. The text has one line per problem, with the variable's name."""


# An address that paths are put behind.
BaseUrl = Annotated[str, AfterValidator(lambda value: value.rstrip("/"))]


class ProjectSettings(BaseSettings):
    """Which Supabase project, and the key to it. Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    supabase_url: str
    """The project's address, https://<ref>.supabase.co."""
    supabase_service_role_key: SecretStr
    """The legacy service_role JWT or an sb_secret_ key."""
    log_format: Literal["json", "console"] = "json"
    """One JSON object per line, or lines for a person."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is told."""
    otel_exporter_otlp_endpoint: str | None = None
    """Where OpenTelemetry traces go by OTLP/HTTP. Unset: none are made."""

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _in_small_letters(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("supabase_url", "*", mode="after")
    @classmethod
    def _addresses_are_http(cls, value: Any, info: Any) -> Any:
        address = urlsplit(value) if info.field_name.endswith(("_url", "_endpoint")) and value is not None else None
        if address and (address.scheme not in ("http", "https") or not address.netloc):
            raise ValueError("is not an http(s) address")
        if address and info.field_name == "supabase_url" and "@" in address.netloc:
            # What stands there would go out in the place of the key, which is a setting of its own.
            raise ValueError("must not have a user or password in it")
        return value

    @field_validator("supabase_service_role_key", "whatsapp_360_api_key", check_fields=False)
    @classmethod
    def _keys_fit_into_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        # A file that a secret is mounted from often ends with a line break, which would end the header.
        key = value.get_secret_value().strip()
        if not re.fullmatch("[ -~]+", key):
            raise ValueError("is no key: one line of ASCII")
        return SecretStr(key)

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
        return "\n".join(f"{name.upper()}={value}" for name, value in self.summary().items())

    def summary(self) -> dict[str, str]:
        """What is set, by name; secrets are asterisks, and so is what stands before the @ of an address."""
        told = {name: str(value) for name, value in self.model_dump().items() if value is not None}
        return {name: re.sub(r"(?<=://)[^/@]*@", "**********@", value) for name, value in told.items()}


def _said(problem: Any) -> str:
    return "is missing" if problem["type"] == "missing" else str(problem["msg"]).removeprefix("Value error, ")
