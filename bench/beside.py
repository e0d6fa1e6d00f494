"""A second project beside the first: another throwaway stack, for what can only be compared in turn."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.project import Project
from bench.receivers import ROOT, ReceiverFailure, stop
from bench.stand import Stand, connected

START_LIMIT = 120.0


@asynccontextmanager
async def another(stand: Stand) -> AsyncIterator[Stand]:
    """A stand on a stack of its own, until the end of the block."""
    with TemporaryDirectory(prefix="bench-") as folder:
        told = Path(folder) / "environment"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "devstack", "run", "--", sys.executable, "-m", "bench.beside", str(told)),
            cwd=ROOT,
            stdin=PIPE,
        )
        try:
            async with asyncio.timeout(START_LIMIT):
                while not told.exists():
                    if process.returncode is not None:
                        raise ReceiverFailure(f"the second stack ended with status {process.returncode}")
                    await asyncio.sleep(0.1)
            environment = json.loads(told.read_text())
            project = Project.from_environment(environment)
            async with connected(project) as database:
                yield replace(stand, project=project, database=database, environment=environment)
        finally:
            await stop(process)


def _stay(told: Path) -> None:
    """Within the second stack: says where it is, and stays until its standard input ends."""
    draft = told.with_suffix(".draft")
    draft.write_text(json.dumps(dict(os.environ)))
    draft.rename(told)
    sys.stdin.read()


if __name__ == "__main__":
    _stay(Path(sys.argv[1]))
