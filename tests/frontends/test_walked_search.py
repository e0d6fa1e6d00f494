"""A search that walks through threads, its words being too frequent to gather, finds what one that gathers finds."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Connect
from tests.frontends.conftest import Write
from tests.store.tenant import rows

# What small letters are is a matter of opinion for some of these.
BODIES = (
    "Good morning",
    "İSTANBUL'DA HAVA",
    "ΚΑΛΗΜΕΡΑ ΟΔΟΣ",
    "Straße ÄÖÜ",
    "ILIK SU ve ılık",
    "שלום עולם",
    "a_b-c.d@e.fg 100%",
    'quo"ted back\\slash\nline',
    "<Noa> said fish&chips;",
    "\u202bשלום\u200f עולם\u202c soft\u00adly",
)
WALKED = """
    select private.is_found(thread.id, thread.contact_id, told.f) as walked,
      private.message_words(message.workspace_id, message.type, message.content) @@ (told.f).message_query as gathered
    from public.conversations as thread
    join public.messages as message on message.conversation_id = thread.id
    cross join lateral (select private.read_filters(thread.workspace_id, %s) as f) as told
    where thread.id = %s"""


@pytest.mark.parametrize("body", BODIES)
async def test_each_word_of_a_text_is_found_either_way(database: Connect, write: Write, body: str) -> None:
    thread = await write("972500000001", body, "2026-01-01T00:00:00Z")
    async with database() as session:
        (row,) = await rows(
            session, "select tsvector_to_array(private.words('', %s)) as words, lower(%s) as small", body, body
        )
        asked = {body, row["small"], *row["words"], *body.split(), "nothing"}
        for search in (word for word in asked if 2 <= len(word) <= 100):
            (found,) = await rows(session, WALKED, Jsonb({"search": search, "status": "all"}), thread)
            assert bool(found["walked"]) == bool(found["gathered"]), search
