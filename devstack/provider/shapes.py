"""Building blocks for saying what a JSON value must look like, refused in the Cloud API's words.

A check takes a value and its path and raises ApiError: 131008 for what is missing, 100 for a wrong JSON type or an
unexpected key, 131009 (or the code given) for a value that breaks a limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from devstack.provider.errors import ApiError

Check = Callable[[Any, str], None]


def anything(value: Any, path: str) -> None:
    """Known to exist, its inside not checked."""


def flag(value: Any, path: str) -> None:
    if not isinstance(value, bool):
        raise ApiError(100, f"Param {path} must be a boolean.")


def text(limit: int, *, least: int = 1, code: int = 131009) -> Check:
    """A string of `least` to `limit` characters."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise ApiError(100, f"Param {path} must be a string.")
        if len(value) > limit:
            raise ApiError(code, f"Param {path} must be at most {limit} characters long.")
        if len(value.strip()) < least:
            raise ApiError(131008, f"Param {path} must not be empty.")

    return check


def matching(pattern: str, what: str) -> Check:
    """A string of a certain form; numbers are taken as their text."""

    def check(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, str | int) or not re.fullmatch(pattern, str(value)):
            raise ApiError(100, f"Param {path} must be {what}.")

    return check


def number(low: float, high: float) -> Check:
    """A number in a range; Graph takes its text as well."""

    def check(value: Any, path: str) -> None:
        try:
            within = not isinstance(value, bool) and low <= float(value) <= high
        except (TypeError, ValueError):
            within = False
        if not within:
            raise ApiError(131009, f"Param {path} must be a number from {low:g} to {high:g}.")

    return check


def one_of(*allowed: str) -> Check:
    def check(value: Any, path: str) -> None:
        if value not in allowed:
            raise ApiError(100, f"Param {path} must be one of {{{', '.join(allowed)}}} - got {value!r}.")

    return check


def array(item: Check, least: int, most: int) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise ApiError(100, f"Param {path} must be an array.")
        if not least <= len(value) <= most:
            raise ApiError(131009, f"Param {path} must have {least} to {most} items - got {len(value)}.")
        for index, element in enumerate(value):
            item(element, f"{path}[{index}]")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these keys and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise ApiError(100, f"Param {path} must be a JSON object.")
        for key in required:
            if key not in value:
                raise ApiError(131008, f"The parameter {path}['{key}'] is required.")
        for key, inner in value.items():
            if key not in known:
                raise ApiError(100, f'Unexpected key "{key}" on param "{path}".')
            known[key](inner, f"{path}['{key}']")

    return check


def by_key(key: str, cases: Mapping[str, Check]) -> Check:
    """An object whose `key` (any case, as Graph takes it) says which shape it has."""
    known = one_of(*cases)

    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise ApiError(100, f"Param {path} must be a JSON object.")
        if key not in value:
            raise ApiError(131008, f"The parameter {path}['{key}'] is required.")
        name = str(value[key]).lower()
        known(name, f"{path}['{key}']")
        cases[name](value, path)

    return check
