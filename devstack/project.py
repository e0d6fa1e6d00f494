"""One project as others see it: its addresses, its keys, and the environment that tells a program all of them."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devstack.keys import Keys


def _token() -> str:
    return secrets.token_hex(16)


@dataclass
class Seed:
    """What a kept project keeps besides its data: everything its keys and addresses are made of. Port 0: any."""

    jwt_secret: str = field(default_factory=lambda: secrets.token_hex(32))
    publishable: str = field(default_factory=_token)
    secret: str = field(default_factory=_token)
    webhook_secret: str = field(default_factory=_token)
    webhook_verify_token: str = field(default_factory=_token)
    meta_app_secret: str = field(default_factory=_token)
    gateway_port: int = 0
    postgres_port: int = 0
    provider_port: int = 0
    webhook_port: int = 0

    @classmethod
    def load(cls, file: Path) -> Seed:
        """As saved, or a new one."""
        return cls(**json.loads(file.read_text())) if file.exists() else cls()

    def save(self, file: Path) -> None:
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def keys(self) -> Keys:
        return Keys.from_secret(self.jwt_secret, self.publishable, self.secret)


@dataclass(frozen=True)
class Project:
    """A running project. `database_url` is for role postgres, which is no superuser."""

    seed: Seed
    keys: Keys
    database_url: str
    postgres_pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.seed.gateway_port}"

    @property
    def provider_url(self) -> str:
        return f"http://127.0.0.1:{self.seed.provider_port}"

    @property
    def webhook_url(self) -> str:
        return f"http://127.0.0.1:{self.seed.webhook_port}"

    def variables(self) -> dict[str, str]:
        """The names are design.md's; the product reads some of them as its settings."""
        return {
            "SUPABASE_URL": self.url,
            "SUPABASE_ANON_KEY": self.keys.anon_key,
            "SUPABASE_SERVICE_ROLE_KEY": self.keys.service_role_key,
            "SUPABASE_PUBLISHABLE_KEY": self.keys.publishable_key,
            "SUPABASE_SECRET_KEY": self.keys.secret_key,
            "SUPABASE_JWT_SECRET": self.keys.jwt_secret,
            "SUPABASE_DB_URL": self.database_url,
            "PROVIDER_URL": self.provider_url,
            "WHATSAPP_WEBHOOK_SECRET": self.seed.webhook_secret,
            "WHATSAPP_WEBHOOK_VERIFY_TOKEN": self.seed.webhook_verify_token,
            "META_APP_SECRET": self.seed.meta_app_secret,
            "WEBHOOK_HOST": "127.0.0.1",
            "WEBHOOK_PORT": str(self.seed.webhook_port),
            "DEVSTACK_URL": self.url,
            "DEVSTACK_PID": str(os.getpid()),
            "DEVSTACK_POSTGRES_PID": str(self.postgres_pid),
        }

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """A child's whole environment: the caller's, with ours on top, but the caller may name other providers."""
        return {
            "WHATSAPP_360_BASE_URL": self.provider_url,
            "META_GRAPH_BASE_URL": f"{self.provider_url}/v25.0",
            **without_proxy(inherited),
            **self.variables(),
        }


def without_proxy(inherited: Mapping[str, str]) -> dict[str, str]:
    """The same environment, but nobody asks a proxy for this machine."""
    local = "127.0.0.1,localhost"
    names = {name: ",".join(filter(None, (inherited.get(name), local))) for name in ("NO_PROXY", "no_proxy")}
    return {**inherited, **names}


def write_env(file: Path, variables: Mapping[str, str]) -> None:
    """KEY=value lines that a shell and a dotenv reader take alike; there from one moment to the next."""
    draft = file.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))
    draft.rename(file)
