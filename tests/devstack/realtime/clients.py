"""The two clients nobody here wrote, `realtime` (Python) and `@supabase/supabase-js`, behind one small interface.

A client collects everything its library calls back with as events `{topic, kind, data}`, kind being status, system,
change, broadcast or presence. A scenario waits for the event it needs, so it never has to sleep.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from realtime import AsyncRealtimeClient

Event = dict[str, Any]
DEADLINE = 15.0
DEFAULTS: dict[str, Any] = {"private": False, "presence": {"enabled": False, "key": ""}}
DRIVER = Path(__file__).parent.parent / "js" / "realtime_driver.mjs"


class Events:
    """What arrived so far, and waiting for more."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._arrived = asyncio.Event()

    def add(self, event: Event) -> None:
        self.all.append(event)
        self._arrived.set()

    async def first(self, wanted: Callable[[Event], bool], after: int = 0) -> Event:
        """The first event from position `after` on that is wanted; fails with all events when none comes in time."""
        try:
            async with asyncio.timeout(DEADLINE):
                while True:
                    self._arrived.clear()
                    for event in self.all[after:]:
                        if wanted(event):
                            return event
                    await self._arrived.wait()
        except TimeoutError:
            raise AssertionError(f"not among the events: {json.dumps(self.all, default=str, indent=1)}") from None


class Client:
    """One connection. Subclasses speak to a library."""

    def __init__(self) -> None:
        self.events = Events()

    async def connect(self, url: str, key: str, token: str | None) -> None:
        raise NotImplementedError

    async def join(self, topic: str, changes: list[dict[str, Any]], config: dict[str, Any] = DEFAULTS) -> None:
        raise NotImplementedError

    async def call(self, command: str, **parameters: Any) -> Any:
        raise NotImplementedError

    async def joined(
        self,
        topic: str,
        *changes: dict[str, Any],
        private: bool = False,
        broadcast: dict[str, Any] | None = None,
        presence: str | None = None,
    ) -> None:
        """Join and wait until it holds; with `changes`, until Postgres is live."""
        config: dict[str, Any] = {
            "private": private,
            "broadcast": broadcast or {"self": False, "ack": False},
            "presence": {"enabled": presence is not None, "key": presence or ""},
        }
        await self.join(topic, list(changes), config)
        await self.status(topic, "SUBSCRIBED")
        if changes:
            await self.live(topic)
        if config["broadcast"].get("replication_ready"):
            await self.told("Replication connection established")

    async def live(self, topic: str, after: int = 0) -> Event:
        return await self.events.first(
            lambda e: (
                e["topic"] == topic and e["kind"] == "system" and e["data"]["message"] == "Subscribed to PostgreSQL"
            ),
            after,
        )

    async def status(self, topic: str, status: str, after: int = 0) -> Event:
        return await self.events.first(
            lambda e: e["topic"] == topic and e["kind"] == "status" and e["data"]["status"] == status, after
        )

    async def told(self, text: str, after: int = 0) -> Event:
        """Any event that mentions a text: libraries hand errors on in different places."""
        return await self.events.first(lambda e: text in json.dumps(e, default=str), after)

    async def change(self, action: str, after: int = 0, **values: Any) -> dict[str, Any]:
        """The first change of a kind whose record (for DELETE: old record) has these values, in the server's form."""

        def wanted(event: Event) -> bool:
            if event["kind"] != "change" or event["data"]["type"] != action:
                return False
            record = event["data"]["old_record" if action == "DELETE" else "record"]
            return all(record.get(name) == value for name, value in values.items())

        event = await self.events.first(wanted, after)
        data: dict[str, Any] = event["data"]
        return data

    async def broadcast(self, event: str, after: int = 0) -> dict[str, Any]:
        found = await self.events.first(lambda e: e["kind"] == "broadcast" and e["data"]["event"] == event, after)
        data: dict[str, Any] = found["data"]
        return data

    async def present(self, *keys: str) -> dict[str, Any]:
        """The presence state once exactly these keys are in it."""
        found = await self.events.first(lambda e: e["kind"] == "presence" and set(e["data"]) == set(keys))
        data: dict[str, Any] = found["data"]
        return data

    def records(self) -> list[dict[str, Any]]:
        """Everything changes brought so far."""
        return [e["data"].get("record") or e["data"]["old_record"] for e in self.events.all if e["kind"] == "change"]

    def broadcasts(self) -> list[str]:
        return [e["data"]["event"] for e in self.events.all if e["kind"] == "broadcast"]


class PythonClient(Client):
    """supabase-py's `realtime`."""

    _client: AsyncRealtimeClient

    async def connect(self, url: str, key: str, token: str | None) -> None:
        self._client = AsyncRealtimeClient(f"{url}/realtime/v1", key, hb_interval=15, max_retries=10)
        if token:
            await self._client.set_auth(token)

    async def join(self, topic: str, changes: list[dict[str, Any]], config: dict[str, Any] = DEFAULTS) -> None:
        channel: Any = self._client.channel(topic, cast(Any, {"config": config}))

        def add(kind: str, data: Any) -> None:
            self.events.add({"topic": topic, "kind": kind, "data": data})

        for binding in changes:
            channel.on_postgres_changes(**binding, callback=lambda payload: add("change", dict(payload["data"])))
        channel.on_broadcast("*", lambda payload: add("broadcast", dict(payload)))
        channel.on_system(lambda payload: add("system", payload.model_dump()))
        if config["presence"]["enabled"]:
            channel.on_presence_sync(lambda: add("presence", {k: list(v) for k, v in channel.presence_state().items()}))
        await channel.subscribe(
            lambda status, error: add("status", {"status": status.value, "error": error and str(error)})
        )

    async def call(self, command: str, **parameters: Any) -> Any:
        if command == "set_token":
            return await self._client.set_auth(parameters["token"])
        if command == "close":
            return await self._client.close()
        channel: Any = self._client.channels[f"realtime:{parameters.pop('topic')}"]
        match command:
            case "broadcast":
                await channel.send_broadcast(parameters["event"], parameters["payload"])
            case "broadcast_over_http":
                await channel.http_send(parameters["event"], parameters["payload"])
            case "track":
                await channel.track(parameters["payload"])
            case "untrack":
                await channel.untrack()
            case "leave":
                await channel.unsubscribe()


class NodeProcess:
    """The driver, one for all tests. Routes its lines to the clients that live in it."""

    _process: asyncio.subprocess.Process

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def start(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec("node", str(DRIVER), stdin=pipe, stdout=pipe, limit=2**24)
        self._reader = asyncio.create_task(self._read())

    async def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 5)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader

    async def call(self, **command: Any) -> Any:
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"id": number, **command}).encode() + b"\n")
        return await asyncio.wait_for(answer, DEADLINE)

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            message = json.loads(line)
            if "id" in message:
                answer = self._answers.pop(message["id"])
                if "error" in message:
                    answer.set_exception(RuntimeError(message["error"]))
                else:
                    answer.set_result(message["result"])
            else:
                self.clients[message.pop("client")].events.add(server_form(message))


def server_form(event: Event) -> Event:
    """supabase-js renames a change's keys; give them the names they have on the wire."""
    if event["kind"] == "change":
        data = event["data"]
        data["type"] = data.pop("eventType")
        data["record"], data["old_record"] = data.pop("new"), data.pop("old")
    return event


class NodeClient(Client):
    """supabase-js, in one of the two protocol versions."""

    def __init__(self, process: NodeProcess, version: str) -> None:
        super().__init__()
        self._process = process
        self._version = version
        self._name = f"client {id(self)}"
        process.clients[self._name] = self

    async def connect(self, url: str, key: str, token: str | None) -> None:
        await self.call("connect", url=url, key=key, token=token, vsn=self._version)

    async def join(self, topic: str, changes: list[dict[str, Any]], config: dict[str, Any] = DEFAULTS) -> None:
        await self.call("join", topic=topic, config=config, changes=changes)

    async def call(self, command: str, **parameters: Any) -> Any:
        return await self._process.call(command=command, client=self._name, **parameters)
