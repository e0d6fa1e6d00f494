"""A second project beside the one under load: two that differ in one thing are asked in turn.

Whatever the machine does meanwhile it does to both; one after the other, minutes apart, a question of half a
millisecond took 0.39 and 0.63 in the same tables.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from bench.project import Project
from bench.stand import Stand, connected

# Tells where it is and stays until nobody listens any more.
_TELL = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"


@asynccontextmanager
async def beside(stand: Stand) -> AsyncIterator[Stand]:
    """Where to stand before a fresh project."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devstack", "run", "--", sys.executable, "-c", _TELL), stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        environment = json.loads(await process.stdout.readline())
        project = Project.from_environment(environment)
        async with connected(project) as database:
            yield replace(stand, project=project, database=database, environment=environment)
    finally:
        process.stdin.close()
        await process.wait()
