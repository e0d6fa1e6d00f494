"""The shape of `messages.content` for every type that WhatsApp documents, as docs/messages.md tells it.

For who reads messages, and for the tests that hold normaliser and page to it; nothing validates a webhook with these
on its way in. What may be missing is optional, and what is new stays: every shape lets further keys through.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel


class Part(BaseModel):
    """Anything of WhatsApp's. Types are meant exactly: a number is no text."""

    model_config = ConfigDict(extra="allow", strict=True)


class WhatsAppError(Part):
    """What went wrong, in WhatsApp's words."""

    code: int
    title: str | None = None
    message: str | None = None
    error_data: dict[str, Any] | None = None
    href: str | None = None


class Product(Part):
    """A catalogue item that a question is about."""

    catalog_id: str | None = None
    product_retailer_id: str | None = None


class Context(Part):
    """What a message refers to, where that is more than a reply."""

    id: str | None = None
    from_: str | None = Field(default=None, alias="from")
    forwarded: bool | None = None
    frequently_forwarded: bool | None = None
    referred_product: Product | None = None


class Referral(Part):
    """The ad or post that the customer came from. `ctwa_clid` is missing for ads in Status."""

    source_url: str | None = None
    source_id: str | None = None
    source_type: str | None = None
    headline: str | None = None
    body: str | None = None
    media_type: str | None = None
    image_url: str | None = None
    video_url: str | None = None
    thumbnail_url: str | None = None
    ctwa_clid: str | None = None
    welcome_message: dict[str, Any] | None = None


class Identity(Part):
    """The customer's security key, when the number checks it."""

    acknowledged: bool | None = None
    created_timestamp: str | int | None = None
    hash: str | None = None


class Content(Part):
    """What any type may carry beside its own words: only what was there, under WhatsApp's own key."""

    context: Context | None = None
    referral: Referral | None = None
    identity: Identity | None = None
    errors: list[WhatsAppError] | None = None
    from_: str | None = Field(default=None, alias="from")
    """In a group, who wrote; elsewhere the conversation says it."""
    from_user_id: str | None = None


class Text(Content):
    """Words."""

    body: str


class Media(Content):
    """A picture, film, sound or file. The file itself is in the media columns."""

    caption: str | None = None


class Audio(Media):
    """A sound. `voice`: recorded in the chat."""

    voice: bool | None = None


class Sticker(Media):
    """A sticker."""

    animated: bool | None = None


class Location(Content):
    """A place."""

    latitude: float | str
    longitude: float | str
    name: str | None = None
    address: str | None = None
    url: str | None = None


class Card(Content):
    """One contact of a contacts message. Any part may be missing, the name too."""

    name: dict[str, Any] | None = None
    phones: list[dict[str, Any]] | None = None
    emails: list[dict[str, Any]] | None = None
    addresses: list[dict[str, Any]] | None = None
    urls: list[dict[str, Any]] | None = None
    org: dict[str, Any] | None = None
    birthday: str | None = None
    vcard: str | None = None
    origin: str | None = None
    """`contact_request`: the customer's own, given because we asked."""


class Contacts(RootModel[list[Card]]):
    """Contact cards. What came beside them is in the first."""


class Button(Content):
    """A tap on a template's quick-reply button."""

    text: str | None = None
    payload: str | None = None


class Choice(Part):
    """A tapped button or chosen row of an interactive message."""

    id: str | None = None
    title: str | None = None
    description: str | None = None


class FlowReply(Part):
    """A finished Flow or address form. `response_json` is JSON as text."""

    name: str | None = None
    body: str | None = None
    response_json: str | None = None


class CallPermission(Part):
    """Whether we may call."""

    response: str | None = None
    expiration_timestamp: int | str | None = None
    response_source: str | None = None


class Interactive(Content):
    """The answer to an interactive message, under the key that `type` names."""

    type: str
    button_reply: Choice | None = None
    list_reply: Choice | None = None
    nfm_reply: FlowReply | None = None
    call_permission_reply: CallPermission | None = None


class Reaction(Content):
    """An emoji on a message. Empty or missing: it was taken back."""

    message_id: str
    emoji: str | None = None


class OrderItem(Product):
    """A line of an order."""

    quantity: int | str | None = None
    item_price: float | str | None = None
    currency: str | None = None


class Order(Content):
    """A cart sent out of a catalogue."""

    catalog_id: str | None = None
    text: str | None = None
    product_items: list[OrderItem]


class System(Content):
    """WhatsApp's own word in the thread: a changed number, user id or security key."""

    type: str | None = None
    body: str | None = None
    wa_id: str | None = None
    new_wa_id: str | None = None
    customer: str | None = None
    user_id: str | None = None
    previous_user_id: str | None = None
    parent_user_id: str | None = None


class Unsupported(Content):
    """Something was sent that WhatsApp does not pass on, or that did not come whole."""

    type: Any = None


class Edit(Content):
    """New words for an earlier message."""

    original_message_id: str
    message: dict[str, Any] | None = None


class Revoke(Content):
    """An earlier message was deleted for everyone."""

    original_message_id: str


CONTENT_MODELS: dict[str, type[BaseModel]] = {
    "text": Text,
    "image": Media,
    "video": Media,
    "document": Media,
    "audio": Audio,
    "sticker": Sticker,
    "location": Location,
    "contacts": Contacts,
    "button": Button,
    "interactive": Interactive,
    "reaction": Reaction,
    "order": Order,
    "system": System,
    "unsupported": Unsupported,
    "unknown": Unsupported,
    "edit": Edit,
    "revoke": Revoke,
    # Once WhatsApp's, or of a phone's history only: nothing but what came beside.
    "ephemeral": Content,
    "request_welcome": Content,
    "media_placeholder": Content,
}
