"""Logs: one line per event on stderr, JSON or for a person's eyes; what libraries say goes the same way.

Lines carry ids, codes and counts. Texts of exceptions stay out: some repeat what a customer has written.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

log = structlog.get_logger()

# What repeats is told once in this time, with how often it was.
REPEAT_SECONDS = 10.0
# Words of libraries differ without end; forgetting what was told repeats it once.
MOST_KINDS = 1000
LONGEST_TOLD = 200
MOST_ERRORS, MOST_FRAMES = 5, 8
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(process: str, form: str, level: str, *more: Processor) -> None:
    """`form` is `json` or `console`, `level` one of LEVELS; `more` processors may add fields to each line."""
    render: Processor = structlog.processors.JSONRenderer()
    if form == "console":
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _named(process),
            _tell_exception,
            *more,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Below a warning libraries tell of addresses, headers and bodies that nobody here has looked at.
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    # The Realtime client logs whole frames that it drops; what matters is said by the doorbell.
    logging.getLogger("realtime").setLevel(logging.CRITICAL)
    threading.excepthook = lambda fault: _tell_fault(fault.exc_value)
    sys.unraisablehook = lambda fault: _tell_fault(fault.exc_value)


class Seldom:
    """Counts what may come by the thousand, so that it can be told once in a while."""

    def __init__(self, seconds: float = REPEAT_SECONDS) -> None:
        self._seconds = seconds
        self._kinds: dict[object, tuple[float, int]] = {}

    def count(self, kind: object, times: int = 1) -> int:
        """How many of a kind there were since one was told, these included; 0: they are not to be told now."""
        now = time.monotonic()
        told, before = self._kinds.get(kind, (float("-inf"), 0))
        if now < told + self._seconds:
            self._kinds[kind] = (told, before + times)
            return 0
        if len(self._kinds) >= MOST_KINDS:
            self._kinds.clear()
        self._kinds[kind] = (now, 0)
        return before + times


def masked(text: str) -> str:
    """The first line without addresses, and with the last four digits of long numbers."""
    line = re.sub(r"[a-z]+://\S+", "…", text.partition("\n")[0], flags=re.IGNORECASE)
    return re.sub(r"\d{3,}(?=\d{4})", "…", line)[:LONGEST_TOLD]


def described(error: BaseException) -> list[dict[str, Any]]:
    """An exception, what caused it and what a group of them holds: {type, code?, reason?, at}, outermost first.

    `at` are the innermost frames, outermost first; `reason` is the system's own word for an OSError.
    """
    return [_one(found) for found, _ in zip(_chain(error), range(MOST_ERRORS), strict=False)]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        found = waiting.pop(0)
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        if isinstance(found, BaseExceptionGroup):
            waiting += found.exceptions
        waiting.append(found.__cause__ or (None if found.__suppress_context__ else found.__context__))


def _one(error: BaseException) -> dict[str, Any]:
    told: dict[str, Any] = {"type": type(error).__name__}
    code = getattr(error, "code", None)
    if isinstance(code, str | int):
        told["code"] = code
    if isinstance(error, OSError) and error.strerror:
        told["reason"] = error.strerror
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return told | {"at": [f"{'/'.join(Path(at.filename).parts[-2:])}:{at.lineno} {at.name}" for at in frames]}


def _named(process: str) -> Processor:
    def name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return name


def _tell_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    told: ExcInfo | BaseException | bool | None = event.pop("exc_info", None)
    error = told if isinstance(told, BaseException) else sys.exc_info()[1] if told else None
    if error is not None:
        event["raised"] = described(error)
    return event


def _tell_fault(error: BaseException | None) -> None:
    """What was raised where nobody can catch it: in a thread, or while something was cleared away."""
    log.error("process.fault", exc_info=error)


class _Bridge(logging.Handler):
    """Hands on what libraries say through the standard library: uvicorn, asyncio, the exporter of traces."""

    def __init__(self) -> None:
        super().__init__()
        self._seldom = Seldom()

    def emit(self, record: logging.LogRecord) -> None:
        times = self._seldom.count((record.name, record.msg if isinstance(record.msg, str) else None))
        if not times:
            return
        said = masked(record.getMessage())
        if record.name == "asyncio":
            # Behind its own words it shows callbacks with their arguments.
            said = re.split(r"[<({:]", said)[0].strip()
        error = record.exc_info[1] if record.exc_info else None
        log.log(record.levelno, "library.told", logger=record.name, said=said, times=times, exc_info=error)
