"""Message templates of the WABAs: their store, and the rules for creating one."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from devstack.provider.errors import ApiError
from devstack.provider.limits import ADDRESS
from devstack.provider.records import JSON
from devstack.provider.shapes import anything, array, by_key, matching, one_of, shape, text

LIMIT_PER_WABA = 250

_BUTTON = by_key(
    "type",
    {
        "quick_reply": shape({"type": anything, "text": text(25)}),
        "url": shape({"type": anything, "text": text(25), "url": ADDRESS}, {"example": anything}),
        "phone_number": shape({"type": anything, "text": text(25), "phone_number": text(20)}),
        "copy_code": shape({"type": anything}, {"example": anything, "text": text(25)}),
    }
    | dict.fromkeys(("otp", "flow", "catalog", "mpm", "voice_call", "request_contact_info", "spm"), anything),
)
_COMPONENT = by_key(
    "type",
    {
        "header": shape(
            {
                "type": anything,
                "format": matching(r"(?i)text|image|video|document|location|product", "a header format"),
            },
            {"text": text(60), "example": anything},
        ),
        "body": shape(
            {"type": anything},
            {"text": text(1024), "example": anything, "add_security_recommendation": anything},
        ),
        "footer": shape({"type": anything}, {"text": text(60), "code_expiration_minutes": anything}),
        "buttons": shape({"type": anything, "buttons": array(_BUTTON, 1, 10)}),
        "carousel": anything,
        "limited_time_offer": anything,
    },
)
CREATION = shape(
    {
        "name": matching(r"[a-z0-9_]{1,512}", "lowercase letters, digits and underscores"),
        "language": text(16),
        "category": matching(r"(?i)marketing|utility|authentication", "one of MARKETING, UTILITY, AUTHENTICATION"),
        "components": array(_COMPONENT, 1, 10),
    },
    {
        "parameter_format": one_of("POSITIONAL", "NAMED", "positional", "named"),
        "message_send_ttl_seconds": anything,
        "allow_category_change": anything,
    },
)


@dataclass
class Template:
    """One language of a template."""

    id: str
    name: str
    language: str
    category: str
    components: list[JSON]
    status: str = "PENDING"
    parameter_format: str = "POSITIONAL"
    quality_score: JSON = field(default_factory=lambda: {"score": "UNKNOWN"})

    def component(self, kind: str) -> JSON | None:
        return component_of(self.components, kind)

    def shown(self, fields: list[str] | None = None) -> JSON:
        """As the edge lists it; the id always comes along."""
        row: JSON = dict(self.__dict__)
        return {name: value for name, value in row.items() if fields is None or name in (*fields, "id")}


def component_of(components: list[JSON], kind: str) -> JSON | None:
    """The component of a type, in whatever case it is written."""
    return next((c for c in components if str(c.get("type", "")).lower() == kind), None)


def placeholders(written: str) -> list[str]:
    """The distinct `{{…}}` of a text in their order."""
    return list(dict.fromkeys(re.findall(r"\{\{\s*(\w+)\s*\}\}", written)))


class Templates:
    """All templates by WABA, name and language."""

    def __init__(self) -> None:
        self._templates: dict[tuple[str, str, str], Template] = {}
        self._ids = itertools.count(900_000_000_000_001)

    def of_waba(self, waba_id: str) -> list[Template]:
        return [template for (owner, _, _), template in self._templates.items() if owner == waba_id]

    def put(self, waba_id: str, fields: JSON) -> Template:
        """Adds a template or replaces its language, without asking: the control's way."""
        key = (waba_id, fields["name"], fields["language"])
        former = self._templates.get(key)
        template = Template(id=former.id if former else str(next(self._ids)), **_completed(fields))
        self._templates[key] = template
        return template

    def create(self, waba_id: str, fields: Any) -> Template:
        """The API's way: checked, and PENDING until somebody approves it. Raises ApiError."""
        CREATION(fields, "template")
        if (waba_id, fields["name"], fields["language"]) in self._templates:
            raise ApiError(100, "Content in this language already exists", subcode=2388024)
        if len(self.of_waba(waba_id)) >= LIMIT_PER_WABA:
            raise ApiError(100, "The limit of message templates for this account is reached", subcode=2388019)
        wanted = {name: fields[name] for name in ("name", "language", "category", "components")}
        given_format = {"parameter_format": str(fields.get("parameter_format", "POSITIONAL")).upper()}
        return self.put(waba_id, wanted | given_format)

    def delete(self, waba_id: str, name: str, template_id: str | None) -> bool:
        """All languages of a name, or the one with the id."""
        doomed = [
            key
            for key, template in self._templates.items()
            if key[:2] == (waba_id, name) and template_id in (None, template.id)
        ]
        for key in doomed:
            del self._templates[key]
        return bool(doomed)

    def find(self, waba_id: str, name: str, language: str) -> Template:
        """The template to send. Raises ApiError for one that is missing or in no state to be sent."""
        template = self._templates.get((waba_id, name, language))
        if template is None or template.status not in ("APPROVED", "PAUSED", "DISABLED"):
            raise ApiError(132001, f"template name ({name}) does not exist in {language}")
        if template.status != "APPROVED":
            raise ApiError(132015 if template.status == "PAUSED" else 132016, f"template ({name}) is {template.status}")
        return template

    def forget(self) -> None:
        self._templates.clear()


def _completed(fields: JSON) -> JSON:
    """Category in capitals; an authentication template gets the text and button that Meta writes for everyone."""
    fields = fields | {"category": str(fields.get("category", "UTILITY")).upper()}
    if fields["category"] == "AUTHENTICATION":
        fields["components"] = [_authentication(component) for component in fields["components"]]
    return fields


def _authentication(component: JSON) -> JSON:
    kind = str(component.get("type", "")).lower()
    if kind == "body" and "text" not in component:
        return component | {"text": "*{{1}}* is your verification code."}
    if kind == "buttons":
        url = "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"
        return component | {"buttons": [{"type": "URL", "text": "Copy code", "url": url}]}
    return component
