"""The text of a Postgres Changes filter, as the server of 2026 reads it."""

from __future__ import annotations

import pytest

from devstack.realtime.filters import BadFilter, Filter, parse_filters


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("", []),
        ("  ", []),
        ("subject=eq.hey", [Filter("subject", "eq", "hey", False)]),
        ("subject=eq.a=b.c", [Filter("subject", "eq", "a=b.c", False)]),
        ("subject=in.(hidee,ho)", [Filter("subject", "in", "{hidee,ho}", False)]),
        ("subject=not.like.hey%", [Filter("subject", "like", "hey%", True)]),
        ("id=gt.0, id=lt.100", [Filter("id", "gt", "0", False), Filter("id", "lt", "100", False)]),
        ('name=eq."a,b",id=is.null', [Filter("name", "eq", "a,b", False), Filter("id", "is", "null", False)]),
        ('name=eq."say \\"hi\\""', [Filter("name", "eq", 'say "hi"', False)]),
        ('name=eq.half"quoted', [Filter("name", "eq", 'half"quoted', False)]),
        ('name=in.("a,b",c)', [Filter("name", "in", '{"a,b",c}', False)]),
    ],
)
def test_a_filter_is_read(text: str, filters: list[Filter]) -> None:
    assert list(parse_filters(text)) == filters


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("undefined", '["undefined"]'),
        ("subject=foo.hey", '["foo", "hey"]'),
        ("subject=eq", '["eq"]'),
        ("id=in.1,2", "`in` filter value must be wrapped by parentheses"),
        ("id=eq.1,,id=eq.2", "filter must not contain empty segments (check for extra commas)"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        parse_filters(text)
    assert str(refusal.value) == complaint
