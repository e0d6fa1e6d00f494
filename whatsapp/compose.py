"""The content of every kind of message that can be sent: `(type, content)`, content in the Cloud API's own words.

Pure, and no judge: what WhatsApp limits is said here and refused there (code 100, 131008 or 131009). Limits are Meta's
message reference's. A `file` is a media id of the provider's, or an http(s) address that WhatsApp fetches and keeps for
ten minutes. A `header` is a line of text, or Meta's object such as `{"type": "image", "image": {"id": "…"}}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

JsonObject = dict[str, Any]
Content = tuple[str, Any]
Header = str | Mapping[str, Any]
MediaKind = Literal["image", "video", "audio", "document", "sticker"]


def text(body: str, *, preview_url: bool = False) -> Content:
    """Words."""
    return "text", {"body": body} | ({"preview_url": True} if preview_url else {})


def media(
    kind: MediaKind, file: str, *, caption: str | None = None, filename: str | None = None, voice: bool = False
) -> Content:
    """A file."""
    place = "link" if file.startswith(("https://", "http://")) else "id"
    return kind, _given({place: file, "caption": caption, "filename": filename, "voice": voice or None})


def location(latitude: float, longitude: float, *, name: str | None = None, address: str | None = None) -> Content:
    """A place, in degrees."""
    return "location", _given({"latitude": latitude, "longitude": longitude, "name": name, "address": address})


def contacts(cards: Sequence[Mapping[str, Any]]) -> Content:
    """Contact cards."""
    return "contacts", [dict(card) for card in cards]


def reaction(wamid: str, emoji: str) -> Content:
    """An emoji on a message; an empty one takes it back."""
    return "reaction", {"message_id": wamid, "emoji": emoji}


def template(name: str, language: str, components: Sequence[Mapping[str, Any]] = ()) -> Content:
    """An approved template with what fills its places."""
    content: JsonObject = {"name": name, "language": {"code": language}}
    if components:
        content["components"] = [dict(component) for component in components]
    return "template", content


def interactive(
    kind: str,
    action: Mapping[str, Any],
    *,
    body: str | None = None,
    header: Header | None = None,
    footer: str | None = None,
) -> Content:
    """Any interactive message."""
    if isinstance(header, str):
        header = {"type": "text", "text": header}
    content = {
        "type": kind,
        "header": header,
        "body": {"text": body} if body is not None else None,
        "footer": {"text": footer} if footer is not None else None,
        "action": dict(action),
    }
    return "interactive", _given(content)


def button_action(buttons: Mapping[str, str]) -> JsonObject:
    """Reply buttons: ids to titles, in their order."""
    return {"buttons": [{"type": "reply", "reply": {"id": id_, "title": title}} for id_, title in buttons.items()]}


def list_action(button: str, sections: Sequence[Mapping[str, Any]]) -> JsonObject:
    """The button that opens a list, and its sections `{title?, rows: [{id, title, description?}]}`."""
    return {"button": button, "sections": [dict(section) for section in sections]}


def named_action(name: str, parameters: Mapping[str, Any] | None = None) -> JsonObject:
    """An action that is called by its name."""
    return {"name": name} if parameters is None else {"name": name, "parameters": dict(parameters)}


def cta_url_action(display_text: str, url: str) -> JsonObject:
    """One button that opens an address."""
    return named_action("cta_url", {"display_text": display_text, "url": url})


def flow_action(
    cta: str,
    *,
    flow_id: str | None = None,
    flow_name: str | None = None,
    flow_token: str | None = None,
    mode: Literal["draft", "published"] | None = None,
    flow_action: Literal["navigate", "data_exchange"] | None = None,
    payload: Mapping[str, Any] | None = None,
) -> JsonObject:
    """One button that opens a Flow, named by one of id and name; `payload` is `{screen, data?}` to navigate to."""
    parameters = {
        "flow_message_version": "3",
        "flow_id": flow_id,
        "flow_name": flow_name,
        "flow_cta": cta,
        "flow_token": flow_token,
        "mode": mode,
        "flow_action": flow_action,
        "flow_action_payload": payload,
    }
    return named_action("flow", _given(parameters))


def product_list_action(catalog_id: str, sections: Mapping[str, Sequence[str]]) -> JsonObject:
    """Products of a catalogue: section titles to retailer ids."""
    shown = [
        {"title": title, "product_items": [{"product_retailer_id": product} for product in products]}
        for title, products in sections.items()
    ]
    return {"catalog_id": catalog_id, "sections": shown}


def catalog_action(thumbnail_product_retailer_id: str | None = None) -> JsonObject:
    """The whole catalogue, shown by one product's picture or the first's."""
    if thumbnail_product_retailer_id is None:
        return named_action("catalog_message")
    return named_action("catalog_message", {"thumbnail_product_retailer_id": thumbnail_product_retailer_id})


def address_action(country: str, values: Mapping[str, Any] | None = None) -> JsonObject:
    """A form for an address, `values` filled in."""
    return named_action("address_message", _given({"country": country, "values": values}))


def carousel_action(cards: Sequence[Mapping[str, Any]]) -> JsonObject:
    """Cards in their order: `{type, header?, body?, action}`; their `card_index` is counted here."""
    return {"cards": [{"card_index": index, **card} for index, card in enumerate(cards)]}


def _given(content: Mapping[str, Any]) -> JsonObject:
    return {key: value for key, value in content.items() if value is not None}
