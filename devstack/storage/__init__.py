"""Stand-in for Supabase Storage: buckets and objects under row level security, mounted at /storage/v1.

Copied from the Storage API as hosted projects run it (v1.90): paths, bodies, headers and errors that
storage3 and storage-js use. Bytes lie in a folder, rows in `storage.objects`, and every access is the
caller's own in Postgres. Not here: image transformation, the S3 protocol, analytics and vector buckets.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from aiohttp import web

from devstack.context import CONTEXT, Context
from devstack.storage import buckets, download, listing, objects, resumable, signing, upload
from devstack.storage.errors import answer_errors
from devstack.storage.faults import FAULTS, Faults, build_control, misbehave
from devstack.storage.files import FILES, Files

__all__ = ["build", "build_control"]

BUCKET = "/bucket/{bucket_id}"
OBJECT = "{bucket_id}/{name:.+}"
RESUMABLE = "/upload/resumable/{address}"

# The order counts: `/object/{bucket}/…` would take what the special paths before it mean.
ROUTES = [
    web.get("/bucket", buckets.list_buckets),
    web.post("/bucket", buckets.create_bucket),
    web.get(BUCKET, buckets.get_bucket),
    web.put(BUCKET, buckets.update_bucket),
    web.delete(BUCKET, buckets.delete_bucket),
    web.post(f"{BUCKET}/empty", buckets.empty_bucket),
    web.post("/object/list/{bucket_id}", listing.list_objects),
    web.post("/object/list-v2/{bucket_id}", listing.list_keys),
    web.post("/object/move", objects.move),
    web.post("/object/copy", objects.copy),
    web.post("/object/sign/{bucket_id}", signing.sign_many),
    web.post(f"/object/sign/{OBJECT}", signing.sign),
    web.get(f"/object/sign/{OBJECT}", signing.get_signed),
    web.post(f"/object/upload/sign/{OBJECT}", signing.sign_upload),
    web.put(f"/object/upload/sign/{OBJECT}", signing.upload_signed),
    web.get(f"/object/public/{OBJECT}", download.get_public_object),
    web.get(f"/object/info/authenticated/{OBJECT}", download.get_info),
    web.get(f"/object/info/{OBJECT}", download.get_info),
    web.get(f"/object/authenticated/{OBJECT}", download.get_object),
    web.get(f"/object/{OBJECT}", download.get_object),
    web.post(f"/object/{OBJECT}", upload.create),
    web.put(f"/object/{OBJECT}", upload.replace),
    web.delete(f"/object/{OBJECT}", objects.remove_one),
    web.delete("/object/{bucket_id}", objects.remove_many),
    web.options("/upload/resumable", resumable.options),
    web.post("/upload/resumable", resumable.create),
    web.head(RESUMABLE, resumable.offset),
    web.patch(RESUMABLE, resumable.append),
    web.delete(RESUMABLE, resumable.terminate),
]


def build(context: Context) -> web.Application:
    app = web.Application(middlewares=[misbehave, answer_errors])
    app[CONTEXT] = context
    app[FAULTS] = Faults()
    app[FILES] = Files(context.directory)
    app[resumable.BUSY] = defaultdict(asyncio.Lock)
    app.add_routes(ROUTES)
    return app
