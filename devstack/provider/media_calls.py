"""The media calls: upload, lookup, download, delete."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import BodyPartReader, web

from devstack.provider.calls import Call
from devstack.provider.errors import ApiError
from devstack.provider.faults import NOTHING
from devstack.provider.limits import MEDIA_LIMIT, MEDIA_LIMITS
from devstack.provider.media import UPLOAD_LIFE, Media, Spool
from devstack.provider.streams import pieces_of, stream

# The host that media URLs name. Through 360dialog it is Meta's all the same, and the client has to swap it.
LOOKASIDE = "https://lookaside.fbsbx.com"

UPLOAD_TYPES = sorted({mime_type for types, _ in MEDIA_LIMITS.values() for mime_type in types})


async def upload(call: Call) -> web.Response:
    """Multipart `messaging_product` and `file`, in either order, streamed to the disk."""
    if not call.request.content_type.startswith("multipart/"):
        raise ApiError(100, "(#100) The parameter file is required.")
    arrived: tuple[Spool, str, str | None] | None = None
    fields: dict[str, str] = {}
    try:
        async for part in await call.request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "file" and arrived is None:
                arrived = await _received(call, part)
            else:
                fields[part.name or ""] = (await part.read(decode=True)).decode(errors="replace")[:1000]
        media = _kept(call, fields, arrived)
    except BaseException:
        if arrived:
            arrived[0].discard()
        raise
    return web.json_response({"id": media.id})


async def _received(call: Call, part: BodyPartReader) -> tuple[Spool, str, str | None]:
    mime_type = part.headers.get("Content-Type", "application/octet-stream")
    spool = call.provider.media.spool()
    try:
        while chunk := await part.read_chunk(64 * 1024):
            spool.write(chunk)
            _check_size(spool.size, MEDIA_LIMIT)
    except BaseException:
        spool.discard()
        raise
    return spool, mime_type, part.filename


def _kept(call: Call, fields: dict[str, str], arrived: tuple[Spool, str, str | None] | None) -> Media:
    if fields.get("messaging_product") != "whatsapp":
        raise ApiError(100, message="(#100) The parameter messaging_product is required.")
    if arrived is None:
        raise ApiError(100, message="(#100) The parameter file is required.")
    spool, mime_type, filename = arrived
    _check_upload(mime_type, spool.size)
    return call.provider.media.keep(spool, call.number.phone_number_id, mime_type, UPLOAD_LIFE, filename)


def _check_upload(mime_type: str, size: int) -> None:
    """The type's own limit holds at upload already; parameters of the type (`; codecs=opus`) are taken."""
    bare = mime_type.partition(";")[0].strip().lower()
    limits = [limit for types, limit in MEDIA_LIMITS.values() if bare in types]
    if not limits:
        allowed = ", ".join(UPLOAD_TYPES)
        raise ApiError(
            100,
            f"Param file must be a file with one of the following types: {allowed}. Received file of type '{bare}'.",
        )
    if size == 0:
        raise ApiError(131053, "The file is empty")
    _check_size(size, max(limits))


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ApiError(131053, f"The file is larger than the {limit} bytes allowed for its type")


async def look_up(call: Call) -> web.Response:
    """The description of a file with a fresh five-minute URL."""
    owners = call.reachable
    wanted = call.request.query.get("phone_number_id")
    media = call.provider.media.find(call.request.match_info["object_id"], {wanted} & owners if wanted else owners)
    base = LOOKASIDE if call.dialect == "360dialog" else f"{call.request.scheme}://{call.request.host}"
    return web.json_response(
        {
            "messaging_product": "whatsapp",
            "url": call.provider.media.signed_url(media, base),
            "mime_type": media.mime_type,
            "sha256": media.sha256,
            "file_size": media.file_size,
            "id": media.id,
        }
    )


async def download(call: Call) -> web.StreamResponse:
    """The bytes behind a media URL. What is stale, forged or gone is a bare 404, as at Meta's file host."""
    query = call.request.query
    try:
        media = call.provider.media.find(query.get("mid", ""), call.reachable)
    except ApiError:
        return web.Response(status=404, text="")
    expires = query.get("ext", "")
    if not expires.isdigit() or not call.provider.media.opens(media, expires, query.get("hash", "")):
        return web.Response(status=404, text="URL signature expired")
    return await stream(call.request, pieces_of(media.path), _headers_of(media), call.action or NOTHING, media.truncate)


def _headers_of(media: Media) -> dict[str, str]:
    headers = {"Content-Type": media.mime_type, "Content-Length": str(media.path.stat().st_size)}
    if media.filename:
        headers["Content-Disposition"] = f"attachment;filename*=UTF-8''{quote(media.filename)}"
    return headers


async def delete(call: Call) -> web.Response:
    media = call.provider.media.find(call.request.match_info["object_id"], call.reachable, "delete")
    call.provider.media.drop(media)
    return web.json_response({"success": True})
