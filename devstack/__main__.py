"""The command line: `run` (a fresh stack for one command) and `up` (a stack to work with)."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from devstack import application, command, stack
from devstack.application import Application
from devstack.failure import StackFailure
from devstack.packages import ROOT
from devstack.up import up


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run_parser = verbs.add_parser("run", help="a fresh temporary stack on free ports around one command")
    run_parser.add_argument("--app", action="store_true", help="webhook and worker run too")
    run_parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    up_parser = verbs.add_parser("up", help="the stack in the foreground, data kept in .devstack/")
    up_parser.add_argument("--app", action="store_true", help="webhook and worker run too")
    up_parser.add_argument("--fresh", action="store_true", help="forget all data first")
    up_parser.add_argument("--directory", type=Path, default=ROOT / ".devstack", help="keep the data elsewhere")
    return parser.parse_args()


async def run(words: list[str], app: bool) -> int:
    """The stack, the app if asked for, the command; its exit status."""
    program = command.find(words[0])  # before anything is started
    if app:
        application.check()
    async with stack.temporary() as running, AsyncExitStack() as exits:
        environment = running.project.environment(os.environ) | {"DEVSTACK_LOGS": str(running.scratch)}
        if app:
            environment |= await Application(running, logs=running.scratch).start(environment, exits)
        return await command.run([program, *words[1:]], environment, running.children)


async def until_signalled(work: Coroutine[Any, Any, int]) -> int:
    """Do the work; a signal cancels it, everything is put away, and the status tells of the signal."""
    task = asyncio.ensure_future(work)
    received: list[int] = []
    loop = asyncio.get_running_loop()

    def cancel(number: int) -> None:
        received.append(number)
        task.cancel()

    for number in command.SIGNALS:
        loop.add_signal_handler(number, cancel, number)
    try:
        return await task
    except asyncio.CancelledError:
        return 128 + received[0] if received else 1


def main() -> int:
    # libpq's own settings speak of other databases, and would mix into every connection to this one.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    # Postgres going down under the pool is something that tests do on purpose.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    chosen = arguments()
    if chosen.verb == "run":
        work = run(chosen.command, chosen.app)
    else:
        work = up(chosen.directory.resolve(), chosen.app, chosen.fresh)
    try:
        return asyncio.run(until_signalled(work))
    except StackFailure as failure:
        print(f"devstack: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
