"""What people type into a search, and what was written: odd signs, every script, every notation of a number."""

from __future__ import annotations

import uuid

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.frontends.conftest import Write
from tests.frontends.member import Member
from tests.store.tenant import Session, Tenant, call, rows

NOON = "2026-11-01T12:00:00Z"
DANA = "972501234567"
WORDS = [
    ("Hello Dana", "hello dana", True),
    ("Hello Dana", '"Hello Dana"', True),
    ("Hello Dana", "it's %_\\ !", False),
    ("Hello Dana", "%%", False),
    ("Hello Dana", "__", False),
    ("Hello Dana", "H%a", False),
    ("Hello Dana", "Hell_ Dana", False),
    ("100% sure", "100%", True),
    ("a_b_cdef", "cdef", True),
    ("I said <call me> today", "call", True),
    ("<b>bold</b> words", "bold", True),
    ("<Noa>", "noa", True),
    ("fish&chips; and peas", "chips", True),
    ("AT&amp;T", "amp", True),
    ("look at https://example.com/path/to?color=blue", "color", True),
    ("look at https://example.com/path/to?color=blue", "https://example.com/path", True),
    ("write to dana.levi@example.com", "dana.levi@example.com", True),
    ("order #12345-AB", "#12345", True),
    ("it is 1e5 or 3.14", "3.14", True),
    ("שלום, מה שלומך?", "שלומך", True),
    ('חברת צה"ל בע"מ', 'צה"ל', True),
    ("מכתב בע״מ", "בע״מ", True),
    ("السلام عليكم", "عليكم", True),
    ("مرحبا!", "مرح", True),
    ("\u202bשלום\u202c עולם", "שלום", True),
    ("שלום עולם", "\u200fשלום\u200f", True),
    ("hi 👋🏽 there", "👋🏽 there", True),
    ("👍👍", "👍👍", False),
    ("hi there", "...", False),
    ("hi there", "'':*&|!()", False),
    ("नमस्ते दुनिया", "दुनिया", True),
    ("你好 世界", "世界", True),
    ("x" * 5000 + " needle", "needle", True),
    ("y" * 90, "y" * 90, True),
]


@pytest.mark.parametrize(("body", "search", "found"), WORDS, ids=lambda value: str(value)[:30])
async def test_what_was_written_is_found_whatever_its_signs(
    body: str, search: str, found: bool, member: Member, tenant: Tenant, write: Write
) -> None:
    await write(DANA, body, NOON)
    assert bool(await member.list(tenant.workspace_id, search=search)) == found


@pytest.mark.parametrize(("name", "search", "found"), [case for case in WORDS if len(case[0]) < 100], ids=str)
async def test_and_so_are_names(
    name: str, search: str, found: bool, member: Member, tenant: Tenant, write: Write
) -> None:
    await write(DANA, "?", NOON, profile_name=name)
    assert bool(await member.list(tenant.workspace_id, search=search)) == found


@pytest.mark.parametrize(
    "search",
    [
        *(
            "+972501234567",
            "+972 50-123-4567",
            "00972501234567",
            "050-1234567",
            "(050) 123 4567",
            "+972 (0)50 123 4567",
        ),
        *("050.123.4567", "050/1234567", "972501234567", "tel:+972501234567", "+972\u00a050\u00a0123\u00a04567"),
        *("\u202a+972 50‑123‑4567\u202c", "050–123–4567", "٠٥٠١٢٣٤٥٦٧", "+٩٧٢٥٠١٢٣٤٥٦٧", "＋972501234567"),
        *("۰۵۰۱۲۳۴۵۶۷", "\u2066+972501234567\u2069", "050 123 45 67", "\t0501234567\n"),
    ],
)
async def test_a_number_is_found_in_any_notation(search: str, member: Member, tenant: Tenant, write: Write) -> None:
    thread = await write(DANA, "hello", NOON)
    await write("972509999999", "hello", NOON)
    assert [row["id"] for row in await member.list(tenant.workspace_id, search=search)] == [thread]


async def test_workspaces_whose_ids_begin_alike_find_their_own(
    backend: Session, database: Connect, project: Project, http: httpx.AsyncClient
) -> None:
    """The words of both stand behind the same eight digits in one index."""
    begin = uuid.uuid4().hex[:8]
    pair = []
    for n in range(2):
        tenant = Tenant(uuid.UUID(begin + uuid.uuid4().hex[8:]), uuid.uuid4(), uuid.uuid4().hex)
        await backend.execute("insert into public.workspaces (id, name) values (%s, 'alike')", [tenant.workspace_id])
        await backend.execute(
            "insert into public.whatsapp_connections (id, workspace_id, phone_number_id) values (%s, %s, %s)",
            [tenant.connection_id, tenant.workspace_id, tenant.phone_number_id],
        )
        told = tenant.message(f"w.{n}", DANA, content={"body": "the same words"}, profile_name="Dana")
        await call(backend, "record_inbound", [], [told], [])
        await backend.execute(
            "update public.contacts set tags = '{vip}' where workspace_id = %s", [tenant.workspace_id]
        )
        pair.append((tenant, await Member.join(tenant.workspace_id, database, project, http)))
    for tenant, member in pair:
        (own,) = await rows(
            backend, "select id::text from public.conversations where workspace_id = %s", tenant.workspace_id
        )
        for filters in ({"search": "dana"}, {"search": "words"}, {"search": "0501234567"}, {"tags": ["vip"]}):
            assert [row["id"] for row in await member.list(tenant.workspace_id, **filters)] == [own["id"]]
        await tenant.rest(backend)
