"""The command's settings: the project and its key, as the processes have them, and what single commands need."""

from __future__ import annotations

from pydantic import Field, SecretStr

from store.settings import BaseUrl, ProjectSettings


class Settings(ProjectSettings):
    """Each field is the environment variable of the same name in capitals; docs/settings.md says more."""

    webhook_public_url: BaseUrl | None = None
    """Where providers reach the receiver: scheme and host, https. `connect` registers it, `doctor` compares."""
    whatsapp_webhook_secret: SecretStr | None = None
    """Master secret of the 360dialog webhook tokens, as the receiver has it."""
    whatsapp_webhook_secret_previous: SecretStr | None = None
    whatsapp_webhook_verify_token: SecretStr | None = None
    meta_app_secret: SecretStr | None = None
    whatsapp_360_base_url: str = "https://waba-v2.360dialog.io"
    meta_graph_base_url: str = "https://graph.facebook.com/v25.0"
    doctor_backlog_seconds: float = Field(default=60.0, gt=0)
    """How old the oldest waiting webhook or message may be before `doctor` calls it late."""
