"""The webhook bodies under tests/payloads, one per case, all of one number and one customer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from whatsapp.envelope import Endpoint, JsonObject
from whatsapp.normalise import Normalised, normalise

FOLDER = Path(__file__).parents[1] / "payloads"

NUMBER = "106540352242922"
WABA = "102290129340398"
STRANGER = "999000111222333"
CUSTOMER = "972501234567"
BSUID = "IL.13491208655302741918"
INBOUND = "wamid.HBgMOTcyNTAxMjM0NTY3FQIAEhgWM0VCMEE5QjFDMkQzRTRGNUE2QjdDOAA="
OUTBOUND = "wamid.HBgMOTcyNTAxMjM0NTY3FQIAERgSQjE2RjQ3RDA5QTg2QzEyRTVGAA=="
PARENT = "IL.ENT.77120394"
NEW_PHONE = "972587654321"
NEW_BSUID = "IL.20202020202020202020"
SHA256 = "6Ks7pr3rB6lX0l1GdJXvBKoSJHNEgeR9bzXVTjBXxW8="
GROUP = "HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA"
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


def of(name: str, endpoint: Endpoint = AT_NUMBER) -> Normalised:
    """What becomes of a case."""
    return normalise(1, endpoint, payload(name))


def only_message(name: str) -> dict[str, Any]:
    """The one message of a case in which nothing is wrong."""
    result = of(name)
    assert (result.problems, len(result.messages), len(result.statuses)) == ([], 1, 0)
    return result.messages[0]


def only_status(name: str) -> dict[str, Any]:
    """The one status of a case in which nothing is wrong."""
    result = of(name)
    assert (result.problems, len(result.messages), len(result.statuses)) == ([], 0, 1)
    return result.statuses[0]


def only_fact(name: str) -> dict[str, Any]:
    """The one fact of a case in which nothing is wrong."""
    result = of(name)
    assert (result.problems, len(result.facts), len(result.statuses)) == ([], 1, 0)
    return result.facts[0]
