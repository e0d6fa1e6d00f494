"""Who is at the other end of a message: the ids beside it, completed from the `contacts[]` of its change."""

from __future__ import annotations

from typing import Any, NamedTuple

from whatsapp.envelope import JsonObject, text
from whatsapp.scalars import MAX_ID, identifier

# The keys of a message under which a person is named: who it is from, or, for what the business wrote, to.
Role = tuple[str, str, str]
SENDER: Role = ("from", "from_user_id", "from_parent_user_id")
RECIPIENT: Role = ("to", "to_user_id", "to_parent_user_id")


class Person(NamedTuple):
    """A WhatsApp user. One of the ids is always there."""

    wa_id: str | None
    bsuid: str | None
    parent_bsuid: str | None
    profile_name: str | None


class People:
    """`contacts[]` by each id in it. The list, and every part of a contact, may be missing."""

    __slots__ = ("_by_id",)

    def __init__(self, contacts: Any) -> None:
        self._by_id: dict[str, Person] = {}
        for contact in contacts if isinstance(contacts, list) else ():
            if not isinstance(contact, dict):
                continue
            person = _person(contact)
            for key in (person.wa_id, person.bsuid):
                if key is not None:
                    self._remember(key, person)

    def _remember(self, key: str, person: Person) -> None:
        known = self._by_id.get(key)
        # The same person twice: the later word counts, what it leaves out stays.
        self._by_id[key] = Person(*(new or old for new, old in zip(person, known, strict=True))) if known else person

    def named(self, item: JsonObject, role: Role) -> Person:
        """The one an item names. Raises ValueError when it names nobody."""
        wa_id, bsuid, parent = identifier(item, role[0]), identifier(item, role[1]), identifier(item, role[2])
        known = self._by_id.get(wa_id or "") or self._by_id.get(bsuid or "")
        if known is not None:
            return Person(wa_id or known.wa_id, bsuid or known.bsuid, parent or known.parent_bsuid, known.profile_name)
        if wa_id is None and bsuid is None and parent is None:
            raise ValueError("names nobody")
        return Person(wa_id, bsuid, parent, None)


def _person(contact: JsonObject) -> Person:
    profile = contact.get("profile")
    name = (text(profile.get("name")) or text(profile.get("username"))) if isinstance(profile, dict) else None
    return Person(
        _short(contact.get("wa_id")), _short(contact.get("user_id")), _short(contact.get("parent_user_id")), name
    )


def _short(value: Any) -> str | None:
    found = text(value)
    return found if found is not None and len(found) <= MAX_ID else None
