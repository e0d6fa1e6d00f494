"""`wabase doctor` on the project: settings, the key at each service, schema, clock, Vault, journal, doorbell."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ops import remedies
from ops.findings import Finding, ago, complained
from ops.installation import differences
from ops.project import BUCKET, Project
from ops.settings import Settings
from store.connect import check
from store.errors import Rejected, answered, json_of
from store.realtime import SLOW_SECONDS, Doorbell

NOBODY = "00000000-0000-0000-0000-000000000000"
# Clocks further apart make times in logs, and of what phones and programs write, hard to compare; then plainly wrong.
SKEW_SECONDS, WRONG_SECONDS = 5.0, 60.0
MOST_DIFFERENCES = 20


def settings(chosen: Settings) -> list[Finding]:
    """What is set, as far as it can be judged without asking anybody."""
    address = urlsplit(chosen.supabase_url)
    findings = [Finding("ok", "settings", f"The project is {address.netloc}.")]
    wrong = remedies.of_key(chosen)
    if wrong:
        findings = [complained("settings", wrong)]
    if address.scheme == "http" and address.hostname not in ("localhost", "127.0.0.1"):
        said = "SUPABASE_URL begins with http: the key goes over the network unencrypted."
        findings.append(Finding("warn", "settings", said, "Set it to https://<ref>.supabase.co."))
    public = chosen.webhook_public_url
    if public is None:
        said = "WEBHOOK_PUBLIC_URL is not set: whether numbers post to this receiver cannot be compared."
        findings.append(Finding("warn", "settings", said, "Set it to the receiver's public address, https://…"))
    elif not public.startswith("https://"):
        said = "WEBHOOK_PUBLIC_URL does not begin with https: neither provider posts there."
        findings.append(Finding("warn", "settings", said, "Put TLS before the receiver and set its address."))
    return findings


async def rest(project: Project) -> list[Finding]:
    """The key at PostgREST. Raises StoreError."""
    before = time.monotonic()
    await check(project.http)
    return [Finding("ok", "rest", f"The Data API takes the key ({(time.monotonic() - before) * 1000:.0f} ms).")]


async def storage(project: Project) -> list[Finding]:
    """The key at Storage, and the bucket. Raises StoreError."""
    buckets = json_of(await answered(project.http.get("/storage/v1/bucket")))
    known = {bucket["id"]: bucket["public"] for bucket in buckets}
    if BUCKET not in known:
        said = f"Storage takes the key, but there is no bucket {BUCKET}: no file can be kept or sent."
        return [Finding("fail", "storage", said, f"Make a private bucket {BUCKET} in Storage.")]
    if known[BUCKET]:
        said = f"The bucket {BUCKET} is public: whoever knows a path reads the file."
        return [Finding("fail", "storage", said, "Set it to private in Storage.")]
    return [Finding("ok", "storage", f"Storage takes the key, and the bucket {BUCKET} is private.")]


async def realtime(project: Project) -> list[Finding]:
    """The key at Realtime, and how long the worker's doorbell takes. Raises StoreError."""
    settings = project.settings
    key = settings.supabase_service_role_key.get_secret_value()
    rings = dict.fromkeys(("outbox", "media_downloads"), lambda: None)
    doorbell = Doorbell(settings.supabase_url, key, rings, project.rpc.ring_doorbell)
    try:
        lag = await doorbell.try_once()
    except Rejected as error:
        if error.code != "subscription":
            raise
        said = "Realtime takes the key and refuses the subscription: the worker works by polling alone."
        remedy = "Turn Realtime on for the project, and see that service_role may select from realtime.messages."
        return [Finding("fail", "realtime", said, remedy)]
    joined = Finding("ok", "realtime", "Realtime takes the key and lets the worker listen.")
    if lag is None:
        said = "A row was put into the outbox and not heard of: the worker works by polling alone."
        remedy = "See that outbox has its trigger ring_worker, and look at Realtime's logs."
        return [joined, Finding("fail", "doorbell", said, remedy)]
    if lag > SLOW_SECONDS:
        said = f"It rings after {lag:.1f} seconds: messages go out late."
        return [joined, Finding("warn", "doorbell", said, "Look at Realtime's and the database's load.")]
    return [joined, Finding("ok", "doorbell", f"It rings after {lag * 1000:.0f} ms.")]


async def schema(project: Project) -> list[Finding]:
    """Release, migrations and drift, and the database's clock. Raises StoreError."""
    before = time.time()
    found = await project.rpc.get_installation()
    skew = _clock(found["at"], before, time.time())
    told = differences(found)
    if len(told) > MOST_DIFFERENCES:
        more = f"And {len(told) - MOST_DIFFERENCES} more differences."
        told = [
            *told[:MOST_DIFFERENCES],
            Finding("fail", "drift", more, f"Is this the right project? `{remedies.PUSH}`"),
        ]
    return [*told, skew]


def _clock(there: float, before: float, after: float) -> Finding:
    """How far this machine's clock is from the database's, which was read between the two moments here."""
    skew = max(there - after, before - there, 0.0)
    if skew < SKEW_SECONDS:
        return Finding("ok", "clock", "This machine and the database agree on the time.")
    said = f"This machine's clock is {ago(skew)} {'behind' if there > after else 'ahead of'} the database's."
    remedy = "Let this machine synchronise its clock (NTP)."
    return Finding("fail" if skew > WRONG_SECONDS else "warn", "clock", said, remedy)


async def vault(project: Project) -> list[Finding]:
    """Whether keys of numbers can be read. Raises StoreError."""
    await project.rpc.get_connection_credential(NOBODY)
    return [Finding("ok", "vault", "Vault answers.")]


async def journal(project: Project) -> list[Finding]:
    """What waits to be applied, and what was set aside. Raises StoreError."""
    limit = project.settings.doctor_backlog_seconds
    waiting = await project.events.count({"state": "eq.received"})
    failed = await project.events.count({"state": "eq.failed"})
    unrouted = await project.events.count({"state": "eq.unrouted"})
    findings: list[Finding] = []
    if waiting:
        age = await _age_of_oldest(project)
        if age > limit:
            said = f"{waiting} webhooks wait to be applied, the oldest for {ago(age)}."
            findings.append(Finding("fail", "journal", said, "See that a receiver runs: `python -m webhook`, /readyz."))
    if failed:
        said = f"{failed} webhooks could not be applied."
        remedy = "`wabase inbound list --state failed` says why; `wabase inbound replay --state failed` tries again."
        findings.append(Finding("warn", "journal", said, remedy))
    if unrouted:
        said = f"{unrouted} webhooks are of numbers that nobody has connected."
        remedy = "`wabase inbound list --state unrouted` names them; they are applied once the number is connected."
        findings.append(Finding("warn", "journal", said, remedy))
    return findings or [Finding("ok", "journal", f"Nothing is set aside; {waiting} webhooks are being applied.")]


async def _age_of_oldest(project: Project) -> float:
    oldest = await project.events.oldest_waiting()
    return since(oldest) if oldest else 0.0


def since(moment: str) -> float:
    """Seconds since a moment that Postgres has written."""
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
