"""Thousands of bent and broken bodies, rightly authenticated: each gets its answer, and what got a 200 is kept."""

from __future__ import annotations

import asyncio
import io
import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import aiohttp
import pytest

from tests.attack import oracle
from tests.attack.deliver import digest
from tests.attack.mutate import CANARY, addressed, mutant
from tests.attack.test_meta_requests import signature_of
from tests.conftest import Connect
from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant, digits, token_of
from tests.flows.waiting import until

BODIES = int(os.environ.get("FUZZ_BODIES", "3000"))
CONNECTIONS = 24
ATTEMPTS = 4
SHOWN = 2_000

JOURNAL = (
    "select coalesce(phone_number_id, waba_id, 'meta') as endpoint, state, error,"
    " encode(sha256(convert_to(body::text, 'UTF8')), 'hex') as digest from webhook_events where id > %(start)s"
)


@dataclass
class Fuzz:
    """What was sent and what came back."""

    webhook: Program
    tenant: Tenant
    seed: int
    customer: str = field(default_factory=lambda: f"97259{digits(7)}")
    answers: Counter[int] = field(default_factory=Counter)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    # Answered 503 at first: perhaps in the journal all the same.
    unsure: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def run(self) -> None:
        places = iter(range(BODIES))
        timeout, connector = aiohttp.ClientTimeout(total=20), aiohttp.TCPConnector(limit=CONNECTIONS)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as http,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(CONNECTIONS):
                group.create_task(self._post_all(http, places))

    async def _post_all(self, http: aiohttp.ClientSession, places: Iterator[int]) -> None:
        for place in places:
            raw = addressed(
                mutant(self.seed, place), self.tenant.phone_number_id, self.tenant.waba_id, self.customer, place
            )
            endpoint, path, headers = self._endpoint(place, raw)
            status = await self._status(http, self.webhook.url + path, headers, raw)
            if status == 200:
                self.taken[endpoint, digest(raw)] += 1
            right = oracle.statuses_for(raw)
            if status not in right:
                self.wrong.append(f"body {place} got {status}, not {sorted(right)}: {raw[:SHOWN]!r}")

    async def _status(self, http: aiohttp.ClientSession, url: str, headers: dict[str, str], raw: bytes) -> int:
        """The answer that is about the body: one that is sent or committed too slowly comes again, as in life.

        One that never gets another answer ends as 408, which is right for no body.
        """
        for _ in range(ATTEMPTS):
            status = await self._post(http, url, headers, raw)
            self.answers[status] += 1
            if status not in (408, 503):
                break
            self.unsure[digest(raw)] += status == 503
        return status

    async def _post(self, http: aiohttp.ClientSession, url: str, headers: dict[str, str], raw: bytes) -> int:
        try:
            async with http.post(url, data=io.BytesIO(raw), headers=headers) as answer:
                return answer.status
        except (aiohttp.ClientError, ConnectionError):
            # Whoever is hung up on in mid-sentence may miss the answer: for a body's length, or for its sender's pace.
            return 413 if len(raw) > oracle.LIMIT else 408

    def _endpoint(self, place: int, raw: bytes) -> tuple[str, str, dict[str, str]]:
        """Eight of ten to the number, one to its WABA, one to Meta's."""
        number, waba = self.tenant.phone_number_id, self.tenant.waba_id
        if place % 10 == 8:
            return waba, f"/webhooks/360dialog/waba/{waba}", {"Authorization": f"Bearer {token_of(waba)}"}
        if place % 10 == 9:
            return "meta", "/webhooks/meta", {"X-Hub-Signature-256": f"sha256={signature_of(raw)}"}
        return number, f"/webhooks/360dialog/{number}", {"Authorization": f"Bearer {token_of(number)}"}


@pytest.fixture
async def tidy(tenant: Tenant) -> AsyncIterator[None]:
    """Files that nobody can fetch are no work for the workers of other tests."""
    yield
    await tenant.rows("delete from media_downloads where workspace_id = %(workspace)s")


@pytest.mark.usefixtures("tidy")
async def test_every_body_gets_its_answer_and_what_got_a_200_is_kept_and_ends(
    programs: Programs, tenant: Tenant, database: Connect
) -> None:
    seed = int(os.environ.get("FUZZ_SEED") or random.randrange(10**6))
    print(f"FUZZ_SEED={seed}")
    webhook = await programs.webhook()
    fuzz = Fuzz(webhook, tenant, seed)
    start = (await tenant.rows("select coalesce(max(id), 0) as id from webhook_events"))[0]["id"]
    await fuzz.run()
    print(f"{BODIES} bodies: {dict(fuzz.answers)}")
    assert not fuzz.wrong, f"FUZZ_SEED={seed}: {len(fuzz.wrong)} wrong, such as {fuzz.wrong[0]}"

    await programs.webhook()
    await until(lambda: unfinished(tenant, start), lambda events: events == 0, within=60 + BODIES / 200)
    # A body whose sender hung up may be committed, and applied, after the last look.
    events = await until(
        lambda: tenant.rows(JOURNAL, start=start),
        lambda told: all(row["state"] != "received" for row in told),
        within=60,
    )
    kept = Counter((event["endpoint"], event["digest"]) for event in events)
    assert not fuzz.taken - kept, "acknowledged, and not in the journal"
    assert all(digest in fuzz.unsure for _, digest in kept - fuzz.taken), "in the journal, and refused"
    states = Counter(event["state"] for event in events)
    print(f"journal: {dict(states)}")
    assert states.keys() <= {"processed", "unrouted", "failed"}
    assert not [event for event in events if event["state"] in ("unrouted", "failed") and not event["error"]]

    assert webhook.process.returncode is None
    says_nothing_private(webhook.said, fuzz)


async def unfinished(tenant: Tenant, start: int) -> int:
    """What every attempt breaks on is tried five times, and a test has no time for the pauses between them."""
    await tenant.rows(
        "update webhook_events set lease_expires_at = now() where state = 'received' and id > %(start)s", start=start
    )
    rows = await tenant.rows(
        "select count(*) as events from webhook_events where state = 'received' and id > %(start)s", start=start
    )
    return int(rows[0]["events"])


def says_nothing_private(said: str, fuzz: Fuzz) -> None:
    assert "Traceback" not in said
    secrets = [os.environ[name] for name in ("WHATSAPP_WEBHOOK_SECRET", "META_APP_SECRET", "SUPABASE_SERVICE_ROLE_KEY")]
    tokens = [token_of(fuzz.tenant.phone_number_id), token_of(fuzz.tenant.waba_id)]
    for private in (*secrets, *tokens, CANARY, fuzz.customer):
        assert private not in said
    # The ids that are in a webhook's address are no numbers that anybody dials.
    for known in (fuzz.tenant.phone_number_id, fuzz.tenant.waba_id):
        said = said.replace(known, "")
    # Nor is a name of a request: of random hexadecimal digits, and one process in thirty draws nine decimal ones.
    said = re.sub(r'"request_id": "[0-9a-f]{12}-[0-9a-f]+"', "", said)
    assert "request_id" not in said, "a name that is not ours"
    assert not re.search(r"\d{9,}", said), "a phone number?"
