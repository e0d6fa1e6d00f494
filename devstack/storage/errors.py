"""Storage's errors, in the real service's words.

Copied behaviour: the body carries the meaning (`statusCode` as text, `error`, `message`, `code`), while the
HTTP status is 400 for nearly everything: "Object not found" is a 404 inside a 400. Postgres errors are
translated by SQLSTATE.
"""

from __future__ import annotations

import psycopg
from aiohttp import web
from aiohttp.typedefs import Handler
from psycopg_pool import PoolTimeout


class StorageError(Exception):
    """A refusal: `status` is what the body says, `http_status` what the response line says."""

    def __init__(
        self, status: int, code: str, message: str, *, error: str | None = None, http_status: int = 400
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.error = error or code
        self.http_status = 500 if status == 500 else http_status

    def as_response(self) -> web.Response:
        body = {
            "statusCode": str(self.status),
            "code": self.code,
            "error": self.error,
            "message": self.message,
        }
        return web.json_response(body, status=self.http_status)


class ClientGone(Exception):
    """The connection broke in mid-upload; nobody is there to read an answer."""


def no_such_bucket() -> StorageError:
    return StorageError(404, "NoSuchBucket", "Bucket not found", error="Bucket not found")


def no_such_key() -> StorageError:
    return StorageError(404, "NoSuchKey", "Object not found", error="not_found")


def already_exists(code: str) -> StorageError:
    return StorageError(409, code, "The resource already exists", error="Duplicate")


def invalid_key(key: str) -> StorageError:
    return StorageError(400, "InvalidKey", f"Invalid key: {key}")


def invalid_mime_type(mime_type: str) -> StorageError:
    message = f"mime type {mime_type} is not supported"
    return StorageError(415, "InvalidMimeType", message, error="invalid_mime_type")


def too_large() -> StorageError:
    message = "The object exceeded the maximum allowed size"
    return StorageError(413, "EntityTooLarge", message, error="Payload too large")


def access_denied(message: str) -> StorageError:
    return StorageError(403, "AccessDenied", message, error="Unauthorized")


def invalid_parameter(message: str) -> StorageError:
    return StorageError(400, "InvalidParameter", message)


def invalid_signature(message: str = "Invalid signature") -> StorageError:
    return StorageError(400, "InvalidSignature", message)


def timed_out() -> StorageError:
    message = "The connection to the database timed out"
    return StorageError(544, "DatabaseTimeout", message, http_status=544)


def from_postgres(error: psycopg.Error) -> StorageError:
    """What the real service makes of an SQLSTATE."""
    message = error.diag.message_primary or str(error)
    if error.sqlstate == "42501" and "row-level security" in message:
        message = "new row violates row-level security policy"
    known = {
        "42501": access_denied(message),
        "23505": already_exists("ResourceAlreadyExists"),
        "23503": StorageError(404, "InvalidRequest", "The related resource does not exist"),
        "22P02": invalid_parameter(message),
        "57014": timed_out(),
    }
    unknown = StorageError(500, "DatabaseError", f"database error, code: {error.sqlstate}")
    return known.get(error.sqlstate or "", unknown)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except StorageError as error:
        return error.as_response()
    except ClientGone:
        return web.Response(status=499)
    except PoolTimeout:
        return timed_out().as_response()
    except psycopg.Error as error:
        return from_postgres(error).as_response()
