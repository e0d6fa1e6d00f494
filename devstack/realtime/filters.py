"""The `filter` of a Postgres Changes binding: `column=operator.value`, comma-separated for AND.

Copied (server of 2026): thirteen operators, `not.` before any of them, double quotes around values that hold
reserved characters, parentheses around the values of `in`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

SQL_OPERATORS = {
    "eq": "=",
    "neq": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "in": "= any",
    "like": "like",
    "ilike": "ilike",
    "is": "is",
    "match": "~",
    "imatch": "~*",
    "isdistinct": "is distinct from",
}


class BadFilter(Exception):
    """The filter cannot be parsed. The text is the real service's."""


@dataclass(frozen=True)
class Filter:
    """One condition; `value` is unquoted, for `in` already an array literal."""

    column: str
    operator: str
    value: str
    negated: bool

    @property
    def parameters(self) -> list[str]:
        """What `condition_sql` has placeholders for: `is` takes a keyword, everything else one value."""
        return [] if self.operator == "is" else [self.value]


def condition_sql(condition: Filter, expression: str, type_name: str) -> str:
    """A comparison of `expression` with the filter's `parameters`; unknown (null) counts as no match."""
    operator = SQL_OPERATORS[condition.operator]
    match condition.operator:
        case "is":
            comparison = f"{expression} is {condition.value}"  # one of four words, checked at subscription
        case "in":
            comparison = f"{expression} {operator} (%s::{type_name}[])"
        case _:
            comparison = f"{expression} {operator} %s::{type_name}"
    return f"coalesce({'not ' if condition.negated else ''}({comparison}), false)"


def parse_filters(text: str) -> tuple[Filter, ...]:
    """All conditions of a filter string; none for an empty one."""
    if not text.strip():
        return ()
    return tuple(parse_filter(segment.strip()) for segment in split_conditions(text.strip()))


def split_conditions(text: str) -> list[str]:
    """At commas outside parentheses and quotes. A quote opens only where a value begins."""
    conditions, current, depth, quoted, escaped, previous = [], "", 0, False, False, ""
    for char in text:
        if quoted:
            if char == '"' and not escaped:
                quoted = False
            escaped = char == "\\" and not escaped
        elif char == '"' and previous in (".", "(", ","):
            quoted = True
        elif char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
        elif char == "," and depth == 0:
            conditions.append(current)
            current, previous = "", ""
            continue
        current += char
        previous = char
    return [*conditions, current]


def parse_filter(segment: str) -> Filter:
    """One `column=operator.value`."""
    if not segment:
        raise BadFilter("filter must not contain empty segments (check for extra commas)")
    column, equals, condition = segment.partition("=")
    if not equals:
        raise BadFilter(json.dumps([segment]))
    negated = condition.startswith("not.")
    operator, dot, value = condition.removeprefix("not.").partition(".")
    if not dot or operator not in SQL_OPERATORS:
        raise BadFilter(json.dumps([operator, value] if dot else [operator]))
    return Filter(column, operator, array_literal(value) if operator == "in" else unquote(value), negated)


def array_literal(value: str) -> str:
    """`(a,b)` as Postgres' `{a,b}`; quoting inside is the same in both."""
    if len(value) < 2 or value[0] != "(" or value[-1] != ")":
        raise BadFilter("`in` filter value must be wrapped by parentheses")
    return "{" + value[1:-1] + "}"


def unquote(value: str) -> str:
    """The text between double quotes with backslash escapes undone; anything else stays as it is."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    unquoted, escaped = "", False
    for char in value[1:-1]:
        if char == "\\" and not escaped:
            escaped = True
            continue
        if char == '"' and not escaped:
            return value
        unquoted, escaped = unquoted + char, False
    return value if escaped else unquoted
