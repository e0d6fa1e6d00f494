"""The outbox as a queue: each job is sent once and ends in one of a closed set of outcomes."""

from __future__ import annotations

import asyncio
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

Row = dict[str, Any]

MAX_ATTEMPTS = 6
# The wait before the second try and the longest of all; the longest is shorter where nothing has left this machine.
REFUSED_SECONDS, NOT_SENT_SECONDS = (2.0, 900.0), (2.0, 60.0)


class Outbound:
    """Claims from `outbox`, sends through the connection's provider."""

    name = "outbound"

    def __init__(self, rpc: Rpc, clients: Clients, attachments: Attachments, slots: int) -> None:
        self._rpc = rpc
        self._clients = clients
        self._attachments = attachments
        self.slots = slots

    async def claim(self, free: int) -> list[Row]:
        return await self._rpc.claim_outbound(free, LEASE_SECONDS)

    async def record(self, results: Sequence[Row]) -> int:
        return await self._rpc.record_outbound(results)

    async def release(self, leases: Sequence[Row]) -> int:
        return await self._rpc.release_outbound(leases)

    async def sweep(self) -> int:
        return await self._rpc.sweep_outbound()

    async def extend(self, leases: Sequence[Row]) -> int:
        return await self._rpc.extend_outbound(leases, LEASE_SECONDS)

    async def due(self) -> float | None:
        return await self._rpc.next_outbound()

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
            begun = True
            sent = await client.send(_outgoing(job, attached.content))
        except asyncio.CancelledError:
            return _uncertain("the worker was stopped while the message was on the wire") if begun else None
        except (StoreError, NotSent) as error:
            return _retry(job, str(error))
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
                return _retry(job, f"WhatsApp may have forgotten a file: {error}")
            return await self._refused(job, client, error)
        return {"outcome": "done", "wamid": sent.wamid}

    async def _refused(self, job: Row, client: WhatsAppClient, error: Refused) -> Row:
        rule, told = error.rule, {"error": error.as_json()}
        match rule.error_class:
            case ErrorClass.RETRY if job["attempts"] < (rule.max_attempts or MAX_ATTEMPTS):
                wait = error.retry_after or max(backoff(job["attempts"], *REFUSED_SECONDS), rule.wait_seconds)
                return {"outcome": "retry", "retry_after": wait, **told}
            case ErrorClass.THROTTLE:
                wait = max(error.retry_after or 0.0, rule.wait_seconds)
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
        except StoreError:
            # Nobody can say now: it is asked again with the next try.
            return True


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


def _retry(job: Row, title: str) -> Row:
    # Nothing left this machine, so there is no bound: it goes out when the way is free again.
    error = {"code": "not_sent", "title": title, "class": str(ErrorClass.RETRY), "remedy": REMEDIES[ErrorClass.RETRY]}
    return {
        "outcome": "retry",
        "retry_after": backoff(job["attempts"], *NOT_SENT_SECONDS),
        "error": error,
    }


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
