"""The receiver's settings."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field, SecretStr

from store.settings import ProjectSettings


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
    whatsapp_default_workspace_id: UUID | None = None
    """Where webhooks of a number without a connection go. Unset: they are kept as unrouted."""
    webhook_journal_days: int = Field(default=30, ge=1)
    """How long processed webhook bodies are kept. Failed and unrouted ones stay."""
    webhook_host: str = "0.0.0.0"  # noqa: S104 - a container listens on its own interface
    webhook_port: int = Field(default=8080, ge=0, le=65535)

    metrics_token: SecretStr | None = None
    """What /metrics asks for as a bearer token. Unset: it answers everybody."""

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The accepted master secrets, the current one first."""
        secrets = (self.whatsapp_webhook_secret, self.whatsapp_webhook_secret_previous)
        return tuple(secret.get_secret_value() for secret in secrets if secret is not None)
