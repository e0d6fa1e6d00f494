"""The repository as a site: what lies outside docs/ and is linked from a page comes along, and links lead there.

The pages are written to be read in the repository, where every link works as it stands. A hook of MkDocs.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# Pages from outside docs/, by their place in the site.
BESIDE = {
    "index.md": "README.md",
    "benchmarks.md": "bench/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security-reports.md": "SECURITY.md",
    "example-inbox.md": "examples/inbox/README.md",
}
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def links(text: str) -> list[tuple[str, str]]:
    """(path, anchor with its #) of every relative link that is not within code."""
    return [(path, anchor or "") for path, anchor in LINK.findall(CODE.sub("", text))]


def source_of(place: str) -> str:
    """A page of the site as a path in the repository."""
    return BESIDE.get(place, f"docs/{place}")


def place_of(source: str) -> str:
    """A file of the repository as a place in the site: docs/ is the site's root, other files keep their path."""
    by_source = {path: place for place, path in BESIDE.items()}
    return by_source.get(source, source.removeprefix("docs/"))


def on_files(files: Any, config: Any) -> Any:
    """MkDocs: the pages from outside, and every other file of the repository that a page links to."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - installed for `make docs` only

    for place, source in BESIDE.items():
        if (ROOT / source).exists():
            files.append(File.generated(config, place, content=(ROOT / source).read_text()))
    for page in list(files.documentation_pages()):
        source = source_of(page.src_uri)
        for path, _ in links((ROOT / source).read_text()):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
            place = place_of(target)
            if (ROOT / target).is_file() and files.get_file_from_path(place) is None:
                files.append(File.generated(config, place, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs: links between files of the repository become links between places of the site."""
    here = source_of(page.file.src_uri)

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), link[1]))
        return posixpath.relpath(place_of(target), posixpath.dirname(page.file.src_uri) or ".") + (link[2] or "")

    return LINK.sub(moved, markdown)
