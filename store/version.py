"""Which Wabase this is."""

from __future__ import annotations

import importlib.metadata

# As in pyproject.toml; a checkout is not installed and has no metadata to read it from.
VERSION = "0.1.0"


def installed() -> str:
    """The installed package's version; `source` in a checkout that was not installed."""
    try:
        return importlib.metadata.version("wabase")
    except importlib.metadata.PackageNotFoundError:
        return "source"
