"""How each process begins: settings or a clear refusal, `--check`, logs, then its own main."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import structlog

from store import logs
from store.connect import check, connect
from store.errors import StoreError
from store.settings import ProjectSettings, SettingsError
from store.version import installed

log = structlog.get_logger()

Settings = TypeVar("Settings", bound=ProjectSettings)

# Bodies are trees of small objects that come and go by the thousand; at the usual thresholds the collector walks them
# again and again, and everything imported with them (bench/README.md).
GC_THRESHOLDS = (50_000, 20, 20)


def start(
    name: str, description: str, settings_type: type[Settings], run: Callable[[Settings], Awaitable[int]]
) -> NoReturn:
    """All of `python -m <name>`. Its exit status: 2 when the settings are wrong, else what `run` gives."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="print the settings and what they reach, then exit")
    arguments = parser.parse_args()
    try:
        settings = settings_type.load()
        traces = _traces(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    logs.configure(name, settings.log_format, settings.log_level, *([traces.add_ids] if traces else []))

    async def whole() -> NoReturn:
        if arguments.check:
            _leave(await _check(settings))
        if traces is None:
            _leave(await _main(run, settings))
        traces.start(name, installed())
        try:
            status = await _main(run, settings)
        finally:
            traces.stop()
        _leave(status)

    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        runner.run(whole())


def _leave(status: int) -> NoReturn:
    """Ends the process without the interpreter, which would wait for every thread.

    One that looks up a name at a server that is silent takes as long as the system's resolver does: ten seconds, or a
    minute where there are several to ask.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def started(settings: ProjectSettings) -> None:
    """A process has what it needs of its machine: says so, and spares the collector all that was imported."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    log.info("process.started", version=installed(), python=platform.python_version(), settings=settings.summary())


def _traces(settings: ProjectSettings) -> Any:
    """The module `store.traces`, imported only for who wants traces; None without."""
    if settings.otel_exporter_otlp_endpoint is None:
        return None
    try:
        return importlib.import_module("store.traces")
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT: is set, but the package {error.name} is missing; "
            "install it with pip install 'wabase[otel]', or unset it"
        ) from None


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where there is one: on all platforms but Windows."""
    return None if sys.platform == "win32" else importlib.import_module("uvloop").new_event_loop


async def _main(run: Callable[[Settings], Awaitable[int]], settings: Settings) -> int:
    began = time.monotonic()
    try:
        status = await run(settings)
    except Exception as error:
        log.critical("process.failed", raised=logs.described(error))
        return 1
    if status == 0:
        log.info("process.stopped", seconds=round(time.monotonic() - began, 3))
    return status


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
