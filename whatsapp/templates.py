"""What WhatsApp says of a message template: its status, quality, category or wording."""

from __future__ import annotations

from typing import Any

from whatsapp.envelope import Change, JsonObject, Row, text
from whatsapp.facts import fact
from whatsapp.scalars import identifier

COLUMNS = frozenset({"message_template_id", "message_template_name", "message_template_language"})
# Keys that say in each field's own words what a template simply has; the later wins.
PLAIN = {
    "event": "status",
    "message_template_category": "category",
    "new_category": "category",
    "new_quality_score": "quality",
}
BUTTON_PREFIX = "message_template_button_"
# A template's wording as a webhook flattens it, and the component each piece is of.
PIECES = {
    "message_template_title": "HEADER",
    "message_template_element": "BODY",
    "message_template_footer": "FOOTER",
}


def is_template(change: Change) -> bool:
    """Whether a change is about a template, whatever its field is called: Meta's own samples name the wrong one."""
    return "message_template_id" in change.value or "message_template_name" in change.value


def template(event_id: int, change: Change) -> Row:
    """The fact. Raises ValueError when the template has neither id nor name, or one that no index takes."""
    value = change.value
    template_id, name = identifier(value, "message_template_id"), identifier(value, "message_template_name")
    if template_id is None and name is None:
        raise ValueError("names no template")
    return fact(event_id, "template", change, value.get("timestamp")) | {
        "template_id": template_id,
        "name": name,
        "language": identifier(value, "message_template_language"),
        "details": _details(value),
    }


def _details(value: JsonObject) -> JsonObject:
    details = {key: item for key, item in value.items() if key not in COLUMNS and key not in PLAIN}
    for key, plain in PLAIN.items():
        if value.get(key) is not None:
            details[plain] = value[key]
    components = _components(value)
    if components:
        details["components"] = components
    return details


def _components(value: JsonObject) -> list[JsonObject]:
    """The wording in the form in which the API gives a template's components."""
    components: list[JsonObject] = [
        {"type": kind, "format": "TEXT", "text": value[key]} if kind == "HEADER" else {"type": kind, "text": value[key]}
        for key, kind in PIECES.items()
        if text(value.get(key)) is not None
    ]
    buttons = value.get("message_template_buttons")
    if isinstance(buttons, list) and buttons:
        components.append({"type": "BUTTONS", "buttons": [_button(button) for button in buttons]})
    return components


def _button(button: Any) -> Any:
    if not isinstance(button, dict):
        return button
    return {key.removeprefix(BUTTON_PREFIX): value for key, value in button.items()}
