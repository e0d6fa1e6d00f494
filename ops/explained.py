"""`wabase outbound explain`: an answer of explain_outbound in words."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

WORDS = {
    "ended": "It has ended: {status}.",
    "uncertain": "The answer to its send was lost. A report from WhatsApp settles it; without one it fails then.",
    "sending": "A worker is sending it. If nothing is heard of the worker until then, it becomes uncertain.",
    "connection_paused": "Its number is paused ({status_reason}).",
    "connection_disconnected": "Its number is disconnected.",
    "scheduled": "It was written for later (send_after).",
    "order": "It waits for {behind} of the same conversation, which is {status}.",
    "retry": "An attempt failed; it is tried again then.",
    "pair_rate": "Its customer gets one message in 6 seconds and 45 at once; or WhatsApp has asked for a longer pause.",
    "number_rate": "{ahead} messages of its number go first, {messages_per_second} a second.",
    "ready": "Nothing holds it: the next claim takes it. If it stays so, no worker runs, or the provider hangs.",
}
# The same reasons where less can be said.
HELD = {
    "order": "A message of the same conversation is uncertain and holds those behind it for a minute.",
    "number_rate": "WhatsApp has told its number to wait; then it goes on at {messages_per_second} a second.",
}


def in_words(answer: Row) -> str:
    """Why a message waits, as a sentence or two."""
    reason, detail = answer["reason"], answer["detail"] or {}
    held = not detail.keys() & {"behind", "ahead"}
    words = (held and HELD.get(reason)) or WORDS[reason]
    # What was said about the number or the ended message stands in `error`; else the detail is what the last try said.
    return " ".join([words.format_map(_Said(detail)), *_fault(detail.get("error") or detail)])


class _Said(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "unknown"


def _fault(error: Row) -> list[str]:
    said = " ".join(str(error[key]) for key in ("code", "title") if error.get(key) is not None)
    return [sentence for sentence in (said and f"{said.rstrip('.')}.", error.get("remedy")) if sentence]
