"""The webhook bodies under tests/payloads, one per case, all of one number and one customer."""

from __future__ import annotations

import json
from pathlib import Path

from whatsapp.envelope import Endpoint, JsonObject

FOLDER = Path(__file__).parents[1] / "payloads"

NUMBER = "106540352242922"
WABA = "102290129340398"
CUSTOMER = "972501234567"
BSUID = "IL.13491208655302741918"
INBOUND = "wamid.HBgMOTcyNTAxMjM0NTY3FQIAEhgWM0VCMEE5QjFDMkQzRTRGNUE2QjdDOAA="
OUTBOUND = "wamid.HBgMOTcyNTAxMjM0NTY3FQIAERgSQjE2RjQ3RDA5QTg2QzEyRTVGAA=="
OUR_MESSAGE = "5b1d2c3e-4f5a-4b6c-8d7e-9f0a1b2c3d4e"

AT_NUMBER = Endpoint("360dialog", phone_number_id=NUMBER)
AT_WABA = Endpoint("360dialog", waba_id=WABA)
AT_META = Endpoint("meta")


def payload(name: str) -> JsonObject:
    """One body as the provider posts it."""
    body: JsonObject = json.loads((FOLDER / f"{name}.json").read_text())
    return body


def names() -> list[str]:
    """Every case there is."""
    return sorted(file.stem for file in FOLDER.glob("*.json"))
