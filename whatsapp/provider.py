"""What differs between 360dialog and Meta: addresses and headers, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from whatsapp.errors import WhatsAppError

# 360dialog proxies Meta's media host: same path and query, its own host (360dialog's media documentation).
META_MEDIA_HOST = "lookaside.fbsbx.com"


class ForeignHost(WhatsAppError):
    """A media URL points somewhere the credential must not go."""


@dataclass(frozen=True, slots=True)
class Provider:
    """How one number is reached. `base_url` has no trailing slash."""

    name: str
    base_url: str
    number_path: str  # before /messages and /media
    auth_header: str
    auth_prefix: str

    def headers(self, credential: str) -> dict[str, str]:
        return {self.auth_header: self.auth_prefix + credential}

    def url(self, resource: str) -> str:
        """Of a resource that belongs to the number: `messages`, `media`."""
        return f"{self.base_url}{self.number_path}/{resource}"

    def media_url(self, media_id: str) -> str:
        return f"{self.base_url}/{quote(media_id, safe='')}"

    def download_url(self, url: str) -> str:
        """Where to fetch a looked-up file with the credential. Raises ForeignHost for any other host."""
        try:
            parts, own = urlsplit(url), urlsplit(self.base_url)
        except ValueError as error:
            raise ForeignHost("media is offered at no address") from error
        if self.name == "360dialog" and (parts.scheme, parts.netloc) == ("https", META_MEDIA_HOST):
            return urlunsplit((own.scheme, own.netloc, parts.path, parts.query, ""))
        if self.name == "meta" and (parts.scheme, parts.netloc) in (
            ("https", META_MEDIA_HOST),
            (own.scheme, own.netloc),
        ):
            return url
        raise ForeignHost(f"media is offered at {parts.netloc or 'no host'}")


def provider(name: str, phone_number_id: str, *, d360_base_url: str, graph_base_url: str) -> Provider:
    """The provider of a connection, by its `provider` column."""
    if name == "360dialog":
        return Provider(name, d360_base_url.rstrip("/"), "", "D360-API-KEY", "")
    return Provider(name, graph_base_url.rstrip("/"), f"/{phone_number_id}", "Authorization", "Bearer ")
