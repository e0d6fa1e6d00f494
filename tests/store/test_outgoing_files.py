"""The type that the database judges a file by is the one under which the worker sends it."""

from __future__ import annotations

import itertools

from tests.conftest import Connect
from tests.store.tenant import rows
from whatsapp.upload import EXTENSIONS, MAX_BYTES, media_name_and_type

TOLD = [
    *(
        "",
        "application/octet-stream",
        "binary/octet-stream",
        "audio/ogg",
        "audio/ogg; codecs=opus",
        "Audio/OGG;codecs=x",
    ),
    *("audio/opus", "application/ogg; codecs=vorbis", "application/ogg", "audio/mp3", "audio/m4a", "audio/x-m4a"),
    *("image/jpg", "image/jpeg ; a=b", "audio/opus; codecs=x", " ", "text/html", ";", *EXTENSIONS),
]
NAMES = [
    "a",
    ".opus",
    "a.",
    "..mp3",
    "a.b.PDF",
    "a.mp3/b",
    "a.tar.gz",
    "a\\.png",
    "a\\b.png",
    "note.opus",
    "a.webm",
    "a. pdf",
]
NAMES += [f"a{extension}" for known in EXTENSIONS.values() for extension in known]


async def test_the_database_tells_the_type_as_the_worker_does(database: Connect) -> None:
    cases = [(f"w/outgoing/{name}", told, voice) for name, told, voice in itertools.product(NAMES, TOLD, (False, True))]
    async with database() as session:
        answers = await rows(
            session,
            "select private.sent_type(path, told, voice) as type"
            " from unnest(%s::text[], %s::text[], %s::boolean[]) with ordinality as file (path, told, voice, place)"
            " order by place",
            *(list(column) for column in zip(*cases, strict=True)),
        )
    said = {case: answer["type"] for case, answer in zip(cases, answers, strict=True)}
    assert said == {case: media_name_and_type(case[0], case[1], voice=case[2])[1] for case in cases}


async def test_the_database_takes_the_types_and_sizes_that_the_worker_knows(database: Connect) -> None:
    async with database() as session:
        (answer,) = await rows(session, "select private.sendable_types('document') as types")
        sizes = await rows(
            session,
            "select kind, private.sendable_bytes(kind) as bytes from unnest(%s::text[]) as kind",
            list(MAX_BYTES),
        )
    assert sorted(answer["types"]) == sorted(EXTENSIONS)
    assert {row["kind"]: row["bytes"] for row in sizes} == MAX_BYTES
