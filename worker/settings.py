"""The worker's settings."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field, SecretStr

from store.settings import ProjectSettings


class Settings(ProjectSettings):
    """Each field is the environment variable of the same name in capitals; docs/settings.md says more."""

    whatsapp_360_api_key: SecretStr | None = None
    """Single-workspace mode: the key of a number that has none in Vault."""
    whatsapp_phone_number_id: str | None = None
    """Single-workspace mode: the number that key belongs to. Unset: any number without a key of its own."""
    whatsapp_default_workspace_id: UUID | None = None
    """Single-workspace mode: the workspace that key belongs to. Unset: the key is used for no workspace."""
    whatsapp_360_base_url: str = "https://waba-v2.360dialog.io"
    meta_graph_base_url: str = "https://graph.facebook.com/v25.0"
    worker_sends: int = Field(default=256, ge=1, le=1000)
    """Messages on the wire at one time."""
    worker_downloads: int = Field(default=6, ge=1, le=100)
    """Files being fetched at one time."""
    worker_media_limit_mb: int = Field(default=100, ge=1)
    """Larger files, in MiB, are not fetched; where Storage takes no pieces, each may lie in the temporary folder."""
    worker_templates_hours: float = Field(default=6.0, gt=0, le=168)
    """How often the templates of each number are synced, beside when something has told of a change."""
    worker_grace_seconds: float = Field(default=20.0, ge=0)
    """How long after the first signal work in flight may take."""
    worker_status_host: str = "0.0.0.0"  # noqa: S104 - a container listens on its own interface
    worker_status_port: int | None = Field(default=None, ge=0, le=65535)
    """Where /livez, /readyz and /metrics answer. Unset: nowhere."""
    metrics_token: SecretStr | None = None
    """What /metrics asks for as a bearer token. Unset: it answers everybody."""
