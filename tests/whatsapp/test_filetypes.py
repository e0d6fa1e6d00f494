"""Which type and name a file is kept under, what its bytes say to that, and what can be read off them."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.whatsapp import files
from whatsapp.filetypes import Settled, dimensions, extension, ogg_duration, settle, stored_type
from whatsapp.signatures import signature

OCTETS = "application/octet-stream"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
SAMPLES = [
    *(files.jpeg(640, 480), files.jpeg(3, 2, exif=60_000), files.png(3, 2), files.gif(3, 2)),
    *(files.webp(kind, 512, 511) for kind in (b"VP8 ", b"VP8L", b"VP8X")),
    *(files.ogg(1.5), files.mp4(), files.mp4(b"M4A "), files.PDF, files.ZIP, files.OLE, files.AMR, files.WAV),
    *(files.ADTS, files.MP3, files.PAGE, SVG),
]


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [
        ("image/jpeg", ".jpg"),
        ("IMAGE/JPEG", ".jpg"),
        ("image/jpg", ".jpg"),
        ("audio/ogg; codecs=opus", ".ogg"),
        ("audio/amr", ".amr"),
        (DOCX, ".docx"),
        ("text/x-vcard", ".vcf"),
        ("text/plain;charset=utf-8", ".txt"),
        (OCTETS, ""),
        ("text/html", ""),
        ("image/svg+xml", ""),
        ("application/../../etc", ""),
        ("", ""),
        ("jpg", ""),
    ],
)
def test_the_extension_comes_out_of_the_table_or_is_none(mime_type: str, expected: str) -> None:
    assert extension(mime_type) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (files.jpeg(1, 1), "image/jpeg"),
        (files.png(1, 1), "image/png"),
        (files.gif(1, 1), "image/gif"),
        (files.webp(b"VP8X", 1, 1), "image/webp"),
        (files.mp4(), "video/mp4"),
        (files.mp4(b"M4A "), "audio/mp4"),
        (files.mp4(b"3gp4"), "video/3gpp"),
        (files.mp4(b"qt  "), "video/quicktime"),
        (files.mp4(b"heic"), "image/heic"),
        (files.mp4(b"avif"), "image/avif"),
        (files.ogg(1), "audio/ogg"),
        (files.MP3, "audio/mpeg"),
        (b"ID3\x04\x00", "audio/mpeg"),
        (files.ADTS, "audio/aac"),
        (files.AMR, "audio/amr"),
        (files.WAV, "audio/wav"),
        (files.PDF, "application/pdf"),
        (b"\xef\xbb\xbf\n" + files.PDF, "application/pdf"),
        (files.ZIP, "application/zip"),
        (files.OLE, "application/x-ole-storage"),
        (b"\x1f\x8b\x08\x00", "application/gzip"),
        (files.PAGE, "text/html"),
        (b"\xef\xbb\xbf \n<HTML>", "text/html"),
        (b"\xff\xfe" + "<script>".encode("utf-16-le"), "text/html"),
        (b"\xfe\xff" + "<script>".encode("utf-16-be"), "text/html"),
        (SVG, "image/svg+xml"),
        (b'<?xml version="1.0"?>\n<!-- a -->\n<svg xmlns="x">', "image/svg+xml"),
        (b"<!-- a --><svg onload='alert(1)'>", "image/svg+xml"),
        (b'<?xml version="1.0"?><html xmlns="x">', "application/xhtml+xml"),
        (b'<?xml version="1.0"?><invoice/>', "text/xml"),
        (b"<html>%PDF-1.7", "text/html"),
        ("\ufeffa text in UTF-16".encode("utf-16-le"), None),
        (b"\xff\xff\xff\xff", None),
        (b"\xff\xe8\x90\x64", None),
        (b"plain <b>text</b>", None),
        (b"RIFF\x00\x00\x00\x00junk", None),
        (b"MZ\x90\x00", None),
        (b"\xff\xd8", None),
        (b"", None),
    ],
)
def test_first_bytes_show_a_type(head: bytes, expected: str | None) -> None:
    assert signature(head) == expected


@pytest.mark.parametrize(
    ("announced", "head", "kind"),
    [
        ("image/jpeg", files.jpeg(1, 1), "image"),
        ("image/jpg", files.jpeg(1, 1), "image"),
        ("image/webp", files.webp(b"VP8X", 512, 512), "sticker"),
        ("audio/ogg; codecs=opus", files.ogg(1), "audio"),
        ("audio/ogg", files.ogg(1), "voice"),
        ("audio/mp4", files.mp4(), "audio"),
        ("video/mp4", files.mp4(b"3gp4"), "video"),
        ("video/quicktime", b"\x00\x00\x00\x08wide", "document"),
        ("audio/aac", files.ADTS, "audio"),
        ("audio/aac", files.mp4(b"M4A "), "audio"),
        ("audio/mpeg", b"\x00" * 64, "audio"),
        (DOCX, files.ZIP, "document"),
        (DOCX, files.OLE, "document"),
        ("application/vnd.ms-excel", b"a;b\n1;2\n", "document"),
        ("application/vnd.ms-excel", b"<html><table>", "document"),
        ("text/plain", b"GIF89a is what a GIF begins with", "document"),
        ("text/html", files.PAGE, "document"),
        ("application/x-made-up", files.PAGE, "document"),
        ("application/x-made-up", b"MZ\x90\x00", "document"),
        ("audio/x-made-up", files.ogg(1), "audio"),
        ("audio/x-made-up", b"noise", "audio"),
    ],
)
def test_what_fits_is_kept_as_announced(announced: str, head: bytes, kind: str) -> None:
    assert settle(announced, head, kind) == Settled(announced, False)


@pytest.mark.parametrize(
    ("announced", "head", "kind", "shown"),
    [
        ("image/jpeg", files.png(1, 1), "image", "image/png"),
        ("image/jpeg", files.PAGE, "image", "text/html"),
        ("image/jpeg", b"MZ\x90\x00", "image", OCTETS),
        ("image/jpeg", b"", "image", OCTETS),
        ("image/webp", files.mp4(), "sticker", "video/mp4"),
        ("audio/ogg; codecs=opus", files.mp4(b"M4A "), "audio", "audio/mp4"),
        ("audio/mpeg", files.PAGE, "audio", "text/html"),
        ("video/mp4", files.mp4(b"heic"), "video", "image/heic"),
        ("application/pdf", files.PAGE, "document", "text/html"),
        ("application/pdf", b"nothing", "document", OCTETS),
        (DOCX, files.PAGE, "document", "text/html"),
        (DOCX, files.PDF, "document", "application/pdf"),
        ("image/png", files.jpeg(1, 1), "document", "image/jpeg"),
        ("image/x-made-up", files.PAGE, "image", "text/html"),
        ("text/plain", files.PDF, "image", "application/pdf"),
        (None, files.ZIP, "video", "application/zip"),
        (OCTETS, SVG, "audio", "image/svg+xml"),
    ],
)
def test_what_contradicts_is_what_the_bytes_are(announced: str | None, head: bytes, kind: str, shown: str) -> None:
    assert settle(announced, head, kind) == Settled(shown, True)


@pytest.mark.parametrize(
    "announced", [None, "", OCTETS, "jpeg", "*/*", "image/jpeg\r\nx: y", "ımage/jpeg", "a/" + "b" * 200]
)
def test_who_announces_nothing_gets_what_the_bytes_show(announced: str | None) -> None:
    assert settle(announced, files.jpeg(1, 1), "image") == Settled("image/jpeg", False)
    assert settle(announced, b"noise", "image") == Settled(OCTETS, False)
    assert settle(announced, files.ZIP, "document") == Settled("application/zip", False)


def test_senseless_parameters_are_left_out() -> None:
    for parameters in ("; x\r\ny: z", "; codecs=\u00e4", ";;;", "; a=" + "b" * 200):
        assert settle("image/jpeg" + parameters, files.jpeg(1, 1), "image") == Settled("image/jpeg", False)


@pytest.mark.parametrize(
    "mime_type",
    [
        *("text/html", "TEXT/HTML", "text/html; charset=utf-8", "application/xhtml+xml", "image/svg+xml"),
        *("text/xml", "application/xml", "application/atom+xml", "x/xml", "text/xsl", "application/xml-dtd"),
        *("text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript"),
        *("text/javascript1.5", "text/jscript", "text/livescript", "multipart/x-mixed-replace; boundary=a"),
        *("unknown/unknown", "application/unknown", "*/*", "message/rfc822"),
        *(
            "",
            "jpeg",
            "image/",
            "/jpeg",
            "image/jpeg/x",
            "image jpeg",
            "image/jpeg;",
            "image/jpeg; x",
            "image/jpeg,text/html",
        ),
        *("image/jpeg\r\nx: y", "image/jpeg\n", "image/jp\x00eg", "ımage/jpeg", "image/jpeg; a=\u00e4", 'a/b; c="d'),
        "application/" + "x" * 100,
    ],
)
def test_what_runs_in_a_browser_and_what_is_no_type_is_stored_as_octets(mime_type: str) -> None:
    assert stored_type(mime_type) == OCTETS


@pytest.mark.parametrize(
    "mime_type",
    [
        *("image/jpeg", "audio/ogg; codecs=opus", DOCX, "application/pdf", "text/plain; charset=utf-8", OCTETS),
        *("application/json", "application/postscript", "application/x-made-up", 'video/mp4; codecs="avc1, mp4a"'),
    ],
)
def test_any_other_type_is_stored_as_it_is(mime_type: str) -> None:
    assert stored_type(mime_type) == mime_type


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (files.png(3, 2), (3, 2)),
        (files.jpeg(640, 480), (640, 480)),
        (files.jpeg(640, 480, frame=0xC2), (640, 480)),
        (files.jpeg(4000, 3000, exif=60_000), (4000, 3000)),
        (files.gif(320, 200), (320, 200)),
        (files.webp(b"VP8 ", 640, 481), (640, 481)),
        (files.webp(b"VP8L", 16384, 1), (16384, 1)),
        (files.webp(b"VP8X", 512, 511), (512, 511)),
        (files.jpeg(640, 0), None),
        (files.jpeg(640, 480, frame=0xC4), None),
        (files.jpeg(640, 480)[:40], None),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + b"\xff" * 8, None),
        (files.mp4(), None),
        (b"", None),
    ],
)
def test_pixels_are_read_off_the_head(head: bytes, expected: tuple[int, int] | None) -> None:
    assert dimensions(head) == expected


@pytest.mark.parametrize("seconds", [0.02, 1.5, 61, 3600])
@pytest.mark.parametrize("pages", [1, 3, 60])
def test_a_voice_note_tells_its_seconds(seconds: float, pages: int) -> None:
    note = files.ogg(seconds, pages=pages)
    assert ogg_duration(note[:65536], note[-65536:]) == pytest.approx(seconds, abs=1e-4)
    assert ogg_duration(note[:1024], note[-8192:]) == pytest.approx(seconds, abs=1e-4)


NOTE = files.ogg(2)


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        (NOTE, NOTE + files.ogg_page(77, -1, b"x"), 2.0),  # no packet ends on it
        (NOTE, NOTE + files.ogg_page(78, 480_000, b"x"), 2.0),  # another stream's
        (NOTE, NOTE + b"OggS\x00 in the sound", 2.0),
        (NOTE, b"", None),
        (NOTE, b"OggS\x00" * 13_000, None),
        (NOTE, files.ogg_page(77, 100, b"x"), None),  # less than is skipped
        (NOTE, files.ogg_page(77, 2**62, b"x"), None),
        (NOTE.replace(b"OpusHead", b"\x01vorbis "), NOTE, None),
        (NOTE[:38], NOTE, None),
        (files.mp4(), NOTE, None),
        (b"", b"", None),
    ],
)
def test_a_doubtful_note_tells_none(head: bytes, tail: bytes, expected: float | None) -> None:
    assert ogg_duration(head, tail) == expected


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of ours with some bytes replaced and its end gone."""
    raw = bytearray(draw(st.sampled_from(SAMPLES))[:4096])
    for at, byte in draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=12)):
        raw[at] = byte
    return bytes(raw[: draw(st.integers(0, len(raw)))])


@given(st.binary(max_size=200) | damaged(), st.binary(max_size=200) | damaged())
@settings(max_examples=1500, deadline=None)
@example(b"\xff\xd8" + b"\xff" * 65_534, b"OggS" * 16_384)
@example(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 16_383, b"OggS\x00" * 13_107)
def test_no_bytes_raise_and_none_are_believed_beyond_reason(head: bytes, tail: bytes) -> None:
    shown, pixels, seconds = signature(head), dimensions(head), ogg_duration(head, tail)
    assert shown is None or stored_type(shown) in (shown, OCTETS)
    assert pixels is None or all(0 < side < 2**31 for side in pixels)
    assert seconds is None or 0 < seconds <= 48 * 3600
    for announced in (None, "image/jpeg", "audio/ogg; codecs=opus", "application/x-made-up"):
        settled = settle(announced, head, "image")
        assert settled.mime_type in (announced, shown, OCTETS)


TYPES = st.text() | st.text(string.ascii_letters + '/;=+. "*\r\n\x00', max_size=120)


@given(TYPES, st.binary(max_size=20))
@settings(max_examples=1000, deadline=None)
def test_no_text_for_a_type_raises_or_comes_through_malformed(announced: str, head: bytes) -> None:
    settled = settle(announced, head, "document")
    for found in (settled.mime_type, stored_type(announced), stored_type(settled.mime_type)):
        assert found.isascii() and found.isprintable() and 0 < len(found) <= 100 and "/" in found
    assert extension(announced) == extension(announced.upper()) or not announced.isascii()
