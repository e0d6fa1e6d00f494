"""What differs between 360dialog and Meta: addresses, headers, what a number can be asked for; nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from whatsapp.errors import WhatsAppError

# 360dialog proxies Meta's media host: same path and query, its own host (360dialog's media documentation).
META_MEDIA_HOST = "https://lookaside.fbsbx.com"
# Meta's are 300 characters long. Whatever is not written so could mean one host to us and another to the HTTP library.
_URL = re.compile(r"[!-\[\]^_a-~]{1,4096}")


_NUMBER_FIELDS = "id,display_phone_number,verified_name,name_status,quality_rating,health_status"


class ForeignHost(WhatsAppError):
    """A media URL points somewhere the credential must not go."""


class Redirected(ForeignHost):
    """A file's own host answers that it is elsewhere. Where is not asked: neither provider documents it."""


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

    def number_url(self) -> str:
        """Of the number itself."""
        return self.base_url + (self.number_path or "/health_status")

    def number_fields(self) -> str:
        """What is asked of the number itself. 360dialog documents these; another might cost the whole answer."""
        return _NUMBER_FIELDS if self.name == "360dialog" else f"{_NUMBER_FIELDS},throughput,is_on_biz_app"

    def webhook_url(self) -> str:
        """Where 360dialog tells and is told where the number's webhooks go. Meta has one callback for an app."""
        if self.name != "360dialog":
            raise ValueError("Meta's numbers have no webhook of their own")
        return f"{self.base_url}/v1/configs/webhook"

    def account_webhook_url(self) -> str:
        """Where 360dialog tells and is told where the webhooks of the account's other numbers go."""
        if self.name != "360dialog":
            raise ValueError("Meta's accounts have no webhook of their own")
        return f"{self.base_url}/waba_webhook"

    def account_url(self, resource: str, waba_id: str | None) -> str:
        """Of what belongs to the account: `message_templates`; at Meta `subscribed_apps`, `phone_numbers`, too."""
        if self.name == "360dialog":
            return f"{self.base_url}/{resource}"
        if not waba_id:
            raise ValueError("Meta's accounts are named by their WABA id")
        return f"{self.base_url}/{quote(waba_id, safe='')}/{resource}"

    def media_url(self, media_id: str) -> str:
        return f"{self.base_url}/{quote(media_id, safe='')}"

    def download_url(self, url: str) -> str:
        """Where to fetch a looked-up file with the credential. Raises ForeignHost for any other address.

        Scheme and host are compared as they are written, up to the path's slash: no other spelling of the same host is
        taken. Path and query stay byte for byte; on the line aiohttp may yet write an escape that needs none as what
        it stands for (%2F in a query), of which Meta's addresses have none.
        """
        own = "{0.scheme}://{0.netloc}".format(urlsplit(self.base_url))
        if _URL.fullmatch(url) and url.startswith(f"{META_MEDIA_HOST}/"):
            return (own if self.name == "360dialog" else META_MEDIA_HOST) + url.removeprefix(META_MEDIA_HOST)
        if _URL.fullmatch(url) and self.name == "meta" and url.startswith(f"{own}/"):
            return url
        # As far as the path, for whoever looks into it; what follows is a secret.
        raise ForeignHost(f"media is offered at {re.split('[/?#]', url.partition('//')[2])[0][:100] or 'no host'}")


def provider(name: str, phone_number_id: str, *, d360_base_url: str, graph_base_url: str) -> Provider:
    """The provider of a connection, by its `provider` column."""
    if name == "360dialog":
        return Provider(name, d360_base_url.rstrip("/"), "", "D360-API-KEY", "")
    return Provider(name, graph_base_url.rstrip("/"), f"/{phone_number_id}", "Authorization", "Bearer ")
