"""`python -m devstack up`: the stack in the foreground, with data that stays in `.devstack/`."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TextIO

from devstack import application, stack
from devstack.application import Application
from devstack.failure import StackFailure
from devstack.project import Project, Seed, write_env

PROVIDERS = ("WHATSAPP_360_BASE_URL", "META_GRAPH_BASE_URL")


async def up(home: Path, app: bool, fresh: bool) -> int:
    """Run until cancelled."""
    if app:
        application.check()
    with _lock(home):
        if fresh:
            stack.wipe(home)
        seed = Seed.load(home / "project.json")
        environment_file = home / "env"
        environment_file.unlink(missing_ok=True)  # of a stack that was killed
        async with stack.kept(home, seed) as running, AsyncExitStack() as exits:
            seed.save(home / "project.json")
            environment = running.project.environment(os.environ)
            known = {name: environment[name] for name in (*running.project.variables(), *PROVIDERS)}
            if app:
                known |= await Application(running, logs=None).start(environment, exits)
            write_env(environment_file, known)
            exits.callback(environment_file.unlink, missing_ok=True)
            print(_summary(running.project, app, home), flush=True)
            await asyncio.Event().wait()
    return 0


def _lock(home: Path) -> TextIO:
    """One stack per folder. The kernel lets go of the lock whatever happens to us."""
    (home / "files").mkdir(parents=True, exist_ok=True)
    file = (home / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        raise StackFailure(
            f"A stack is already up in {home} (process {file.read().strip()}): "
            f"use it (`. {home / 'env'}`), or stop it first with Ctrl-C."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _summary(project: Project, app: bool, home: Path) -> str:
    lines = {
        "API": project.url,
        "Database": project.database_url,
        "WhatsApp": f"{project.provider_url} (simulated)",
        "Webhook": project.webhook_url if app else f"{project.webhook_url} (not running; --app starts it)",
        "Publishable key": project.keys.publishable_key,
        "Secret key": project.keys.secret_key,
        "anon key": project.keys.anon_key,
        "service_role key": project.keys.service_role_key,
        "Environment": home / "env",
    }
    return "\n".join(f"{name:>17}  {value}" for name, value in lines.items()) + "\n\nReady. Ctrl-C stops it."
