"""`python -m examples.demo [--once]`: plays a conversation on a running stack and tells it as it happens."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys

import httpx
from postgrest.exceptions import APIError
from storage3.exceptions import StorageApiError
from supabase_auth.errors import AuthError

from examples.demo.live import stay
from examples.demo.narrator import Narrator
from examples.demo.settings import MissingSettings, Settings
from examples.demo.stage import set_up
from examples.demo.story import play
from examples.demo.waiting import NotSeen


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--deadline", type=float, default=15, metavar="SECONDS", help="for each thing awaited (15)")
    return parser.parse_args()


async def run(settings: Settings, narrator: Narrator, deadline: float, once: bool) -> None:
    narrator.title("Wabase: a WhatsApp conversation through all three flows")
    async with set_up(settings, narrator, deadline) as stage:
        await play(stage)
        if not once:
            # Ctrl-C is how this is meant to end; during the story it is an interruption.
            with contextlib.suppress(asyncio.CancelledError):
                await stay(stage)


def main() -> int:
    # Realtime's client logs every failed attempt. We poll as well, so a silent doorbell is no news.
    logging.getLogger("realtime").setLevel(logging.CRITICAL)
    chosen = arguments()
    narrator = Narrator(sys.stdout, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    try:
        settings = Settings.from_environment(os.environ)
        asyncio.run(run(settings, narrator, chosen.deadline, chosen.once))
    except MissingSettings as missing:
        print(f"demo: {missing}", file=sys.stderr)
        return 2
    except (NotSeen, APIError, StorageApiError, AuthError, httpx.HTTPError) as reason:
        narrator.failed(str(reason) or type(reason).__name__)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
