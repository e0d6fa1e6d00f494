"""The code of docs/frontend.md, taken out of the page as it stands."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

from tests.conftest import Project

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/frontend.md").read_text()
LIBRARY = ROOT / "examples/inbox/node_modules/@supabase/supabase-js/dist/umd/supabase.js"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What a reader fills in.
URL, KEY = "'https://your-project-ref.supabase.co'", "'your publishable key'"


def blocks(language: str) -> list[str]:
    return [code for name, code in BLOCK.findall(PAGE) if name == language]


def script() -> str:
    """What is between the page's own script tags."""
    (page,) = blocks("html")
    return page.partition('<script type="module">\n')[2].partition("</script>")[0]


def written_into(folder: Path, project: Project) -> None:
    """The three files of the page, made out for this project."""
    code = "\n".join(blocks("js"))
    assert code.count(URL) == code.count(KEY) == 1
    code = code.replace(URL, f"'{project.url}'").replace(KEY, f"'{project.publishable_key or project.anon_key}'")
    (folder / "inbox.js").write_text(code)
    (folder / "index.html").write_text(blocks("html")[0])
    (folder / "package.json").write_text('{"type": "module"}')
    shutil.copy(LIBRARY, folder / "supabase.js")


async def node(*arguments: str) -> str:
    """What a program says that has ended well."""
    # Node 20 has a WebSocket, and hides it behind a flag.
    process = await asyncio.create_subprocess_exec(
        *("node", "--no-warnings", "--experimental-websocket", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    return said
