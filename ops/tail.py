"""`wabase tail`: what arrives and leaves, as it happens; without anybody's words or whole numbers unless asked."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import click

from ops import shown
from ops.project import Project, as_json, run
from store.live import LiveMessages

Row = dict[str, Any]
K = TypeVar("K")
V = TypeVar("V")

REMEMBERED = 10_000
SHOWN_LETTERS = 140
LIVE = "Live; Ctrl-C ends it."
SILENT = (
    "Realtime is silent, trying again: what happens meanwhile is not shown. "
    "`wabase inbound list` and `wabase outbound list` look at the tables; is Realtime on for the project?"
)


class Recent(Generic[K, V]):
    """What was seen of the newest keys."""

    def __init__(self) -> None:
        self._known: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        return self._known.get(key)

    def put(self, key: K, value: V) -> None:
        self._known[key] = value
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


@click.command(help="Shows messages as they arrive and leave, and what becomes of them, until Ctrl-C. Changes nothing.")
@click.option("--number", help="Only this phone number id.")
@click.option("--texts", is_flag=True, help="With people's words and whole phone numbers.")
@as_json
def tail(number: str | None, texts: bool, as_json: bool) -> None:
    async def command(project: Project) -> int:
        connections = await project.events.connections({"phone_number_id": f"eq.{number}"} if number else {})
        if number and not connections:
            click.echo(f"There is no number {number}. `wabase tail` without --number shows all there are.", err=True)
            return 1
        settings = project.settings
        live = LiveMessages(
            settings.supabase_url,
            settings.supabase_service_role_key.get_secret_value(),
            project.rpc.ring_doorbell,
            lambda live: click.echo(LIVE if live else SILENT, err=True),
            connection_id=connections[0]["id"] if number else None,
            with_content=texts,
        )
        view = View(project, live, texts, as_json, {row["id"]: row["phone_number_id"] for row in connections})
        await _until_interrupted(view.run(), live.run())
        return 0

    run(command)


async def _until_interrupted(*work: Coroutine[Any, Any, None]) -> None:
    """Ctrl-C is how this ends well; a failure of the work ends it, too, and is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    waiting = asyncio.ensure_future(interrupted.wait())
    try:
        await asyncio.wait((*tasks, waiting), return_when=asyncio.FIRST_COMPLETED)
        for each in tasks:
            if each.done():
                each.result()
    finally:
        for task in (*tasks, waiting):
            task.cancel()
        await asyncio.gather(*tasks, waiting, return_exceptions=True)


@dataclass
class View:
    """Turns changes into lines: one for each step of a message that is worth one."""

    project: Project
    live: LiveMessages
    texts: bool
    as_json: bool
    numbers: dict[str, str]
    _states: Recent[str, tuple[Any, ...]] = field(default_factory=Recent)
    _phones: Recent[str, str] = field(default_factory=Recent)
    _left_out: int = 0

    async def run(self) -> None:
        while True:
            committed, message = await self.live.next()
            if self.live.left_out > self._left_out:
                click.echo(f"{self.live.left_out - self._left_out} changes came too fast and are not shown.", err=True)
                self._left_out = self.live.left_out
            state = _state(message)
            if state != self._states.get(message["id"]):
                self._states.put(message["id"], state)
                self._show(await self._line(committed, message))

    async def _line(self, committed: str, message: Row) -> Row:
        error = message.get("error") or {}
        line: Row = {
            "at": committed,
            "seconds_ago": _seconds_since(committed),
            "number": await self._number(message.get("connection_id")),
            "direction": message.get("direction"),
            "phone": self._shown(await self._phone(message)),
            "type": message.get("type"),
            "status": message.get("status"),
            "error": error.get("code"),
            "media": message.get("media_status"),
            "changed": _changed(message),
            "id": message["id"],
        }
        if self.texts:
            line["content"] = message.get("content")
        return line

    async def _number(self, connection_id: str | None) -> str | None:
        """Whose connection it is; one may have come since the beginning."""
        if connection_id and connection_id not in self.numbers:
            rows = await self.project.events.connections({"id": f"eq.{connection_id}"})
            self.numbers |= {row["id"]: row["phone_number_id"] for row in rows}
        return self.numbers.get(connection_id or "")

    async def _phone(self, message: Row) -> str | None:
        """The customer's number: of the message, or of its conversation."""
        conversation_id = message.get("conversation_id")
        if phone := message.get("wa_id"):
            return str(phone)
        if not conversation_id:
            return None
        if (known := self._phones.get(conversation_id)) is None:
            known = (await self.project.events.phones([conversation_id])).get(conversation_id) or ""
            self._phones.put(conversation_id, known)
        return known or None

    def _shown(self, phone: str | None) -> str | None:
        return phone if phone is None or self.texts else f"…{phone[-4:]}"

    def _show(self, line: Row) -> None:
        click.echo(shown.encoded(line) if self.as_json else shown.plain(_told(line)))


def _state(message: Row) -> tuple[Any, ...]:
    """What makes another line: not every column that changes does."""
    return tuple(message.get(name) for name in ("status", "media_status", "edited_at", "revoked_at"))


def _changed(message: Row) -> str | None:
    return "revoked" if message.get("revoked_at") else "edited" if message.get("edited_at") else None


def _seconds_since(committed: str) -> float | None:
    """By two clocks, the database's and this machine's."""
    try:
        return round((datetime.now(UTC) - datetime.fromisoformat(committed)).total_seconds(), 2)
    except (ValueError, TypeError):
        return None


def _told(line: Row) -> str:
    way = "◀" if line["direction"] == "inbound" else "▶"
    late = "" if line["seconds_ago"] is None else f"+{max(0.0, line['seconds_ago']):.1f}s"
    happened = [line["status"], line["error"], line["media"] and f"file {line['media']}", line["changed"]]
    words = " ".join(str(each) for each in happened if each)
    start = f"{line['at'][11:19]}  {late:>6}  {line['number'] or '-'}  {way} {line['phone'] or '-':<15}"
    told = f"{start}  {line['type']:<11}  {words:<22}  {line['id']}"
    return told if "content" not in line else f"{told}  {_words_of(line['content'])}"


def _words_of(content: Any) -> str:
    """What was written, in one line; of kinds without words the content as it is."""
    content = content if isinstance(content, dict) else {"": content}
    words = content.get("body") or content.get("caption") or json.dumps(content, ensure_ascii=False)
    line = " ".join(str(words).split())
    return line if len(line) <= SHOWN_LETTERS else f"{line[: SHOWN_LETTERS - 1]}…"
