"""Signed URLs: a token that stands for one object and one purpose until it expires, good without any key.

Whoever signs must be able to do the thing itself: see the object to let others read it, write it to let
others upload.
"""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from devstack.context import CONTEXT, caller_of
from devstack.keys import BadToken
from devstack.storage import rows
from devstack.storage.download import serve
from devstack.storage.errors import StorageError, invalid_signature
from devstack.storage.keys import Location
from devstack.storage.requests import read_json, texts, whole_number
from devstack.storage.upload import Upload, authorize, limits_of, store, wants_upsert

UPLOAD_URL_SECONDS = 2 * 3600
NOT_SIGNED = "Either the object does not exist or you do not have access to it"


async def sign(request: web.Request) -> web.Response:
    location = Location.of(request)
    seconds = whole_number(await read_json(request), "expiresIn")
    async with rows.as_caller(request, "object.sign") as connection:
        await rows.find_object(connection, location)
    return web.json_response({"signedURL": _download_url(request, location, seconds)})


async def sign_many(request: web.Request) -> web.Response:
    """One answer per path, in order; what cannot be seen gets an error there, not a refusal of the whole."""
    body = await read_json(request)
    bucket_id, paths, seconds = (
        request.match_info["bucket_id"],
        texts(body, "paths"),
        whole_number(body, "expiresIn"),
    )
    async with rows.as_caller(request, "object.sign_many") as connection:
        cursor = await connection.execute(
            "select name from storage.objects where bucket_id = %s and name = any(%s)", [bucket_id, paths]
        )
        visible = {row["name"] for row in await cursor.fetchall()}

    def answer(path: str) -> dict[str, Any]:
        if path not in visible:
            return {"error": NOT_SIGNED, "path": path, "signedURL": None}
        url = _download_url(request, Location(bucket_id, path), seconds)
        return {"error": None, "path": path, "signedURL": url}

    return web.json_response([answer(path) for path in paths])


def _download_url(request: web.Request, location: Location, seconds: int) -> str:
    token = _signed(request, location, seconds, scope="download")
    return f"/object/sign/{location.path}?token={token}"


async def get_signed(request: web.Request) -> web.StreamResponse:
    """The object of a signed URL, whoever asks."""
    location = Location.of(request)
    claims = _verified(request, location, "download")
    async with request.app[CONTEXT].database.as_admin() as connection:
        row = await rows.find_object(connection, location)
    return await serve(request, row, expires_at=float(claims["exp"]))


async def sign_upload(request: web.Request) -> web.Response:
    location, owner = Location.of(request), caller_of(request).user_id
    wanted = Upload(location, owner, wants_upsert(request))
    await limits_of(request, location)
    await authorize(request, wanted, "object.sign_upload_url")
    claims = {"owner": owner, "upsert": wanted.upsert}
    token = _signed(request, location, UPLOAD_URL_SECONDS, scope="upload", **claims)
    return web.json_response({"url": f"/object/upload/sign/{location.path}?token={token}", "token": token})


async def upload_signed(request: web.Request) -> web.Response:
    """An upload in the signer's name. Without `x-upsert` at signing time it is good for a new object only."""
    location = Location.of(request)
    claims = _verified(request, location, "upload")
    wanted = Upload(location, claims.get("owner"), bool(claims.get("upsert")))
    limits = await limits_of(request, location)
    await authorize_as_platform(request, wanted)
    return await store(request, wanted, limits)


async def authorize_as_platform(request: web.Request, wanted: Upload) -> None:
    """Only whether the name is still free: the right to it was checked when the URL was signed."""
    request["caller"] = request.app[CONTEXT].keys.verify(request.app[CONTEXT].keys.service_role_key)
    await authorize(request, wanted, "object.upload_signed")


def _signed(request: web.Request, location: Location, seconds: int, **claims: Any) -> str:
    now = int(time.time())
    return request.app[CONTEXT].keys.sign({"url": location.path, **claims, "iat": now, "exp": now + seconds})


def _verified(request: web.Request, location: Location, scope: str) -> dict[str, Any]:
    try:
        claims = request.app[CONTEXT].keys.verify(request.query.get("token", "")).claims
    except BadToken as error:
        message = '"exp" claim timestamp check failed' if str(error) == "JWT expired" else str(error)
        raise StorageError(400, "InvalidJWT", message) from error
    if claims.get("scope") != scope:
        raise invalid_signature(f"Token is not scoped for {scope}")
    if claims.get("url") != location.path:
        raise invalid_signature()
    return claims
