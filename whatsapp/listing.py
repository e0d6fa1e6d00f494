"""An account's templates as it lists them, made into what `record_templates` takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from whatsapp.envelope import JsonObject, Row, text
from whatsapp.scalars import identifier


@dataclass(frozen=True, slots=True)
class Listing:
    """All templates of an account, one of each name and language.

    `complete` is whether what is not among them is gone: not where an entry could not be read or a page came twice.
    """

    templates: list[Row]
    complete: bool


async def listing(pages: AsyncIterator[list[JsonObject]]) -> Listing:
    """Reads `AccountClient.templates()` to its end. Raises what that raises: half a list is none."""
    found: dict[tuple[str, str], Row] = {}
    complete = True
    async for page in pages:
        before = len(found)
        for item in page:
            try:
                row = listed(item)
            except ValueError:
                complete = False
                continue
            found[row["name"], row["language"]] = row
        complete = complete and (len(found) > before or not page)
    return Listing(list(found.values()), complete)


def listed(item: JsonObject) -> Row:
    """One template in the columns of `message_templates`, from Graph's own object.

    That is `{id, name, language, status, category, quality_score: {score}, rejected_reason, components}` (Meta, message
    templates edge; 360dialog gives the same). Raises ValueError without a name or language.
    """
    name, language = identifier(item, "name"), identifier(item, "language")
    if not name or not language:
        raise ValueError("a template without name or language")
    score = item.get("quality_score")
    components = item.get("components")
    reason = text(item.get("rejected_reason"))
    return {
        "provider_template_id": identifier(item, "id"),
        "name": name,
        "language": language,
        "status": _word(item.get("status")),
        "category": _word(item.get("category")),
        "quality": _word(score.get("score") if isinstance(score, dict) else score),
        "components": components if isinstance(components, list) else None,
        "reason": None if reason == "NONE" else reason,
    }


def _word(value: Any) -> str | None:
    """A word in the case that Meta writes it in: categories are compared."""
    said = text(value)
    return said.upper() if said else None
