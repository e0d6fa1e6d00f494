"""The Postgres binaries, copied once to where Postgres' user can read them, with pgTAP among the extensions."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from devstack import packages

# Static libraries and headers for building against Postgres: half of the package, never used here.
UNUSED = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs", "include", "doc")


def once(target: Path, build: Callable[[Path], None]) -> Path:
    """Build a folder unless it is there. Several stacks may do so at once: the first to finish wins."""
    if target.exists():
        return target
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        build(draft)
        draft.chmod(0o755)
        draft.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def binaries(cache: Path) -> Path:
    """A folder with bin, lib and share."""
    source = packages.postgres()
    pgtap = hashlib.sha256(packages.pgtap().read_bytes()).hexdigest()[:8]
    return once(
        cache / f"postgres-{packages.version(source)}-{packages.platform_name()}-{pgtap}",
        lambda draft: _stage(source, draft),
    )


def _stage(source: Path, target: Path) -> None:
    shutil.copytree(source / "native", target, dirs_exist_ok=True, ignore=UNUSED)
    _link_libraries(source / "native" / "pg-symlinks.json", target)
    _add_pgtap(target / "share" / "postgresql" / "extension")
    for folder, _, files in os.walk(target):
        Path(folder).chmod(0o755)
        for file in (Path(folder) / name for name in files):
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _link_libraries(links: Path, target: Path) -> None:
    """What the package's own postinstall does; npm packs no symbolic links, and we run no install scripts."""
    for link in json.loads(links.read_text()):
        place = target / Path(link["target"]).relative_to("native")
        original = target / Path(link["source"]).relative_to("native")
        if original.exists() and not place.exists():
            place.symlink_to(os.path.relpath(original, place.parent))


def _add_pgtap(extensions: Path) -> None:
    """It needs no superuser, so role `postgres` may create it as on hosted."""
    with tarfile.open(packages.pgtap()) as archive:
        for member in archive.getmembers():
            path = Path(member.name)
            content = archive.extractfile(member) if path.parent.name == "extension" else None
            if content is not None:
                (extensions / path.name).write_bytes(content.read())
