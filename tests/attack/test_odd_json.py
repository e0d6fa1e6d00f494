"""JSON that few parsers like and all must take; what only looks like JSON; and that the fuzzer's oracle knows both."""

from __future__ import annotations

import sys

import pytest

from tests.attack import oracle
from tests.attack.mutate import mutant
from tests.attack.wire import ask, good_body, good_request
from tests.flows.programs import Program
from tests.flows.tenant import Tenant

# The test's own Postgres driver reads the journal with Python's json, which stops at 4,300 digits.
sys.set_int_max_str_digits(0)

# In the place of a value.
VALUES = {
    "exponents": b"[1e999, -1E-999, 0e0, -0.0e+00]",
    "an integer of 100 digits": b"1" * 100,
    "an integer of 10,000 digits": b"1" * 10_000,
    "an integer of 100,000 digits": b"1" * 100_000,
    "a fraction of 10,000 digits": b"0." + b"1" * 10_000,
    "an exponent of 10,000 digits": b"1e" + b"1" * 10_000,
    "nested 400 deep": b"[" * 400 + b"]" * 400,
    "objects 400 deep": b'{"a":' * 400 + b"1" + b"}" * 400,
    "every escape": rb'"\"\\\/\b\f\n\r\t\u0000\u001e\u001F\uD83D\uDE42\ud800\uDC00\uffff"',
    "every character": '"\x7f\x80\u2028\ufeff\ufffe\uffff\U0010ffff"'.encode(),
    "the same key three times": b'{"a": 1, "a": 2, "\\u0061": 3}',
    "an empty key": b'{"": {"": ""}}',
    "a key of half a surrogate pair": rb'{"\ud800": 1, "\u0000": 2}',
    "10,000 keys": b"{" + b",".join(b'"%d":0' % place for place in range(10_000)) + b"}",
    "100,000 items": b"[" + b",".join([b"[]"] * 100_000) + b"]",
    "a string of 3 MB": b'"' + b"x" * 3_000_000 + b'"',
    "a string of 100,000 escapes": b'"' + rb"\u0000" * 100_000 + b'"',
}
# In the place of a body; {} stands for a good one.
NOT_JSON = {
    "a record separator before": b"\x1e{}",
    "a record separator behind": b"{}\x1e",
    "two records": b"{}\x1e360dialog\x1f1\x1f\x1f{}",
    "a unit separator in a string": b'{"a": "\x1f"}',
    "a form feed": b"\x0c{}",
    "a no-break space": b"\xc2\xa0{}",
    "a NUL behind": b"{}\x00",
    "a comma too many": b'{"a": [1,]}',
    "a comment": b"{/* */}",
    "single quotes": b"{'a': 1}",
    "a bare key": b"{a: 1}",
    "a leading zero": b'{"a": 01}',
    "a plus": b'{"a": +1}',
    "a bare fraction": b'{"a": .5}',
    "digits of another script": '{"a": ١}'.encode(),
    "a capital True": b'{"a": True}',
    "overlong UTF-8": b'{"a": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "beyond Unicode": b'{"a": "\xf4\x90\x80\x80"}',
    "a short escape": rb'{"a": "\u12"}',
    "an escape of its own": rb'{"a": "\x41"}',
    "lines": b"{}\n{}",
}


def with_value(tenant: Tenant, value: bytes) -> bytes:
    return good_body(tenant).replace(b'"text": {"body"', b'"odd": ' + value + b', "text": {"body"')


@pytest.mark.parametrize("name", VALUES)
async def test_odd_json_is_kept_to_the_byte_and_its_message_becomes_a_row(
    webhook: Program, tenant: Tenant, name: str
) -> None:
    body = with_value(tenant, VALUES[name])
    assert 200 in oracle.statuses_for(body)
    assert (await ask(webhook, good_request(tenant, body=body))).status == 200
    (event,) = await tenant.until_events("processed")
    assert event["raw"].encode() == body
    (message,) = await tenant.messages()
    assert message["content"]["body"] == "hello"


@pytest.mark.parametrize("name", NOT_JSON)
async def test_what_only_looks_like_json_gets_400(webhook: Program, tenant: Tenant, name: str) -> None:
    body = NOT_JSON[name].replace(b"{}", good_body(tenant))
    assert oracle.statuses_for(body) == oracle.BAD
    assert (await ask(webhook, good_request(tenant, body=body))).status == 400
    assert await tenant.events() == []


@pytest.mark.parametrize("depth", [1_000, 3_000, 10_000, 100_000, 1_000_000])
async def test_what_is_nested_too_deep_is_taken_or_refused_and_never_a_fault_of_ours(
    webhook: Program, tenant: Tenant, depth: int
) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"":', b"}")):
        body = with_value(tenant, opening * depth + b"1" + closing * depth)
        expected = oracle.statuses_for(body)
        # Whoever is hung up on in mid-sentence, for a body that is too long, may miss the answer.
        assert (await ask(webhook, good_request(tenant, body=body))).status in expected | (
            {0} if 413 in expected else set()
        )
    assert (await ask(webhook, good_request(tenant))).status == 200


def test_a_body_of_the_fuzzer_can_be_had_again() -> None:
    assert [mutant(7, place) for place in range(50)] == [mutant(7, place) for place in range(50)]
