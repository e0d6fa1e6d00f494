"""What happens to an accepted message, told to the number's webhook: sent, delivered, read, or failed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from devstack.provider.behaviour import Behaviour, Scoped
from devstack.provider.clock import DAY, Clock
from devstack.provider.deliveries import Deliveries
from devstack.provider.errors import status_error
from devstack.provider.numbers import Number
from devstack.provider.records import JSON, Sent
from devstack.provider.schedule import Schedule
from devstack.provider.users import bsuid_of
from devstack.provider.validate import Recipient


@dataclass(frozen=True, slots=True)
class Outcome:
    """An accepted message and its fate: `failure` is (code, details) when it will not arrive."""

    number: Number
    sent: Sent
    recipient: Recipient
    category: str
    callback_data: str | None
    failure: tuple[int, str | None] | None


class Statuses:
    """Schedules and builds the status webhooks of accepted messages."""

    def __init__(self, clock: Clock, behaviour: Scoped[Behaviour], deliveries: Deliveries) -> None:
        self._clock, self._behaviour, self._deliveries = clock, behaviour, deliveries
        self._schedule = Schedule()

    def follow(self, outcome: Outcome) -> None:
        """Each status one delay after the other; a failure is the only status of its message."""
        rules = self._behaviour.of(outcome.number.phone_number_id)
        statuses = ("failed",) if outcome.failure else rules.statuses
        for step, status in enumerate(statuses, start=1):
            self._later(step * rules.status_delay_ms / 1000, outcome, status)

    def call_off(self, phone_number_id: str | None = None) -> None:
        self._schedule.call_off(phone_number_id)

    def report(self, outcome: Outcome, status: str) -> None:
        """Posts one status now."""
        outcome.sent.statuses += (status,)
        stamp = str(int(self._clock.now(outcome.number.phone_number_id)))
        self._deliveries.post_update(outcome.number, value_of(outcome, status, stamp))

    def _later(self, seconds: float, outcome: Outcome, status: str) -> None:
        owner = outcome.number.phone_number_id
        self._schedule.after(seconds, owner, lambda: self.report(outcome, status))


def value_of(outcome: Outcome, status: str, stamp: str) -> JSON:
    """The change's value. A failed one comes without contacts, and without the user id of a dialled phone."""
    number, recipient = outcome.number, outcome.recipient
    user_id = recipient.user_id
    if user_id is None and recipient.wa_id and status != "failed":
        user_id = number.user_ids.get(recipient.wa_id) or bsuid_of(recipient.wa_id, number.waba_id)
    entry: JSON = {"id": outcome.sent.wamid, "status": status, "timestamp": stamp}
    value: JSON = {"messaging_product": "whatsapp", "metadata": metadata_of(number)}
    if recipient.wa_id:
        entry["recipient_id"] = recipient.wa_id
    elif user_id is None:
        entry |= {"recipient_id": recipient.key, "recipient_type": "group"}
    if user_id:
        entry["recipient_user_id"] = user_id
        contact = {"wa_id": recipient.wa_id, "user_id": user_id}
        value["contacts"] = [{name: found for name, found in contact.items() if found}]
    if status == "failed":
        value.pop("contacts", None)
    return value | {"statuses": [entry | _extras(outcome, status)]}


def metadata_of(number: Number) -> JSON:
    """Which number a webhook is about."""
    return {"display_phone_number": number.digits, "phone_number_id": number.phone_number_id}


def _extras(outcome: Outcome, status: str) -> JSON:
    extras: JSON = {}
    if outcome.callback_data is not None:
        extras["biz_opaque_callback_data"] = outcome.callback_data
    if outcome.failure:
        extras["errors"] = [status_error(*outcome.failure)]
    if status in ("sent", "delivered"):
        extras |= _money(outcome, status)
    return extras


def _money(outcome: Outcome, status: str) -> JSON:
    """Conversation and price, as up to Graph v23; from v24 the conversation is left out (receivers take both)."""
    free = outcome.category == "service"
    name = f"{outcome.number.phone_number_id}/{outcome.recipient.key}/{outcome.category}"
    conversation: JSON = {"id": hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()}
    if status == "sent":
        conversation["expiration_timestamp"] = str(int(outcome.sent.accepted_at) + DAY)
    conversation["origin"] = {"type": outcome.category}
    kind = "free_customer_service" if free else "regular"
    pricing = {"billable": not free, "pricing_model": "PMP", "type": kind, "category": outcome.category}
    return {"conversation": conversation, "pricing": pricing}
