"""One shape per type, told three times: by the normaliser, by the models, by docs/messages.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.whatsapp.payload import AT_META, names, of
from whatsapp.content import CONTENT_MODELS
from whatsapp.shaping import SHAPES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/messages.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^##? |\Z)", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLES = [
    (kind, name, content)
    for kind, section in SECTIONS.items()
    for name, content in re.findall(r"`(\w+)\.json` gives\n\n```json\n(.*?)\n```", section, re.DOTALL)
]


def test_the_page_has_a_section_with_an_example_for_every_shape() -> None:
    assert SECTIONS.keys() == CONTENT_MODELS.keys()
    assert {kind for kind, _, _ in EXAMPLES} == CONTENT_MODELS.keys()
    assert PAGE.count("```json") == len(EXAMPLES)


@pytest.mark.parametrize(("kind", "name", "content"), EXAMPLES, ids=lambda value: value[:40])
def test_an_example_on_the_page_is_what_its_payload_gives(kind: str, name: str, content: str) -> None:
    example = json.loads(content)
    CONTENT_MODELS[kind].model_validate(example)
    assert example in [message["content"] for message in of(name, AT_META).messages if message["type"] == kind]


@pytest.mark.parametrize("name", names())
def test_every_payloads_content_has_its_types_shape(name: str) -> None:
    for message in of(name, AT_META).messages:
        if message["type"] in CONTENT_MODELS:
            CONTENT_MODELS[message["type"]].model_validate(message["content"])
        else:
            assert name.startswith("brand_new")


def test_every_type_that_is_checked_has_a_shape() -> None:
    assert SHAPES.keys() - {"voice"} <= CONTENT_MODELS.keys()


def test_every_payload_is_the_case_of_some_test() -> None:
    told = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [
        name for name in names() if f'"{name}"' not in told and f'"{name.removeprefix("status_")}"' not in told
    ] == []
