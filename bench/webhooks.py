"""The webhooks of a run, each a function of its number: what is sent is known without being written down."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

# Meta writes other letters than ASCII as \u escapes.
TEXT = r"\u05e9\u05dc\u05d5\u05dd, is the blue one still there? \u05d9\u05e9 \u05e2\u05d5\u05d3? \ud83d\ude42 No. "

_ENVELOPE = (
    '{"object":"whatsapp_business_account","entry":[{"id":"«waba»","changes":[{"value":{"messaging_product":"whatsapp",'
    '"metadata":{"display_phone_number":"97235551234","phone_number_id":"«number»"},%s},"field":"messages"}]}]}'
)
_MESSAGE = (
    '"contacts":[{"profile":{"name":"Customer «person»"},"wa_id":"97250«person»","user_id":"IL.2000000000«person»"}],'
    '"messages":[{"from":"97250«person»","from_user_id":"IL.2000000000«person»",'
    '"id":"wamid.HBgMOTcyNTAxMjM0NTY3FQIAEhgW«run»«cycle»AA==","timestamp":"«now»","type":"text",'
    '"text":{"body":"' + TEXT + '«cycle»"}}]'
)
_STATUS = (
    '"statuses":[{"id":"wamid.HBgMOTcyNTAxMjM0NTY3FQIAERgSQjE2«sent»AA==","status":"%s","timestamp":"«now»",'
    '"recipient_id":"97250«person»","recipient_user_id":"IL.2000000000«person»",'
    '"biz_opaque_callback_data":"«mixed»-0000-4000-8000-00«sent»",'
    '"conversation":{"id":"0f2c7a90d4c84dc9a4f4b0a1d3f5e7a9","origin":{"type":"service"}},'
    '"pricing":{"billable":false,"pricing_model":"PMP","type":"free_customer_service","category":"service"}}]'
)
TEMPLATES = {"message": _MESSAGE, **{status: _STATUS % status for status in ("sent", "delivered", "read")}}

# In what turn the kinds come. One inbound message, then three statuses of others: Meta's top tier.
TURNS = {
    "mix": ("message", "sent", "delivered", "read"),
    "messages": ("message",),
    "statuses": ("sent", "delivered", "read"),
}
# A message is delivered some time after it was sent, and read later: its reports never share a batch by design.
BEHIND = {"message": 0, "sent": 0, "delivered": 1000, "read": 3000}

# Coprime to every number of people here: customers write in an order that jumps through the whole table.
STRIDE = 7919
NEWCOMERS = 5_000_000


@dataclass(frozen=True)
class Webhooks:
    """Webhook number n of a run, for any n. People, sent messages and their keys are those of populate.py."""

    turn: str
    number: str
    waba: str
    run: str  # six characters that no other load on these tables has
    people: int  # who writes: the first so many, spread by `spread`
    spread: int = 1
    first: int = 0  # its cycle begins at this one: a load may be sent in slices
    # The second in which each of them writes first; a second later they all write again. 0: whenever it is.
    since: int = 0
    newcomer_every: int = 0  # every so manieth message is from somebody nobody knows
    sent_first: int = 0  # the outbound messages that are reported on
    sent_count: int = 1
    recipient_first: int = 0  # the people they went to
    recipients: int = 1

    def kind(self, n: int) -> tuple[str, int]:
        """What webhook n is, and which one of its kind."""
        turns = TURNS[self.turn]
        return turns[n % len(turns)], n // len(turns) + self.first

    def fields(self, n: int) -> dict[str, str]:
        """What stands in the gaps of its template. The same arithmetic as in load.lua."""
        kind, cycle = self.kind(n)
        known = {"number": self.number, "waba": self.waba, "run": self.run, "now": str(int(time.time()))}
        if kind == "message":
            if self.since:
                known["now"] = str(self.since + cycle // self.people)
            return {**known, "person": f"{self.writer(cycle):07d}", "cycle": f"{cycle:010d}"}
        place = (cycle - BEHIND[kind]) % self.sent_count
        sent = self.sent_first + place
        recipient = self.recipient_first + place % self.recipients
        return {
            **known,
            "person": f"{recipient:07d}",
            "sent": f"{sent:010d}",
            "mixed": f"{sent * 2654435761 % 4294967296:08x}",
        }

    def writer(self, cycle: int) -> int:
        if self.newcomer_every and cycle % self.newcomer_every == self.newcomer_every - 1:
            return NEWCOMERS + cycle
        return cycle * STRIDE % self.people * self.spread

    def body(self, n: int) -> bytes:
        fields = self.fields(n)
        return re.sub("«([a-z]+)»", lambda gap: fields[gap[1]], template(self.kind(n)[0])).encode()


def template(kind: str) -> str:
    return _ENVELOPE % TEMPLATES[kind]


def pieces(kind: str, known: dict[str, str]) -> list[str]:
    """A template cut at its gaps: text, name of a gap, text, … What is `known` already is filled in."""
    filled = re.sub("«([a-z]+)»", lambda gap: known.get(gap[1], gap[0]), template(kind))
    return re.split("«([a-z]+)»", filled)
