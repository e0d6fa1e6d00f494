"""What is asked about numbers beside their messages, as a queue: templates every few hours, health every day.

A loop and slots of its own: a provider that takes its time here delays no message.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from store.errors import StoreError
from store.rpc import Rpc
from whatsapp.account import AccountClient, NumberHealth
from whatsapp.errors import ErrorClass, OutcomeUnknown, Refused, WhatsAppError
from whatsapp.listing import listing
from worker.backoff import backoff
from worker.clients import Clients, NoCredential
from worker.shares import Shares

log = structlog.get_logger()

Row = dict[str, Any]

SLOTS = 2
# What is not done by then is given up, before the lease runs out and another worker begins.
DEADLINE_SECONDS = 540.0
LEASE_SECONDS = 600
HEALTH_SECONDS = 24 * 3600.0
# A number that WhatsApp has stopped is to go on soon after it may.
BLOCKED_SECONDS = 3600.0
BACKOFF_SECONDS = (60.0, 6 * 3600.0)
# Codes that say of the key itself that it is not taken. Others of class AUTH may only mean that it may not do this
# one thing: a token without the right to manage an account still sends.
KEY_CODES = (0, 190)
# Where one was due others soon are, of numbers just set up or somebody's who mends them: it is looked at often then.
LATELY_SECONDS = 60.0
POLL_SECONDS = 1.0
# Enough to know what is wrong; the notice is a column of the number's row.
MOST_PROBLEMS, LONGEST_PROBLEM = 10, 500


class OtherNumber(WhatsAppError):
    """The credential belongs to another number than the one it is stored for."""


class Chores:
    """Claims from `private.connection_chores`. `hours` is how often templates are synced."""

    name = "chores"
    slots = SLOTS

    def __init__(self, rpc: Rpc, clients: Clients, hours: float) -> None:
        self._rpc = rpc
        self._clients = clients
        self._hours = hours
        self._last = float("-inf")

    async def claim(self, most: int, shares: Shares) -> list[Row]:
        claimed = await self._rpc.claim_chores(most, LEASE_SECONDS, shares)
        if claimed:
            self._last = time.monotonic()
        return [{**row, "message_id": None} for row in claimed]

    async def run(self, job: Row) -> Row | None:
        """Does one chore: done or retry, and when next; None when cut off, for asking again changes nothing."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                account = await self._clients.account(job)
                wait = await (
                    self._templates(job, account) if job["kind"] == "templates" else self._health(job, account)
                )
        except asyncio.CancelledError:
            return None
        except (StoreError, WhatsAppError, TimeoutError, ValueError) as error:
            return _failed(job, error)
        return {"outcome": "done", "wait_seconds": wait * random.uniform(0.9, 1.1)}  # noqa: S311 - jitter

    async def _templates(self, job: Row, account: AccountClient) -> float:
        as_of = _now()
        told = await listing(account.templates())
        counts = await self._rpc.record_templates(job["connection_id"], told.templates, as_of, told.complete)
        done = {"listed": counts["listed"], "added": counts["added"]}
        done |= {"changed": counts["changed"], "deleted": counts["deleted"]}
        log.info("templates.synced", connection_id=job["connection_id"], complete=told.complete, **done)
        return self._hours * 3600

    async def _health(self, job: Row, account: AccountClient) -> float:
        as_of = _now()
        number = await account.get_number()
        if number.phone_number_id not in (None, job["phone_number_id"]):
            raise OtherNumber("the credential belongs to another number; set that of this one")
        health = _health(number)
        if not any(health.values()):
            raise OutcomeUnknown("the number's health came back without a word of it")
        status = await self._rpc.record_number_health(job["connection_id"], health, as_of)
        told = {"can_send": number.can_send_message, "quality": number.quality_rating, "status": status}
        log.info("number.checked", connection_id=job["connection_id"], problems=len(number.problems), **told)
        return BLOCKED_SECONDS if number.can_send_message == "BLOCKED" else HEALTH_SECONDS

    async def record(self, results: Sequence[Row]) -> int:
        return await self._rpc.record_chores(results)

    async def release(self, leases: Sequence[Row]) -> int:
        return await self._rpc.record_chores([{**lease, "outcome": "release"} for lease in leases])

    async def extend(self, leases: Sequence[Row]) -> int:
        """A lease is longer than the deadline."""
        return len(leases)

    async def due(self, shares: Shares) -> float | None:
        return POLL_SECONDS if time.monotonic() < self._last + LATELY_SECONDS else None

    async def sweep(self) -> int:
        """A claim takes over what the dead have left."""
        return 0


def _health(number: NumberHealth) -> Row:
    return {
        "quality_rating": number.quality_rating,
        "display_phone_number": number.display_phone_number,
        "verified_name": number.verified_name,
        "can_send_message": number.can_send_message,
        "messages_per_second": number.messages_per_second,
        "phone_number_id": number.phone_number_id,
        "waba_id": number.waba_id,
        "problems": [problem[:LONGEST_PROBLEM] for problem in number.problems[:MOST_PROBLEMS]],
    }


def _failed(job: Row, error: Exception) -> Row:
    refused = error if isinstance(error, Refused) else None
    told = refused.as_json() if refused else {"code": _code(error), "title": str(error) or "no answer in time"}
    key_refused = refused is not None and refuses_key(refused)
    log.warning(
        "chore.failed", kind=job["kind"], connection_id=job["connection_id"], code=told["code"], key_refused=key_refused
    )
    wait = max(backoff(job["attempts"], *BACKOFF_SECONDS), (refused and refused.retry_after) or 0.0)
    return {"outcome": "retry", "wait_seconds": wait, "error": told, "key_refused": key_refused}


def refuses_key(error: Refused) -> bool:
    """Whether it is the key that is not taken, whatever was asked with it."""
    if error.code is None:
        return error.error_class is ErrorClass.AUTH and error.status == 401
    return error.code in KEY_CODES


def _code(error: Exception) -> str:
    known = {NoCredential: "no_credential", OtherNumber: "other_number", ValueError: "no_waba_id"}
    return known.get(type(error)) or ("supabase" if isinstance(error, StoreError) else "no_answer")


def _now() -> str:
    return datetime.now(UTC).isoformat()
