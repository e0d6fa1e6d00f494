"""What the demo is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


class MissingSettings(Exception):
    """Names every variable that is not set, at once."""


@dataclass(frozen=True)
class Settings:
    """Each field is an environment variable, as `python -m devstack run --app` sets them."""

    supabase_url: str
    supabase_anon_key: str
    supabase_service_role_key: str
    provider_url: str
    webhook_url: str
    whatsapp_webhook_secret: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        names = [field.name.upper() for field in fields(cls)]
        missing = [name for name in names if not environment.get(name)]
        if missing:
            raise MissingSettings(
                f"not set: {', '.join(missing)}\n"
                "The demo plays on a running stack: python -m devstack run --app -- python -m examples.demo"
            )
        return cls(*(environment[name].rstrip("/") for name in names))
