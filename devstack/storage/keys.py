"""Which names Storage takes for buckets and objects: what is safe in S3 and a few characters more."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from devstack.storage.errors import StorageError, invalid_key

# `\w` is ASCII here, as in the JavaScript expression of the real service: no letter outside A-Z is taken.
OBJECT_NAME = re.compile(r"[\w/!.*'() &$@=;:+,?-]+", re.ASCII)
BUCKET_NAME = re.compile(r"[\w!.*'() &$@=;:+,?-]{1,63}", re.ASCII)


@dataclass(frozen=True)
class Location:
    """An object's place: its bucket and its name therein."""

    bucket_id: str
    name: str

    @property
    def path(self) -> str:
        return f"{self.bucket_id}/{self.name}"

    @classmethod
    def of(cls, request: web.Request) -> Location:
        """The place that a request's path names."""
        return cls(request.match_info["bucket_id"], checked_name(request.match_info["name"]))


def checked_name(name: str) -> str:
    if not OBJECT_NAME.fullmatch(name):
        raise invalid_key(name)
    return name


def checked_bucket_name(name: str) -> str:
    if not BUCKET_NAME.fullmatch(name):
        raise StorageError(400, "InvalidBucketName", "Bucket name invalid", error="Invalid Input")
    return name
