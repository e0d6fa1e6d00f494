"""The outbox as a queue: each job is sent once and ends in one of a closed set of outcomes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from store.errors import StoreError
from store.rpc import Rpc
from whatsapp.client import WhatsAppClient
from whatsapp.errors import NO_MARKETING, REMEDIES, ErrorClass, NotSent, OutcomeUnknown, Refused
from whatsapp.outgoing import Outgoing
from worker.attachments import LEASE_SECONDS, Attachments, LeaseLost, Unattachable
from worker.backoff import backoff
from worker.clients import Clients, NoCredential
from worker.send_log import tell
from worker.shares import Shares

Row = dict[str, Any]

MAX_ATTEMPTS = 6
# The wait before the second try and the longest of all.
REFUSED_SECONDS = (2.0, 900.0)
# Whatever an answer asks for: a slip of the provider's must not stop a number for years.
MAX_ASKED_SECONDS = 3600.0
# A clock that goes on while the machine sleeps, where there is one: leases do not sleep either.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Outbound:
    """Claims from `outbox`, sends through the connection's provider."""

    name = "outbound"

    def __init__(self, rpc: Rpc, clients: Clients, attachments: Attachments, slots: int) -> None:
        self._rpc = rpc
        self._clients = clients
        self._attachments = attachments
        self.slots = slots
        # Until when each lease is surely held, by its token.
        self._held_until: dict[str, float] = {}

    async def claim(self, most: int, shares: Shares) -> list[Row]:
        asked_at = moment()
        claimed = await self._rpc.claim_outbound(most, LEASE_SECONDS, shares)
        self._held_until |= {job["lease_token"]: asked_at + LEASE_SECONDS for job in claimed}
        return claimed

    async def record(self, results: Sequence[Row]) -> int:
        self._forget(results)
        return await self._rpc.record_outbound(results)

    async def release(self, leases: Sequence[Row]) -> int:
        self._forget(leases)
        return await self._rpc.release_outbound(leases)

    async def sweep(self) -> int:
        return await self._rpc.sweep_outbound()

    async def extend(self, leases: Sequence[Row]) -> int:
        asked_at = moment()
        held = await self._rpc.extend_outbound(leases, LEASE_SECONDS)
        if held == len(leases):
            tokens = [lease["lease_token"] for lease in leases]
            self._held_until |= {token: asked_at + LEASE_SECONDS for token in tokens if token in self._held_until}
        return held

    async def due(self, shares: Shares) -> float | None:
        return await self._rpc.next_outbound(shares)

    async def run(self, job: Row) -> Row | None:
        """Sends one message and says what became of it (docs/outbound.md); None when the call had not begun."""
        result = await self._attempt(job)
        tell(job, result)
        return result

    async def _attempt(self, job: Row) -> Row | None:  # noqa: PLR0911 - one line per kind of failure
        begun = False
        try:
            client = await self._clients.of(job)
            attached = await self._attachments.attach(job, client)
            if moment() >= self._held_until.get(job["lease_token"], 0.0):
                # This process was stopped for a while, or nobody heard its heartbeat: somebody else may have given the
                # message up by now, and somebody may have sent it again by hand.
                return None
            begun = True
            sent = await client.send(_outgoing(job, attached.content))
        except asyncio.CancelledError:
            return _uncertain("the worker was stopped while the message was on the wire") if begun else None
        except (StoreError, NotSent) as error:
            return _unsent(str(error))
        except NoCredential:
            return _no_credential()
        except OutcomeUnknown as error:
            return _uncertain(str(error))
        except LeaseLost:
            return None
        except Unattachable as error:
            return {"outcome": "reject", "error": error.as_json()}
        except Refused as error:
            if begun and await self._attachments.forget(job, attached, error):
                return _unsent(f"WhatsApp may have forgotten a file: {error}")
            return await self._refused(job, client, error)
        return {"outcome": "done", "wamid": sent.wamid}

    async def _refused(self, job: Row, client: WhatsAppClient, error: Refused) -> Row:
        rule, told = error.rule, {"error": error.as_json()}
        asked = min(error.retry_after or 0.0, MAX_ASKED_SECONDS)
        match rule.error_class:
            case ErrorClass.RETRY if job["attempts"] < (rule.max_attempts or MAX_ATTEMPTS):
                wait = asked or max(backoff(job["attempts"], *REFUSED_SECONDS), rule.wait_seconds)
                return {"outcome": "retry", "retry_after": wait, **told}
            case ErrorClass.THROTTLE:
                wait = max(asked, rule.wait_seconds)
                return {"outcome": "throttle", "scope": rule.scope, "retry_after": wait, **told}
            case ErrorClass.AUTH if await self._has_another_key(job, client):
                return {"outcome": "retry", "retry_after": 0.0, **told}
            case ErrorClass.AUTH | ErrorClass.PAUSE:
                return {"outcome": "pause", "reason": rule.reason, **told}
            case ErrorClass.SUPPRESS if error.code == NO_MARKETING:
                return {"outcome": "suppress", **told}
        return {"outcome": "reject", **told}

    async def _has_another_key(self, job: Row, refused: WhatsAppClient) -> bool:
        try:
            return await self._clients.renewed(job, refused)
        except NoCredential:
            return False
        except (StoreError, asyncio.CancelledError):
            # Nobody can say now: it is asked again with the next try. Refused it is, whoever is cut off meanwhile.
            return True

    def _forget(self, leases: Sequence[Row]) -> None:
        for lease in leases:
            self._held_until.pop(lease["lease_token"], None)


def moment() -> float:
    """Seconds since whenever."""
    return time.clock_gettime(CLOCK)


def _outgoing(job: Row, content: Any) -> Outgoing:
    return Outgoing(
        type=job["type"],
        content=content,
        phone=job["phone"],
        bsuid=job["bsuid"],
        reply_to_wamid=job["reply_to_wamid"],
        callback_data=job["callback_data"],
        group_id=job["group_id"],
    )


def _unsent(title: str) -> Row:
    # Nothing left this machine, so it is no attempt, and there is no bound: the database says when it is tried again.
    error = {"code": "not_sent", "title": title, "class": str(ErrorClass.RETRY), "remedy": REMEDIES[ErrorClass.RETRY]}
    return {"outcome": "retry", "error": error}


def _no_credential() -> Row:
    error = {"code": "no_credential", "title": "the connection has no credential", "class": str(ErrorClass.AUTH)}
    return {"outcome": "pause", "reason": "credential", "error": error | {"remedy": REMEDIES[ErrorClass.AUTH]}}


def _uncertain(title: str) -> Row:
    error = {
        "code": "uncertain",
        "title": title,
        "class": "UNCERTAIN",
        "remedy": "Wait: a report from WhatsApp settles it, or it fails after 15 minutes.",
    }
    return {"outcome": "uncertain", "error": error}
