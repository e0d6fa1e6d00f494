"""Where webhooks go and how they prove where they come from: 360dialog's registered headers, Meta's signature."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, field_validator


class Target(Protocol):
    """A receiver of webhooks."""

    @property
    def url(self) -> str: ...

    def headers_for(self, raw: bytes) -> dict[str, str]: ...


class HeaderWebhook(BaseModel):
    """A webhook registered at 360dialog: every POST carries the headers given at registration.

    Real rules that cannot hold on one machine are left out: HTTPS only, no port.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    headers: dict[str, str] = {}

    @field_validator("url")
    @classmethod
    def _has_a_usable_host(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not a valid URL")
        if "_" in parts.hostname:
            raise ValueError("underscores are not allowed in the domain")
        return url

    def headers_for(self, raw: bytes) -> dict[str, str]:
        return self.headers


class MetaApp(BaseModel):
    """Meta's app subscription: HMAC-SHA256 over the raw bytes with the app secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    callback_url: str
    verify_token: str
    app_secret: str
    waba_id: str | None = None

    @property
    def url(self) -> str:
        return self.callback_url

    def headers_for(self, raw: bytes) -> dict[str, str]:
        signature = hmac.new(self.app_secret.encode(), raw, hashlib.sha256).hexdigest()
        return {"X-Hub-Signature-256": f"sha256={signature}"}
