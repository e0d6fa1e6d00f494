"""Attacks on Storage: every way to a file of home, by everybody, beside the same way to a file that nobody has."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.attack.isolation.worlds import Actor, Answer, Attack

BUCKET = "whatsapp-media"
STORED = "{workspace}/{conversation}/{message}.jpg"
UPLOADED = "{workspace}/outgoing/{marker}.jpg"


@dataclass(frozen=True)
class Way:
    """A request of Storage's API. `by`: the least role that gets what it asks for; none: the backend only.
    `pieces`: the name of an object that is uploaded in pieces."""

    name: str
    method: str
    path: str
    body: Any = None
    by: str | None = None
    upsert: bool = False
    backend: bool = True
    pieces: str | None = None


FILE, SENT = f"{BUCKET}/{STORED}", f"{BUCKET}/{UPLOADED}"
FRESH = BUCKET + "/{workspace}/outgoing/{token}-%s.jpg"
LATER = BUCKET + "/{workspace}/outgoing/{reference}.jpg"
WAYS = [
    Way("download", "GET", f"/object/authenticated/{FILE}", by="agent"),
    Way("download in short", "GET", f"/object/{FILE}", by="agent"),
    Way("download in public", "GET", f"/object/public/{FILE}", backend=False),
    Way("information", "GET", f"/object/info/authenticated/{FILE}", by="agent"),
    Way("list", "POST", f"/object/list/{BUCKET}", {"prefix": "{workspace}/{conversation}"}, by="agent"),
    Way("list a workspace", "POST", f"/object/list/{BUCKET}", {"prefix": "{workspace}"}, by="agent"),
    Way("list keys", "POST", f"/object/list-v2/{BUCKET}", {"prefix": "{workspace}/"}, by="agent"),
    Way("signed address", "POST", f"/object/sign/{FILE}", {"expiresIn": 60}, by="agent"),
    Way("upload to send", "POST", f"/object/{FRESH}", {"a": 1}, by="agent"),
    Way("address to upload to", "POST", f"/object/upload/sign/{LATER}", by="agent"),
    Way("upload in pieces", "POST", "/upload/resumable", by="agent", pieces="{workspace}/outgoing/{bsuid}.jpg"),
    Way("upload in pieces over what came", "POST", "/upload/resumable", pieces=STORED, upsert=True),
    Way("upload in pieces over what is sent", "POST", "/upload/resumable", pieces=UPLOADED, upsert=True),
    Way("upload among what came", "POST", f"/object/{BUCKET}/{{workspace}}/{{conversation}}/{{token}}.jpg", {"a": 1}),
    Way("upload over what came", "POST", f"/object/{FILE}", {"a": 1}, upsert=True),
    Way("upload over what is sent", "POST", f"/object/{SENT}", {"a": 1}, upsert=True),
    Way("replace", "PUT", f"/object/{SENT}", {"a": 1}),
    Way("move", "POST", "/object/move", {"bucketId": BUCKET, "sourceKey": UPLOADED, "destinationKey": UPLOADED + ".2"}),
    Way("copy out", "POST", "/object/copy", {"bucketId": BUCKET, "sourceKey": STORED, "destinationKey": "{token}.jpg"}),
    Way("delete", "DELETE", f"/object/{SENT}"),
    Way("delete many", "DELETE", f"/object/{BUCKET}", {"prefixes": [STORED, UPLOADED]}),
    Way("empty the bucket", "POST", f"/bucket/{BUCKET}/empty"),
    Way("open the bucket", "PUT", f"/bucket/{BUCKET}", {"public": True}),
    Way("delete the bucket", "DELETE", f"/bucket/{BUCKET}"),
]


async def findings(attack: Attack) -> list[str]:
    """Ways that let in whom they must not, tell what exists, or are shut to members."""
    backend = Actor("backend", 9, None, attack.project.headers(attack.project.service_role_key))
    for path in (STORED, UPLOADED):
        stored = await attack.ask(
            backend, "POST", f"/storage/v1/object/{BUCKET}/{path.format_map(attack.home)}", {"a": 1}
        )
        assert stored.status == 200, stored.text
    before = await _objects(attack)
    found = []
    for actor in attack.actors.values():
        for way in WAYS:
            answer = await _go(attack, actor, way, attack.home)
            if actor.rank >= 1 and actor.may(way.by) == _shut(answer):
                told = "is refused" if _shut(answer) else "succeeds"
                found.append(f"{way.name}: {actor.name} {told} ({answer.status} {answer.text[:80]})")
            if actor.rank < 1:
                nothing = await _go(attack, actor, way, attack.nowhere)
                if not _shut(answer):
                    found.append(f"{way.name}: {actor.name} succeeds at a file of home ({answer.status})")
                if answer.kind != nothing.kind:
                    found.append(f"{way.name}: {actor.name} learns that home exists ({answer.kind}, {nothing.kind})")
    allowed = {FRESH.partition("/")[2] % actor.name for actor in attack.actors.values() if actor.rank >= 1}
    gone, come = before - (after := await _objects(attack)), after - before
    changed = gone | {row for row in come if row[0] not in {path.format_map(attack.home) for path in allowed}}
    return found + [f"{name} is not what it was" for name, _ in sorted(changed)]


async def _go(attack: Attack, actor: Actor, way: Way, world: Mapping[str, str]) -> Answer:
    path = (way.path % actor.name if "%s" in way.path else way.path).format_map(world)
    headers = {"x-upsert": "true"} if way.upsert else {}
    if way.pieces:
        told = {"bucketName": BUCKET, "objectName": way.pieces.format_map(world), "contentType": "image/jpeg"}
        metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items())
        headers |= {"Tus-Resumable": "1.0.0", "Upload-Length": "8", "Upload-Metadata": metadata}
    return await attack.ask(actor, way.method, f"/storage/v1{path}", _filled(way.body, world), **headers)


def _filled(body: Any, world: Mapping[str, str]) -> Any:
    if isinstance(body, str):
        return body.format_map(world)
    if isinstance(body, list):
        return [_filled(item, world) for item in body]
    return {key: _filled(value, world) for key, value in body.items()} if isinstance(body, dict) else body


def _shut(answer: Answer) -> bool:
    """Refused, or an empty list of things."""
    return (
        answer.status >= 400
        or answer.text in ("[]", '{"hasNext":false,"folders":[],"objects":[]}')
        or _lists_nothing(answer)
    )


def _lists_nothing(answer: Answer) -> bool:
    return '"objects": []' in answer.text and '"folders": []' in answer.text


async def _objects(attack: Attack) -> set[tuple[str, str]]:
    rows = await attack.rows(
        "select name, coalesce(version, '') || metadata::text as state from storage.objects where bucket_id = %s"
        " and (name like %s or name like %s)",
        BUCKET,
        f"%{attack.home['workspace']}%",
        f"%{attack.home['token']}%",
    )
    return {(row["name"], row["state"]) for row in rows}
