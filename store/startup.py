"""How each process begins: settings or a clear refusal, `--check`, logs, then its own main."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from store.connect import check, connect
from store.errors import StoreError
from store.settings import ProjectSettings, SettingsError

Settings = TypeVar("Settings", bound=ProjectSettings)


def start(name: str, description: str, settings_type: type[Settings], run: Callable[[Settings], Awaitable[int]]) -> int:
    """The exit status of `python -m <name>`: 2 when the settings are wrong, else what `run` gives."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="print the settings and what they reach, then exit")
    arguments = parser.parse_args()
    try:
        settings = settings_type.load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    _configure_logs()
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        return runner.run(_main(run, settings, only_check=arguments.check))


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where there is one: on all platforms but Windows."""
    return None if sys.platform == "win32" else importlib.import_module("uvloop").new_event_loop


async def _main(run: Callable[[Settings], Awaitable[int]], settings: Settings, *, only_check: bool) -> int:
    return await _check(settings) if only_check else await run(settings)


async def _check(settings: ProjectSettings) -> int:
    print(settings.shown())
    async with connect(settings.supabase_url, settings.supabase_service_role_key.get_secret_value()) as http:
        try:
            await check(http)
        except StoreError as error:
            print(f"Supabase does not answer as it should: {error}", file=sys.stderr)
            return 1
    print("Supabase answers.")
    return 0


def _configure_logs() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # The Realtime client logs whole frames that it drops; what matters is said by the doorbell.
    logging.getLogger("realtime").setLevel(logging.CRITICAL)
