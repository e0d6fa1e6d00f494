"""From a webhook body to rows: pure, total, item by item. A bad item is named in `problems`; the rest is applied."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from whatsapp import facts, history, identities, messages, statuses, templates
from whatsapp.envelope import Change, Endpoint, JsonObject, Row, changes
from whatsapp.people import People
from whatsapp.scalars import MAX_ID, an_object

# What a journal line holds of a body that is all wrong.
MAX_PROBLEMS, MAX_PROBLEM = 20, 300
MAX_KINDS, MAX_KIND = 20, 64


class Normalised:
    """The rows of one journal event, ready for `record_inbound`."""

    __slots__ = (
        "_numbers",
        "_wabas",
        "event_id",
        "facts",
        "kinds",
        "messages",
        "noted",
        "problems",
        "provider",
        "statuses",
    )

    def __init__(self, event_id: int, provider: str) -> None:
        self.event_id = event_id
        self.provider = provider
        self.messages: list[Row] = []
        self.statuses: list[Row] = []
        self.facts: list[Row] = []
        self.kinds: list[str] = []
        self.problems: list[str] = []
        self.noted = 0
        self._numbers: dict[str, Row] = {}
        self._wabas: dict[str, None] = {}

    @property
    def numbers(self) -> list[Row]:
        """The numbers whose items are here, once each."""
        return list(self._numbers.values())

    @property
    def wabas(self) -> list[str]:
        """The WABAs of facts that name no number, once each."""
        return list(self._wabas)

    def event(self) -> Row:
        """This event's line in `record_inbound(events)`."""
        row: Row = {"id": self.event_id, "numbers": self.numbers, "wabas": self.wabas, "kinds": self.kinds}
        if self.problems:
            lines = [line[:MAX_PROBLEM] for line in self.problems[:MAX_PROBLEMS]]
            if len(self.problems) > MAX_PROBLEMS:
                lines.append(f"and {len(self.problems) - MAX_PROBLEMS} more")
            row["problem"] = "\n".join(lines)
        return row

    @property
    def rows(self) -> int:
        """How many rows there are so far."""
        return len(self.messages) + len(self.statuses) + len(self.facts)

    def fact(self, row: Row | None) -> None:
        """One more fact, if there is one."""
        if row is not None:
            self.facts.append(row)

    def note(self, kind: str) -> None:
        """One more kind of thing that was in the body."""
        self.noted += 1
        kind = kind[:MAX_KIND]
        if kind not in self.kinds and len(self.kinds) < MAX_KINDS:
            self.kinds.append(kind)

    def concerns(self, change: Change) -> None:
        """Something of this change became a row: its number, or the WABA in its place, must be somebody's."""
        number = change.phone_number_id
        if number is None:
            if change.waba_id is not None:
                self._wabas[change.waba_id] = None
        elif number not in self._numbers:
            self._numbers[number] = {
                "provider": self.provider,
                "phone_number_id": number,
                "waba_id": change.waba_id,
                "display_phone_number": change.display_phone_number,
            }


def together(results: Iterable[Normalised]) -> list[Row]:
    """The lines of many events in `record_inbound(events)`: one, with `ids`, for all that are alike.

    Nearly all are: some thousand characters for five hundred events instead of a hundred thousand.
    """
    lines: dict[Hashable, Row] = {}
    for result in results:
        if result.problems:
            lines[result.event_id] = result.event()
            continue
        alike = (tuple(result.kinds), *(tuple(number.values()) for number in result.numbers), *result.wabas)
        if line := lines.get(alike):
            line["ids"].append(result.event_id)
        else:
            line = lines[alike] = result.event()
            line["ids"] = [line.pop("id")]
    return list(lines.values())


def normalise(event_id: int, endpoint: Endpoint, body: JsonObject, found: Iterable[Change] | None = None) -> Normalised:
    """Everything of one body that becomes a row. Never raises: what cannot be read is a problem, not an exception.

    `found` is what `changes(body)` gave, for who has walked the body already.
    """
    result = Normalised(event_id, endpoint.provider)
    for place, change in enumerate(changes(body) if found is None else found):
        reason = change.unreadable or change.foreign_to(endpoint) or _endless(change)
        if reason is not None:
            result.problems.append(f"change {place}: {reason}")
        else:
            _read(result, place, change)
    return result


def _endless(change: Change) -> str | None:
    """Why nobody can have connected the number or WABA of a change: its id is longer than any index takes."""
    for name, subject in (("number", change.phone_number_id), ("WABA", change.waba_id)):
        if subject is not None and len(subject) > MAX_ID:
            return f"the id of its {name} is longer than {MAX_ID} characters"
    return None


def _read(result: Normalised, place: int, change: Change) -> None:
    """Whatever its field is called, a change is read for the lists it has."""
    kinds, rows = result.noted, result.rows
    for key, items in change.value.items():
        if items:
            if key in READERS:
                _read_list(result, place, change, READERS[key], items)
            elif key == "history":
                _read_history(result, place, change, items)
            elif key == "errors":
                _read_errors(result, change, items)
    if result.noted == kinds:
        _read_whole(result, place, change)
    if result.rows != rows:
        result.concerns(change)


def _read_list(result: Normalised, place: int, change: Change, reader: Reader, items: Any) -> None:
    if not isinstance(items, list):
        result.problems.append(f"change {place}: its {reader.noun} list is not a list")
        return
    if reader.of_a_number and change.phone_number_id is None:
        result.problems.append(f"change {place}: names no number")
        return
    people = People(change.value.get("contacts")) if reader.of_people else NOBODY
    for index, item in enumerate(items):
        try:
            reader.read(result, change, people, an_object(item))
        except ValueError as error:
            result.problems.append(f"change {place} {reader.noun} {index}: {error}")


def _message(result: Normalised, change: Change, people: People, message: JsonObject) -> None:
    if change.field == "history":
        _past(result, change, people, {}, message)
        return
    row = messages.inbound(result.event_id, change, people, message)
    if row["type"] == "system":
        result.fact(identities.of_system(result.event_id, change, message, row))
    result.messages.append(row)
    result.note("messages." + row["type"])


def _echo(result: Normalised, change: Change, people: People, message: JsonObject) -> None:
    if change.field == "history":
        _past(result, change, people, {}, message)
        return
    result.messages.append(messages.echo(result.event_id, change, people, message))
    result.note(change.field or "message_echoes")


def _status(result: Normalised, change: Change, _people: People, status: JsonObject) -> None:
    if status.get("type") == "call" or change.field == "calls":
        result.note("calls")
        return
    row = statuses.row(result.event_id, change, status)
    result.statuses.append(row)
    result.fact(facts.no_marketing(result.event_id, change, status, row))
    result.note("statuses." + row["status"])


def _preference(result: Normalised, change: Change, people: People, item: JsonObject) -> None:
    result.fact(facts.preference(result.event_id, change, people, item))
    result.note(change.field or "user_preferences")


def _identity(result: Normalised, change: Change, _people: People, item: JsonObject) -> None:
    result.fact(identities.of_update(result.event_id, change, item))
    result.note(change.field or "user_id_update")


def _contact(result: Normalised, change: Change, _people: People, item: JsonObject) -> None:
    result.fact(facts.contact(result.event_id, change, item))
    result.note(change.field or "smb_app_state_sync")


class Reader(NamedTuple):
    """How the items of one list are read."""

    noun: str
    read: Callable[[Normalised, Change, People, JsonObject], None]
    of_a_number: bool = False
    of_people: bool = False


NOBODY = People(None)
READERS = {
    "messages": Reader("message", _message, of_a_number=True, of_people=True),
    "message_echoes": Reader("echo", _echo, of_a_number=True, of_people=True),
    "statuses": Reader("status", _status, of_a_number=True),
    "user_preferences": Reader("preference", _preference, of_people=True),
    "user_id_update": Reader("update", _identity),
    "state_sync": Reader("state", _contact),
}


def _read_history(result: Normalised, place: int, change: Change, items: Any) -> None:
    if change.phone_number_id is None:
        result.problems.append(f"change {place}: names no number")
        return
    people = People(change.value.get("contacts"))
    for where, thread, message in history.items(items):
        try:
            _past(result, change, people, thread, message)
        except ValueError as error:
            result.problems.append(f"change {place} {where}: {error}")


def _past(result: Normalised, change: Change, people: People, thread: JsonObject, message: Any) -> None:
    result.messages.append(history.past(result.event_id, change, people, thread, an_object(message)))
    result.note(change.field or "history")


def _read_errors(result: Normalised, change: Change, items: Any) -> None:
    """Errors beside everything else are the number's own. In other fields the word has other meanings."""
    if change.field == "messages" or (change.phone_number_id is not None and change.field != "history"):
        result.facts.append(facts.errors(result.event_id, change, items))
        result.note("errors")
        if change.field not in {"messages", ""}:
            result.note(change.field)


def _read_whole(result: Normalised, place: int, change: Change) -> None:
    """A change that has none of the lists is of one piece; one that nobody has heard of is only noted."""
    if templates.is_template(change):
        try:
            result.facts.append(templates.template(result.event_id, change))
        except ValueError as error:
            result.problems.append(f"change {place}: {error}")
    elif change.field in facts.NOTICE_FIELDS:
        result.facts.append(facts.notice(result.event_id, change))
    result.note(change.field or "unknown")
