"""Every command of `wabase` with arguments that it takes, for tests of what all of them do."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ops.__main__ import main
from tests.devstack.provider.simulator import Business

NOBODY = "00000000-0000-4000-8000-000000000000"


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """`inbound list` and the like, all there are."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, (*path, name))
    else:
        yield " ".join(path)


COMMANDS = tuple(leaves(main))


def line_of(command: str, business: Business) -> tuple[tuple[str, ...], str]:
    """Its arguments about a number, and what is typed: the number's own key where one is asked for."""
    place = ("--phone-number-id", business.id, "--waba-id", business.waba_id)
    more: dict[str, tuple[str, ...]] = {
        "connect 360dialog": ("--workspace", NOBODY),
        "connect meta": (*place, "--workspace", NOBODY),
        "disconnect": (business.id, "--yes"),
        "inbound replay": ("1",),
        "inbound show": ("1",),
        "media retry": (NOBODY,),
        "migrate": (business.id, "--to-provider", "meta", *place, "--yes"),
        "outbound explain": (NOBODY,),
        "outbound pause": (business.id,),
        "outbound resume": (business.id,),
        "outbound retry": (NOBODY,),
        "pause": (business.id,),
        "rate": (business.id, "20"),
        "resume": (business.id,),
        "rotate-key": (business.id,),
        "templates show": ("order_ready",),
    }
    key = business.access_token if "meta" in (command.partition(" ")[2], *more.get(command, ())) else business.api_key
    return (*command.split(), *more.get(command, ())), f"{key}\n"
