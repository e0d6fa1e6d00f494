"""`python -m devstack.provider --host 127.0.0.1 --port N [--data DIR]`: the simulated WhatsApp as a process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from aiohttp import web

from devstack.provider.app import build

new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with contextlib.suppress(ImportError):
    # Where there is one: the provider must not be what a measurement measures.
    import uvloop

    new_loop = uvloop.new_event_loop


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devstack.provider", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, help="where media bytes are kept while it runs (default: temporary)")
    return parser.parse_args()


@contextlib.contextmanager
def media_folder(data: Path | None) -> Iterator[Path]:
    """An empty folder, gone afterwards: ids do not outlive the process, so neither do the bytes behind them."""
    if data is None:
        with tempfile.TemporaryDirectory(prefix="simulated-whatsapp-") as temporary:
            yield Path(temporary)
        return
    folder = data / "media"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    chosen = arguments()
    # The rings hold up to a million live objects: a full collection over them would stop everything for a second.
    gc.set_threshold(50_000, 20, 1000)
    try:
        with media_folder(chosen.data) as folder:
            web.run_app(
                build(folder),
                host=chosen.host,
                port=chosen.port,
                loop=new_loop(),
                print=lambda *_: None,
                access_log=None,
                shutdown_timeout=0.5,
                handle_signals=True,
            )
    except OSError as error:
        print(f"simulated WhatsApp: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
