"""What the control interface is sent."""

from __future__ import annotations

import base64
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from devstack.provider.records import JSON


class Batch(BaseModel):
    """Each message as for /_control/inbound, without the number."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    messages: list[JSON] = Field(min_length=1, max_length=1000)


class RawWebhook(BaseModel):
    """One of: `body` (JSON), `raw` (text as it is), `raw_base64` (any bytes)."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    body: Any = None
    raw: str | None = None
    raw_base64: str | None = None

    @model_validator(mode="after")
    def _has_one_body(self) -> RawWebhook:
        if len(self.model_fields_set & {"body", "raw", "raw_base64"}) != 1:
            raise ValueError("give one of body, raw and raw_base64")
        return self

    def bytes(self) -> bytes:
        if self.raw_base64 is not None:
            return base64.b64decode(self.raw_base64)
        return self.raw.encode() if self.raw is not None else json.dumps(self.body).encode()


class TemplateInput(BaseModel):
    """A template of the number's WABA."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    name: str
    language: str = "en_US"
    status: Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"] = "APPROVED"
    category: str = "UTILITY"
    components: list[JSON]
    parameter_format: Literal["POSITIONAL", "NAMED"] = "POSITIONAL"
    notify: bool = False


class ClockChange(BaseModel):
    """Everyone's clock, or one number's."""

    model_config = ConfigDict(extra="forbid")

    offset_seconds: float
    phone_number_id: str | None = None
