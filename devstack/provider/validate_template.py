"""Whether the parameters of a template send fit the template: 132000, 132012, 131008 and their kin. Raises ApiError."""

from __future__ import annotations

from typing import Any

from devstack.provider.errors import ApiError
from devstack.provider.limits import media
from devstack.provider.records import JSON
from devstack.provider.shapes import anything, array, by_key, matching, shape, text
from devstack.provider.templates import Template, component_of, placeholders

_TYPE = {"type": anything}
_AMOUNT = matching(r"-?\d+", "an integer")
_CURRENCY = shape({"fallback_value": text(100), "code": text(3), "amount_1000": _AMOUNT})
_NAMED = {"parameter_name": text(200)}
_PARAMETER = by_key(
    "type",
    {
        "text": shape({**_TYPE, "text": text(32768)}, _NAMED),
        "currency": shape({**_TYPE, "currency": _CURRENCY}, _NAMED),
        "date_time": shape(
            {**_TYPE, "date_time": shape({"fallback_value": text(100)}, {"calendar": anything})}, _NAMED
        ),
        "image": shape({**_TYPE, "image": media()}, _NAMED),
        "video": shape({**_TYPE, "video": media()}, _NAMED),
        "document": shape({**_TYPE, "document": media({"filename": text(240)})}, _NAMED),
        "location": shape({**_TYPE, "location": anything}, _NAMED),
        "product": shape({**_TYPE, "product": anything}),
        "payload": shape({**_TYPE, "payload": text(256)}),
        "coupon_code": shape({**_TYPE, "coupon_code": text(20)}),
        "action": shape({**_TYPE, "action": anything}),
        "limited_time_offer": shape(
            {**_TYPE, "limited_time_offer": shape({"expiration_time_ms": matching(r"\d+", "milliseconds")})}
        ),
    },
)
_PARAMETERS = {"parameters": array(_PARAMETER, 0, 100)}
_PLAIN = shape(_TYPE, _PARAMETERS)
_COMPONENT = by_key(
    "type",
    {
        "header": _PLAIN,
        "body": _PLAIN,
        "limited_time_offer": _PLAIN,
        "button": shape({**_TYPE, "sub_type": text(40), "index": matching(r"\d", "an index from 0 to 9")}, _PARAMETERS),
        "carousel": shape({**_TYPE, "cards": array(anything, 1, 10)}),
    },
)
_COMPONENTS = array(_COMPONENT, 0, 20)
_CARD = shape({"card_index": matching(r"\d", "an index from 0 to 9"), "components": _COMPONENTS})

# What a button needs at send time. A URL button needs it only when its URL has a placeholder.
_BUTTON_PARAMETER = {"url": "text", "copy_code": "coupon_code"}
_TEXTUAL = ("text", "currency", "date_time")


def check_template_send(content: JSON, template: Template) -> None:
    """The components given against those of the template."""
    given = content.get("components", [])
    _COMPONENTS(given, "template['components']")
    _check_components(template, template.components, given)


def _check_components(template: Template, defined: list[JSON], given: list[JSON]) -> None:
    _check_header(template, component_of(defined, "header"), component_of(given, "header"))
    _check_text(template, "body", component_of(defined, "body"), component_of(given, "body"), 1024)
    _check_buttons(component_of(defined, "buttons"), [c for c in given if str(c["type"]).lower() == "button"])
    if component_of(defined, "limited_time_offer") and not component_of(given, "limited_time_offer"):
        raise ApiError(131008, "limited_time_offer: the expiration time is required")
    _check_cards(template, component_of(defined, "carousel"), component_of(given, "carousel"))


def _check_header(template: Template, defined: JSON | None, given: JSON | None) -> None:
    wanted = str((defined or {}).get("format", "text")).lower()
    if wanted == "text":
        _check_text(template, "header", defined, given, 60)
        return
    parameters = (given or {}).get("parameters", [])
    received = parameters[0]["type"].lower() if parameters else "unknown"
    if received != wanted:
        raise ApiError(132012, f"header: Format mismatch, expected {wanted.upper()}, received {received.upper()}")


def _check_text(template: Template, part: str, defined: JSON | None, given: JSON | None, limit: int) -> None:
    written = (defined or {}).get("text", "")
    wanted, parameters = placeholders(written), (given or {}).get("parameters", [])
    if len(parameters) != len(wanted):
        raise ApiError(
            132000,
            f"{part}: number of localizable_params ({len(parameters)}) does not match the expected number of "
            f"params ({len(wanted)})",
        )
    values = [_text_of(part, parameter) for parameter in parameters]
    if template.parameter_format == "NAMED":
        _check_names(part, wanted, parameters)
    if len(written) - sum(len(name) + 4 for name in wanted) + sum(map(len, values)) > limit:
        raise ApiError(132005, f"{part}: the text is too long once its parameters are filled in")


def _text_of(part: str, parameter: JSON) -> str:
    kind = parameter["type"].lower()
    if kind not in _TEXTUAL:
        raise ApiError(132012, f"{part}: Format mismatch, expected TEXT, received {kind.upper()}")
    if kind != "text":
        return str(parameter[kind]["fallback_value"])
    value = str(parameter["text"])
    if any(mark in value for mark in ("\n", "\t", "     ")):
        raise ApiError(100, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    return value


def _check_names(part: str, wanted: list[str], parameters: list[JSON]) -> None:
    names = [parameter.get("parameter_name") for parameter in parameters]
    if None in names:
        raise ApiError(100, f"{part}: Parameter name is missing or empty")
    if set(names) != set(wanted):
        raise ApiError(132000, f"{part}: the parameters named are {names}, the template has {wanted}")


def _check_buttons(defined: JSON | None, given: list[JSON]) -> None:
    buttons = (defined or {}).get("buttons", [])
    by_index = {int(component["index"]): component for component in given}
    if by_index and max(by_index) >= len(buttons):
        raise ApiError(131009, f"buttons: the template has no button at index {max(by_index)}")
    for index, button in enumerate(buttons):
        _check_button(index, button, by_index.get(index))


def _check_button(index: int, button: JSON, given: JSON | None) -> None:
    kind = str(button.get("type", "")).lower()
    if given is not None and given["sub_type"].lower() != kind:
        raise ApiError(132012, f"buttons: Button at index {index} is of type {kind}, not {given['sub_type'].lower()}")
    wanted = _BUTTON_PARAMETER.get(kind)
    if wanted is None or (kind == "url" and not placeholders(button.get("url", ""))):
        return
    parameters: list[Any] = (given or {}).get("parameters", [])
    if not parameters:
        raise ApiError(131008, f"buttons: Button at index {index} of type {kind.capitalize()} requires a parameter")
    if parameters[0]["type"].lower() != wanted:
        raise ApiError(132012, f"buttons: Button at index {index} requires a parameter of type {wanted}")


def _check_cards(template: Template, defined: JSON | None, given: JSON | None) -> None:
    cards, filled = (defined or {}).get("cards", []), (given or {}).get("cards", [])
    if len(cards) != len(filled):
        raise ApiError(132012, f"carousel: the template has {len(cards)} cards, the message {len(filled)}")
    for index, (card, content) in enumerate(zip(cards, filled, strict=True)):
        _CARD(content, f"template['carousel']['cards'][{index}]")
        _check_components(template, card.get("components", []), content["components"])
