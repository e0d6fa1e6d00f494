"""What a template leaves open, and the content of a message that fills it in (Meta, sending message templates)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from whatsapp.envelope import JsonObject, objects, text

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
# Meta gives the button of a one-time code as this address.
_OTP_ADDRESS = "https://www.whatsapp.com/otp/"
# What stands in for a file, a place or a time until somebody fills in their own.
_SAMPLES: dict[str, Any] = {
    "image": {"link": "https://example.com/picture.jpg"},
    "video": {"link": "https://example.com/video.mp4"},
    "document": {"link": "https://example.com/document.pdf", "filename": "document.pdf"},
    "location": {"latitude": 32.0853, "longitude": 34.7818, "name": "<name>", "address": "<address>"},
    "product": {"product_retailer_id": "<product id>", "catalog_id": "<catalog id>"},
    "coupon_code": "<coupon code>",
    "limited_time_offer": {"expiration_time_ms": 1893456000000},
    "action": {
        "thumbnail_product_retailer_id": "<product id>",
        "sections": [{"title": "<title>", "product_items": [{"product_retailer_id": "<product id>"}]}],
    },
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing to fill in: `place` is header, body, button 0 or card 0 body; `kind` is the parameter's type."""

    place: str
    name: str
    """As the template writes it: 1, first_name; of what is no text its kind."""
    kind: str
    example: str | None


@dataclass(frozen=True, slots=True)
class Filling:
    """`content` is that of a message of type template, with <…> where somebody's own words go."""

    variables: list[Variable]
    content: JsonObject


def filling(name: str, language: str, components: Any) -> Filling:
    """How to send a template, from its components as Graph gives them. What cannot be read of them is left out."""
    defined = list(objects(components))
    filler = _Filler(is_code=any(_is_code(button) for _, button in _buttons(defined)))
    filled = filler.components(defined, "")
    content: JsonObject = {"name": name, "language": {"code": language}}
    return Filling(filler.variables, content | ({"components": filled} if filled else {}))


class _Filler:
    """Collects variables while it writes the components that a message has to give."""

    def __init__(self, *, is_code: bool) -> None:
        self.variables: list[Variable] = []
        self._is_code = is_code

    def components(self, defined: list[JsonObject], within: str) -> list[JsonObject]:
        given: list[JsonObject] = []
        for component in defined:
            kind = _kind(component)
            if kind == "header" and _lower(component.get("format")) not in ("text", ""):
                given.append({"type": "header", "parameters": [self._sample(within + kind, component)]})
            elif kind in ("header", "body") and (parameters := self._texts(within + kind, component)):
                given.append({"type": kind, "parameters": parameters})
            elif kind == "limited_time_offer":
                given.append({"type": kind, "parameters": [self._other(within + kind, kind)]})
            elif kind == "carousel" and (cards := self._cards(component)):
                given.append({"type": kind, "cards": cards})
        return given + [self._button(within, index, button) for index, button in _buttons(defined) if _needs(button)]

    def _cards(self, component: JsonObject) -> list[JsonObject]:
        given: list[JsonObject] = []
        for index, card in enumerate(objects(component.get("cards"))):
            filled = self.components(list(objects(card.get("components"))), f"card {index} ")
            given.append({"card_index": index, "components": filled})
        return given

    def _texts(self, place: str, component: JsonObject) -> list[JsonObject]:
        examples = _examples(component)
        names = list(dict.fromkeys(_PLACEHOLDER.findall(text(component.get("text")) or "")))
        return [self._text(place, name, examples.get(name)) for name in names]

    def _text(self, place: str, name: str, example: str | None) -> JsonObject:
        self.variables.append(Variable(place, name, "text", example))
        if name.isdigit():
            return {"type": "text", "text": "<code>" if self._is_code else f"<{place} {name}>"}
        return {"type": "text", "parameter_name": name, "text": f"<{name}>"}

    def _sample(self, place: str, component: JsonObject) -> JsonObject:
        return self._other(place, _lower(component.get("format")), next(iter(_examples(component).values()), None))

    def _other(self, place: str, kind: str, example: str | None = None) -> JsonObject:
        self.variables.append(Variable(place, kind, kind, example))
        return {"type": kind, kind: _SAMPLES.get(kind, {})}

    def _button(self, within: str, index: int, button: JsonObject) -> JsonObject:
        kind, place = _kind(button), f"{within}button {index}"
        if kind == "copy_code":
            parameter = self._other(place, "coupon_code", _first(button.get("example")))
        elif kind == "mpm":
            parameter = self._other(place, "action")
        else:
            parameter = self._text(place, "1", _first(button.get("example")))
            parameter.pop("parameter_name", None)
        # A one-time code's button is called by what it becomes.
        return {
            "type": "button",
            "sub_type": "url" if kind == "otp" else kind,
            "index": str(index),
            "parameters": [parameter],
        }


def _buttons(defined: list[JsonObject]) -> Iterator[tuple[int, JsonObject]]:
    for component in defined:
        if _kind(component) == "buttons":
            yield from enumerate(objects(component.get("buttons")))


def _needs(button: JsonObject) -> bool:
    """Whether a message must say something about a button: about quick replies, catalogs and Flows it may."""
    kind = _kind(button)
    return kind in ("otp", "copy_code", "mpm") or (kind == "url" and bool(_PLACEHOLDER.search(_address(button))))


def _is_code(button: JsonObject) -> bool:
    return _kind(button) == "otp" or _address(button).startswith(_OTP_ADDRESS)


def _address(button: JsonObject) -> str:
    return text(button.get("url")) or ""


def _examples(component: JsonObject) -> dict[str, str]:
    """The samples that a template was submitted with, by placeholder; of a file its handle."""
    given = component.get("example")
    given = given if isinstance(given, dict) else {}
    for key in ("body_text_named_params", "header_text_named_params"):
        if named := list(objects(given.get(key))):
            return {str(one.get("param_name")): str(one.get("example")) for one in named}
    found = next((given[key] for key in ("body_text", "header_text", "header_handle") if given.get(key)), None)
    rows = found if isinstance(found, list) else []
    values = rows[0] if rows and isinstance(rows[0], list) else rows
    return {str(place): str(value) for place, value in enumerate(values, 1)}


def _first(example: Any) -> str | None:
    return text(example[0]) if isinstance(example, list) and example else text(example)


def _kind(item: JsonObject) -> str:
    return _lower(item.get("type"))


def _lower(value: Any) -> str:
    return (text(value) or "").lower()
