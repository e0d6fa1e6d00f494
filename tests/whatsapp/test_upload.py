"""What a file is called on its way to WhatsApp, and the envelope it travels in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import HTTP

import pytest

from whatsapp.upload import PIECE, Multipart, media_name_and_type

OPUS = "audio/ogg; codecs=opus"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("filename", "mime_type", "expected"),
    [
        ("note.opus", "audio/opus", ("note.ogg", OPUS)),
        ("note.ogg", "audio/ogg", ("note.ogg", OPUS)),
        ("note.ogg", "audio/ogg; codecs=opus", ("note.ogg", OPUS)),
        ("note.oga", "AUDIO/OGG;codecs=OPUS", ("note.oga", OPUS)),
        ("note.mp4", "audio/ogg; codecs=opus", ("note.ogg", OPUS)),
        ("note", "application/ogg", ("note.ogg", OPUS)),
        ("note.opus", "application/octet-stream", ("note.ogg", OPUS)),
        ("note.ogg", "audio/ogg; codecs=vorbis", ("note.ogg", "audio/ogg")),
        ("song.mp3", "audio/mp3", ("song.mp3", "audio/mpeg")),
        ("song", "audio/x-m4a", ("song.m4a", "audio/mp4")),
        ("song.mp4", "audio/mp4", ("song.m4a", "audio/mp4")),
        ("film.mp4", "video/mp4", ("film.mp4", "video/mp4")),
        ("film", "", ("film", "application/octet-stream")),
        ("film.mp4", "", ("film.mp4", "video/mp4")),
        ("A.JPEG", "image/jpeg", ("A.JPEG", "image/jpeg")),
        ("a.png", "image/jpg", ("a.jpg", "image/jpeg")),
        ("report.v2", "application/pdf", ("report.v2.pdf", "application/pdf")),
        ("דוח.docx", "application/octet-stream", ("דוח.docx", DOCX)),
        ("a.txt", "text/plain; charset=utf-8", ("a.txt", "text/plain")),
        ("C:\\temp\\a.pdf", "application/pdf", ("a.pdf", "application/pdf")),
        ("../../a.pdf", "application/pdf", ("a.pdf", "application/pdf")),
        ("", "application/pdf", ("file.pdf", "application/pdf")),
        (".mp3", "application/pdf", (".mp3.pdf", "application/pdf")),
        ("a.step", "model/step", ("a.step", "model/step")),
    ],
)
def test_name_and_type_agree_and_are_whatsapps(filename: str, mime_type: str, expected: tuple[str, str]) -> None:
    assert media_name_and_type(filename, mime_type) == expected


@pytest.mark.parametrize("mime_type", ["", "application/octet-stream", "audio/ogg", "audio/opus", OPUS])
def test_a_voice_note_is_ogg_with_opus(mime_type: str) -> None:
    assert media_name_and_type("recording", mime_type, voice=True) == ("recording.ogg", OPUS)


def test_a_voice_note_that_is_told_to_be_something_else_is_not_called_ogg() -> None:
    assert media_name_and_type("note.m4a", "audio/mp4", voice=True) == ("note.m4a", "audio/mp4")


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


async def whole(body: Multipart) -> bytes:
    async with asyncio.timeout(None) as deadline:
        return b"".join([piece async for piece in body.pieces(deadline, 10, 20)])


@pytest.mark.parametrize("size", [6, None])
async def test_the_envelope_has_the_product_and_the_file(size: int | None) -> None:
    body = Multipart(pieces(b"abc", b"", b"def"), "דוח.pdf", "application/pdf", size)
    raw = await whole(body)
    assert body.headers.get("Content-Length") == (str(len(raw)) if size else None)
    parsed = message_from_bytes(f"Content-Type: {body.headers['Content-Type']}\r\n\r\n".encode() + raw, policy=HTTP)
    product, file = parsed.iter_parts()
    assert product.get_payload(decode=True) == b"whatsapp"
    assert product.get_param("name", header="content-disposition") == "messaging_product"
    assert (file.get_content_type(), file.get_payload(decode=True)) == ("application/pdf", b"abcdef")
    assert 'name="file"; filename="דוח.pdf"'.encode() in raw


async def test_a_name_cannot_break_out_of_its_line() -> None:
    raw = await whole(Multipart(pieces(b"x"), 'a"; name="b\r\nX-Evil: 1\r\n\r\n', "text/plain\r\nX-Evil: 2", None))
    assert b"\r\nX-Evil" not in raw
    assert b'filename="a%22; name=%22b%0D%0AX-Evil: 1%0D%0A%0D%0A"' in raw


@pytest.mark.parametrize("size", [2, 4])
async def test_a_file_of_another_size_than_was_announced_is_no_file(size: int) -> None:
    body = Multipart(pieces(b"ab", b"c"), "a.txt", "text/plain", size)
    with pytest.raises(ValueError, match="announced"):
        await whole(body)
    assert isinstance(body.error, ValueError)


async def test_a_file_given_in_one_piece_leaves_in_many() -> None:
    body = Multipart(pieces(b"x" * (3 * PIECE + 1)), "a.txt", "text/plain", 3 * PIECE + 1)
    async with asyncio.timeout(None) as deadline:
        sizes = [len(piece) async for piece in body.pieces(deadline, 10, 20)]
    assert sizes[1:-1] == [PIECE, PIECE, PIECE, 1]


async def test_each_piece_that_is_fetched_gives_more_time_and_the_last_the_answers() -> None:
    async with asyncio.timeout(None) as deadline:
        whens = [deadline.when() async for _ in Multipart(pieces(b"a", b"b"), "a", "b", None).pieces(deadline, 10, 20)]
        answered = deadline.when()
    assert whens[0] is None
    assert whens[1] is not None
    assert whens[2] is not None
    assert whens[2] >= whens[1]
    assert answered is not None
    assert answered >= whens[2] + 9
