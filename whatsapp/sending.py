"""One method for each kind of message, over one `send`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

from whatsapp import compose
from whatsapp.compose import Content, Header, MediaKind
from whatsapp.outgoing import Outgoing, Recipient, Sent

To = str | Recipient


class Extras(TypedDict, total=False):
    """What may go along with any message: the wamid it quotes, and a text that comes back in every report of it.

    The text has at most 512 characters.
    """

    reply_to_wamid: str | None
    callback_data: str | None


class Around(Extras, total=False):
    """What may stand around a question: lines of at most 60 characters above and below.

    Above it may also be Meta's object for a picture, film or document: `{"type": "image", "image": {"id": "…"}}`.
    """

    header: Header | None
    footer: str | None


class Below(Extras, total=False):
    """What may stand below a question that has no header."""

    footer: str | None


class Sending(ABC):
    """The kinds. `to` is a phone with its country code, a business-scoped user id, or a Recipient with both.

    Nothing is judged here: what WhatsApp does not take, it refuses with code 100, 131008 or 131009.
    """

    @abstractmethod
    async def send(self, message: Outgoing) -> Sent:
        """Sends one message. Raises NotSent, OutcomeUnknown or Refused; only NotSent is safe to repeat blindly."""

    async def send_text_message(
        self, to: To, body: str, *, preview_url: bool = False, **extras: Unpack[Extras]
    ) -> Sent:
        """Words, at most 4096 characters. `preview_url` shows the first address in them."""
        return await self._send(to, compose.text(body, preview_url=preview_url), extras)

    async def send_media_message(
        self,
        to: To,
        kind: MediaKind,
        file: str,
        *,
        caption: str | None = None,
        filename: str | None = None,
        voice: bool = False,
        **extras: Unpack[Extras],
    ) -> Sent:
        """A file of any kind: `file` is a media id, or an http(s) address that WhatsApp can fetch."""
        return await self._send(to, compose.media(kind, file, caption=caption, filename=filename, voice=voice), extras)

    async def send_image_message(
        self, to: To, file: str, *, caption: str | None = None, **extras: Unpack[Extras]
    ) -> Sent:
        """A JPEG or PNG of at most 5 MB; caption at most 1024 characters."""
        return await self._send(to, compose.media("image", file, caption=caption), extras)

    async def send_video_message(
        self, to: To, file: str, *, caption: str | None = None, **extras: Unpack[Extras]
    ) -> Sent:
        """An MP4 (H.264, AAC) or 3GPP of at most 16 MB; caption at most 1024 characters."""
        return await self._send(to, compose.media("video", file, caption=caption), extras)

    async def send_audio_message(self, to: To, file: str, *, voice: bool = False, **extras: Unpack[Extras]) -> Sent:
        """A sound of at most 16 MB. `voice` shows it as recorded in the chat and wants Ogg with Opus, mono."""
        return await self._send(to, compose.media("audio", file, voice=voice), extras)

    async def send_document_message(
        self, to: To, file: str, *, caption: str | None = None, filename: str | None = None, **extras: Unpack[Extras]
    ) -> Sent:
        """A document of at most 100 MB. The extension of `filename` decides how it is shown."""
        return await self._send(to, compose.media("document", file, caption=caption, filename=filename), extras)

    async def send_sticker_message(self, to: To, file: str, **extras: Unpack[Extras]) -> Sent:
        """A WebP of at most 100 KB, animated 500 KB."""
        return await self._send(to, compose.media("sticker", file), extras)

    async def send_location_message(
        self,
        to: To,
        latitude: float,
        longitude: float,
        *,
        name: str | None = None,
        address: str | None = None,
        **extras: Unpack[Extras],
    ) -> Sent:
        """A place, in degrees."""
        return await self._send(to, compose.location(latitude, longitude, name=name, address=address), extras)

    async def send_contacts_message(self, to: To, cards: Sequence[Mapping[str, Any]], **extras: Unpack[Extras]) -> Sent:
        """One to five cards: `{name: {formatted_name, …}, phones?, emails?, addresses?, urls?, org?, birthday?}`."""
        return await self._send(to, compose.contacts(cards), extras)

    async def send_reaction(self, to: To, wamid: str, emoji: str, *, callback_data: str | None = None) -> Sent:
        """An emoji on a message at most 30 days old; "" takes it back. It cannot be a reply."""
        return await self._send(to, compose.reaction(wamid, emoji), {"callback_data": callback_data})

    async def send_template_message(
        self,
        to: To,
        name: str,
        language: str,
        components: Sequence[Mapping[str, Any]] = (),
        **extras: Unpack[Extras],
    ) -> Sent:
        """An approved template, also when the window is closed; `components` as in Meta's reference.

        Authentication templates need a phone: to a user id they are refused with 131062.
        """
        return await self._send(to, compose.template(name, language, components), extras)

    async def send_interactive_message(
        self, to: To, kind: str, action: Mapping[str, Any], body: str | None = None, **around: Unpack[Around]
    ) -> Sent:
        """Any interactive message, with Meta's object for its action; the common kinds have methods of their own."""
        header, footer = around.pop("header", None), around.pop("footer", None)
        content = compose.interactive(kind, action, body=body, header=header, footer=footer)
        return await self._send(to, content, around)

    async def send_button_message(
        self, to: To, body: str, buttons: Mapping[str, str], **around: Unpack[Around]
    ) -> Sent:
        """One to three buttons: ids of at most 256 characters to titles of at most 20; body at most 1024."""
        return await self.send_interactive_message(to, "button", compose.button_action(buttons), body, **around)

    async def send_list_message(
        self, to: To, body: str, button: str, sections: Sequence[Mapping[str, Any]], **around: Unpack[Around]
    ) -> Sent:
        """A button that opens sections `{title?, rows: [{id, title, description?}]}`, at most ten rows in all.

        Titles and the button have at most 24 and 20 characters; the header is text.
        """
        return await self.send_interactive_message(to, "list", compose.list_action(button, sections), body, **around)

    async def send_cta_url_message(
        self, to: To, body: str, display_text: str, url: str, **around: Unpack[Around]
    ) -> Sent:
        """A button of at most 20 characters that opens an address."""
        action = compose.cta_url_action(display_text, url)
        return await self.send_interactive_message(to, "cta_url", action, body, **around)

    async def send_flow_message(
        self,
        to: To,
        body: str,
        cta: str,
        *,
        flow_id: str | None = None,
        flow_name: str | None = None,
        flow_token: str | None = None,
        mode: Literal["draft", "published"] | None = None,
        flow_action: Literal["navigate", "data_exchange"] | None = None,
        payload: Mapping[str, Any] | None = None,
        **around: Unpack[Around],
    ) -> Sent:
        """A button of at most 30 characters that opens a Flow, named by one of id and name."""
        action = compose.flow_action(
            cta,
            flow_id=flow_id,
            flow_name=flow_name,
            flow_token=flow_token,
            mode=mode,
            flow_action=flow_action,
            payload=payload,
        )
        return await self.send_interactive_message(to, "flow", action, body, **around)

    async def send_product_message(
        self, to: To, catalog_id: str, product_retailer_id: str, body: str | None = None, **below: Unpack[Below]
    ) -> Sent:
        """One product of a catalogue."""
        action = {"catalog_id": catalog_id, "product_retailer_id": product_retailer_id}
        return await self.send_interactive_message(to, "product", action, body, **below)

    async def send_product_list_message(
        self,
        to: To,
        body: str,
        header: str,
        catalog_id: str,
        sections: Mapping[str, Sequence[str]],
        **below: Unpack[Below],
    ) -> Sent:
        """Products by section: titles to retailer ids, at most thirty in each."""
        action = compose.product_list_action(catalog_id, sections)
        return await self.send_interactive_message(to, "product_list", action, body, header=header, **below)

    async def send_catalog_message(
        self, to: To, body: str, *, thumbnail_product_retailer_id: str | None = None, **below: Unpack[Below]
    ) -> Sent:
        """The whole catalogue, shown by the picture of one product or of the first."""
        action = compose.catalog_action(thumbnail_product_retailer_id)
        return await self.send_interactive_message(to, "catalog_message", action, body, **below)

    async def send_location_request_message(self, to: To, body: str, **below: Unpack[Below]) -> Sent:
        """Asks where the customer is; the answer is a location message."""
        action = compose.named_action("send_location")
        return await self.send_interactive_message(to, "location_request_message", action, body, **below)

    async def send_address_message(
        self, to: To, body: str, country: str, values: Mapping[str, Any] | None = None, **below: Unpack[Below]
    ) -> Sent:
        """Asks for an address; `country` is two letters, and WhatsApp has this in India only."""
        action = compose.address_action(country, values)
        return await self.send_interactive_message(to, "address_message", action, body, **below)

    async def send_carousel_message(
        self, to: To, body: str, cards: Sequence[Mapping[str, Any]], **extras: Unpack[Extras]
    ) -> Sent:
        """Two to ten cards `{type: "cta_url" | "product", header?, body?, action}`, as in Meta's reference."""
        return await self.send_interactive_message(to, "carousel", compose.carousel_action(cards), body, **extras)

    async def send_contact_request_message(self, to: To, body: str, **below: Unpack[Below]) -> Sent:
        """Asks for the customer's phone number; the answer is a contacts message with `origin: contact_request`.

        The names are those of Meta's page of May 2026; pywa calls the type `request_contact_info`.
        """
        action = compose.named_action("request_contact_info")
        return await self.send_interactive_message(to, "contact_request", action, body, **below)

    async def _send(self, to: To, content: Content, extras: Extras) -> Sent:
        recipient = Recipient.of(to)
        return await self.send(Outgoing(*content, recipient.phone, recipient.bsuid, **extras))
