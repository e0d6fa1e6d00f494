"""What a line looks like, whoever says it: our own rooms, a library, an exception that nobody has caught."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from store.errors import Rejected
from store.logs import Seldom, described, masked
from tests.flows.programs import ROOT

TEXT = "what a customer wrote"


async def lines_of(program: str, form: str = "json", level: str = "info") -> list[str]:
    """What a program says that has its logs from here."""
    opening = f"from store import logs\nlogs.configure('worker', {form!r}, {level!r})\n"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", opening + program), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, said.decode()
    return said.decode().splitlines()


async def events_of(program: str, **options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in await lines_of(program, **options)]


async def test_a_line_has_event_level_time_process_and_what_is_bound() -> None:
    (line,) = await events_of(
        "import structlog\nstructlog.contextvars.bind_contextvars(message_id='m')\n"
        "log = structlog.get_logger()\nlog.debug('a.b')\nlog.info('c.d', code=1)"
    )
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "c.d", "level": "info", "process": "worker", "message_id": "m", "code": 1}


async def test_for_a_person_it_is_no_json_and_has_no_colours_in_a_file() -> None:
    (line,) = await lines_of(
        "import structlog\ntry: 1 / 0\nexcept ZeroDivisionError: structlog.get_logger().error('a.b', exc_info=True)",
        form="console",
    )
    assert "a.b" in line
    assert "ZeroDivisionError" in line
    assert "\x1b" not in line


async def test_libraries_warnings_and_what_asyncio_shows_go_the_same_way_without_anybodys_words() -> None:
    program = f"""
import asyncio, gc, logging, warnings
async def stumble(): raise KeyError({TEXT!r})
async def main():
    asyncio.get_running_loop().call_soon(lambda words: 1 / 0, {TEXT!r})
    task = asyncio.create_task(stumble())
    await asyncio.wait([task])
    del task
    gc.collect()
asyncio.run(main())
logging.getLogger("uvicorn.error").warning("Invalid HTTP request from +972501234567 at https://host/%s", {TEXT!r})
logging.getLogger("httpx").info({TEXT!r})
logging.getLogger("realtime").error({TEXT!r})
warnings.warn("old")
"""
    lines = await events_of(program)
    assert {line["event"] for line in lines} == {"library.told"}
    said = {line["logger"]: line["said"] for line in lines}
    assert said["uvicorn.error"] == "Invalid HTTP request from +…4567 at … a customer wrote"
    assert "UserWarning: old" in said["py.warnings"]
    asyncios = [line for line in lines if line["logger"] == "asyncio"]
    assert {line["said"] for line in asyncios} == {"Exception in callback main.", "Task exception was never retrieved"}
    assert {line["raised"][0]["type"] for line in asyncios} == {"ZeroDivisionError", "KeyError"}
    assert TEXT not in str(asyncios)
    assert said.keys() == {"uvicorn.error", "py.warnings", "asyncio"}


async def test_what_is_raised_in_a_thread_is_one_line() -> None:
    (line,) = await events_of(
        f"import threading\ndef stumble(): raise KeyError({TEXT!r})\n"
        "thread = threading.Thread(target=stumble)\nthread.start()\nthread.join()"
    )
    assert (line["event"], line["raised"][0]["type"]) == ("process.fault", "KeyError")
    assert TEXT not in str(line)


async def test_what_a_library_repeats_by_the_thousand_is_told_once_with_how_often() -> None:
    lines = await events_of(
        "import logging\nlog = logging.getLogger('exporter')\n"
        "for _ in range(1000): log.warning('Queue full, dropping %s.', 'Span')"
    )
    assert [line["times"] for line in lines] == [1]


def test_what_was_held_back_is_counted_with_the_next() -> None:
    often, once = Seldom(0), Seldom(3600)
    assert [often.count("a", 3), often.count("a")] == [3, 1]
    assert [once.count("a"), once.count("a", 5), once.count("b")] == [1, 0, 1]
    once._seconds = 0
    assert once.count("a") == 6


def test_an_exception_is_told_with_its_causes_and_its_group_and_without_its_words() -> None:
    def stumble() -> None:
        raise ExceptionGroup(TEXT, [OSError(28, "No space left on device", TEXT)]) from Rejected("23505", TEXT)

    try:
        stumble()
    except ExceptionGroup as error:
        told = described(error)
    assert [one["type"] for one in told] == ["ExceptionGroup", "OSError", "Rejected"]
    assert (told[1]["reason"], told[2]["code"]) == ("No space left on device", "23505")
    assert told[0]["at"][-1].endswith(" stumble")
    assert TEXT not in str(told)


def test_numbers_keep_their_last_four_digits_and_addresses_nothing() -> None:
    assert masked("from +972501234567\nbody") == "from +…4567"
    assert masked("GET https://host/file?hash=1 in 250 ms") == "GET … in 250 ms"
