"""What a part gives back: figures under the names they are shown with, targets, and what was not as it must be."""

from __future__ import annotations

from dataclasses import dataclass, field

Figure = float | int | str | list[float] | dict[str, float] | dict[str, int]


@dataclass(frozen=True)
class Target:
    """A figure and what it should reach: at least, or at most."""

    name: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass
class Outcome:
    """Of one part. `problems` are broken promises, like a lost row; a missed target is none."""

    figures: dict[str, Figure] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
