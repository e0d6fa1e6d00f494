"""Breaks a good message at one place."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Place = tuple[str | int, ...]

# Longer than anything WhatsApp takes.
LENGTH = 33_000


@dataclass(frozen=True)
class Breakage:
    """What was done to which message; for the test to name."""

    name: str
    kind: str
    place: Place
    how: str
    value: Any = None

    @property
    def is_null(self) -> bool:
        return self.how == "of another kind" and self.value is None

    def __str__(self) -> str:
        return f"{self.name}: {'.'.join(map(str, self.place))} {self.how} ({str(self.value)[:40]})"


def places_of(value: Any, place: Place = ()) -> list[Place]:
    """Every place inside, outermost first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, one in inner for found in [(*place, key), *places_of(one, (*place, key))]]


@st.composite
def broken(draw: st.DrawFn, name: str, kind: str, content: Any, place: Place) -> tuple[Any, Breakage]:
    """A copy with one field dropped, lengthened, emptied or of another kind."""
    content = copy.deepcopy(content)
    holder = content
    for key in place[:-1]:
        holder = holder[key]
    former, last = holder[place[-1]], place[-1]
    how = draw(st.sampled_from(["dropped", "of another kind", *_ways(former)]))
    if how == "dropped":
        del holder[last]
        return content, Breakage(name, kind, place, how)
    value = {
        "lengthened": f"{former}{'x' * LENGTH}",
        "misspelt": f"{former}x",
        "blanked": "  ",
        "emptied": [],
    }.get(how)
    if how == "repeated":
        value = former * 40
    elif how == "of another kind":
        kinds: list[Any] = [7, True, "x", [], {}, None]
        value = draw(st.sampled_from([other for other in kinds if type(other) is not type(former)]))
    holder[last] = value
    return content, Breakage(name, kind, place, how, value)


def _ways(former: Any) -> list[str]:
    if isinstance(former, str):
        return ["lengthened", "misspelt", "blanked"]
    return ["emptied", "repeated"] if isinstance(former, list) else []
