"""How each process begins: settings or a clear refusal, `--check`, logs, then its own main."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

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


def start(name: str, description: str, settings_type: type[Settings], run: Callable[[Settings], Awaitable[int]]) -> int:
    """The exit status of `python -m <name>`: 2 when the settings are wrong, else what `run` gives."""
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
        return 2
    logs.configure(name, settings.log_format, settings.log_level, *([traces.add_ids] if traces else []))
    if traces is None or arguments.check:
        return _run(run, settings, only_check=arguments.check)
    traces.start(name, installed())
    try:
        return _run(run, settings, only_check=False)
    finally:
        traces.stop()


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


def _run(run: Callable[[Settings], Awaitable[int]], settings: Settings, *, only_check: bool) -> int:
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        return runner.run(_main(run, settings, only_check=only_check))


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where there is one: on all platforms but Windows."""
    return None if sys.platform == "win32" else importlib.import_module("uvloop").new_event_loop


async def _main(run: Callable[[Settings], Awaitable[int]], settings: Settings, *, only_check: bool) -> int:
    if only_check:
        return await _check(settings)
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
