"""The receiver's settings."""

from __future__ import annotations

import re
from uuid import UUID

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from store.settings import BaseUrl, ProjectSettings

# Settings that make a signup possible, and what each is nothing without. The needed are declared before them.
NEEDED = {
    "meta_app_id": ("meta_app_secret", "meta_config_id"),
    "d360_partner_id": ("d360_partner_key", "webhook_public_url", "onboarding_return_url"),
}


class Settings(ProjectSettings):
    """Each field is the environment variable of the same name in capitals; docs/settings.md says more."""

    whatsapp_webhook_secret: SecretStr
    """Master secret of the 360dialog webhook tokens."""
    whatsapp_webhook_secret_previous: SecretStr | None = None
    """The one before it, accepted during a rotation."""
    whatsapp_webhook_verify_token: SecretStr | None = None
    """What Meta shows when a webhook is registered. Unset: Meta's endpoint is closed."""
    meta_app_secret: SecretStr | None = None
    """What Meta signs with. Unset: Meta's endpoint is closed."""
    meta_app_secret_previous: SecretStr | None = None
    """The one before it, whose signatures are accepted during a rotation."""
    whatsapp_default_workspace_id: UUID | None = None
    """Where webhooks of a number without a connection go. Unset: they are kept as unrouted."""
    webhook_journal_days: int = Field(default=30, ge=1)
    """How long processed webhook bodies are kept. Failed and unrouted ones stay."""
    webhook_host: str = "0.0.0.0"  # noqa: S104 - a container listens on its own interface
    webhook_port: int = Field(default=8080, ge=0, le=65535)

    whatsapp_360_base_url: str = "https://waba-v2.360dialog.io"
    meta_graph_base_url: str = "https://graph.facebook.com/v25.0"
    webhook_public_url: BaseUrl | None = None
    """Where providers and browsers reach this receiver: scheme and host, https."""
    onboarding_origins: str | None = None
    """The frontends' origins, comma between them, whose pages may ask here. Unset: none."""
    onboarding_return_url: str | None = None
    """The frontend's page that finishes a signup at 360dialog."""
    meta_config_id: str | None = None
    """The configuration of Facebook Login for Business that Embedded Signup is opened with."""
    meta_app_id: str | None = None
    """The app of META_APP_SECRET. Unset: no Embedded Signup."""
    d360_hub_base_url: str = "https://hub.360dialog.io"
    d360_partner_key: SecretStr | None = None
    """The key of 360dialog's Partner API."""
    d360_partner_id: str | None = None
    """The partner whose clients are onboarded. Unset: no Integrated Onboarding."""

    @field_validator("onboarding_return_url")
    @classmethod
    def _without_fragment(cls, value: str | None) -> str | None:
        if value and "#" in value:
            raise ValueError("has a #, behind which the outcome is told")
        return value

    @field_validator("onboarding_origins")
    @classmethod
    def _are_origins(cls, value: str | None) -> str | None:
        for origin in _listed(value):
            if not re.fullmatch(r"https?://[^/?#\s*]+", origin):
                raise ValueError(f"{origin} is no origin like https://app.example.com")
        return value

    @field_validator("meta_app_id", "d360_partner_id")
    @classmethod
    def _comes_with_what_it_needs(cls, value: str | None, info: ValidationInfo) -> str | None:
        needed = NEEDED[info.field_name or ""] if value else ()
        missing = [name.upper() for name in needed if info.data.get(name) is None]
        if missing:
            raise ValueError(f"needs {' and '.join(missing)} beside it")
        return value

    @property
    def onboarding_origin_list(self) -> list[str]:
        return _listed(self.onboarding_origins)

    metrics_token: SecretStr | None = None
    """What /metrics asks for as a bearer token. Unset: it answers everybody."""

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The accepted master secrets, the current one first."""
        return _shown(self.whatsapp_webhook_secret, self.whatsapp_webhook_secret_previous)

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """The app secrets whose signatures are accepted, the current one first; without a current one none."""
        return _shown(self.meta_app_secret, self.meta_app_secret_previous) if self.meta_app_secret else ()


def _shown(*secrets: SecretStr | None) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in secrets if secret is not None)


def _listed(value: str | None) -> list[str]:
    return [origin.strip().rstrip("/") for origin in (value or "").split(",") if origin.strip()]
