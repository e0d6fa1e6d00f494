"""Broadcast over HTTP: a batch to `/api/broadcast`, or one to `/api/broadcast/{topic}/events/{event}`."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from devstack.context import caller_of
from devstack.realtime.broadcast import Message
from devstack.realtime.node import Node
from devstack.realtime.phoenix import UserBroadcast


class Broadcasting:
    """The two handlers. Both answer 202, also when a policy forbade the message: it vanishes."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def send_batch(self, request: web.Request) -> web.Response:
        """The body: `{messages: [{topic, event, payload, private?}]}`."""
        try:
            messages = (await request.json())["messages"]
            wanted = [(m["topic"], m["event"], m["payload"], bool(m.get("private"))) for m in messages]
        except (ValueError, TypeError, KeyError):
            return web.json_response({"errors": {"messages": ["can't be blank"]}}, status=422)
        for topic, event, payload, private in wanted:
            await self._send(request, topic, private, broadcast(event, payload))
        return web.Response(status=202)

    async def send_one(self, request: web.Request) -> web.Response:
        """The body is the payload: JSON, or bytes."""
        topic, event = request.match_info["topic"], request.match_info["event"]
        body = await request.read()
        message: Message
        if request.content_type == "application/octet-stream":
            message = UserBroadcast(event, body, is_json=False)
        else:
            try:
                message = broadcast(event, json.loads(body))
            except ValueError:
                return web.json_response({"error": "Invalid JSON"}, status=400)
        await self._send(request, topic, request.query.get("private") == "true", message)
        return web.Response(status=202)

    async def _send(self, request: web.Request, topic: str, private: bool, message: Message) -> None:
        if not private or await self._node.authorizer.writable(caller_of(request), topic, "broadcast"):
            self._node.broadcasts.send((topic, private), message)


def broadcast(event: str, payload: Any) -> dict[str, Any]:
    return {"type": "broadcast", "event": event, "payload": payload}
