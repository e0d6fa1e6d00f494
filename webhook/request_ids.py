"""A request's id: the one that a proxy gave it, or one made up. It is in the request's lines and in its answer."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Mapping

HEADER = "x-request-id"
# Strangers may send what they like: what is no id does not get into a line.
_PLAIN = re.compile(r"[A-Za-z0-9._:=+/-]{1,100}")
# A process's own beginning and a count: another random number for each webhook would cost more than all else here.
_process = secrets.token_hex(6)
_count = itertools.count(1)


def request_id(headers: Mapping[str, str]) -> str:
    """The id of a request with these headers."""
    given = headers.get(HEADER)
    return given if given is not None and _PLAIN.fullmatch(given) else f"{_process}-{next(_count):x}"


def answered_with(request_id: str) -> tuple[bytes, bytes]:
    """The header that tells whoever asked."""
    return HEADER.encode(), request_id.encode()
