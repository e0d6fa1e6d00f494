"""One websocket: frames in, frames out, and the channels joined on it."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from aiohttp import WSMsgType, web

from devstack.realtime import session
from devstack.realtime.channel import Channel
from devstack.realtime.node import Node
from devstack.realtime.phoenix import BadFrame, Frame, Serializer
from devstack.realtime.tokens import Refused

IDLE_TIMEOUT = 60.0  # a socket that says nothing for this long is closed; heartbeats come every 25 s
JOIN_REFUSAL_DELAY = 1.0  # seconds before a refused join is told so, against joining in a loop (the real one: 5)


class Socket:
    """Reads one message after the other; writes from a queue, so that a slow reader holds up nobody else."""

    def __init__(self, node: Node, serializer: Serializer, token: str, request: web.Request) -> None:
        self._node = node
        self._serializer = serializer
        self._token = token
        self._request = request
        self._channels: dict[str, Channel] = {}
        self._outgoing: asyncio.Queue[Frame] = asyncio.Queue()

    def push(self, frame: Frame) -> None:
        """Queue a frame. One that ends a channel also takes it off this socket."""
        if frame.event in ("phx_close", "phx_error"):
            channel = self._channels.get(frame.topic)
            if channel and channel.join_ref == frame.join_ref:
                del self._channels[frame.topic]
        self._outgoing.put_nowait(frame)

    def drop(self) -> None:
        """Cut the line without a closing handshake."""
        if self._request.transport:
            self._request.transport.abort()

    async def run(self, connection: web.WebSocketResponse) -> None:
        """Until either side ends it."""
        writer = asyncio.create_task(self._write(connection))
        try:
            await self._read(connection)
        finally:
            writer.cancel()
            for channel in list(self._channels.values()):
                self._node.forget(channel)

    async def _read(self, connection: web.WebSocketResponse) -> None:
        while not connection.closed:
            try:
                async with asyncio.timeout(IDLE_TIMEOUT):
                    message = await connection.receive()
            except TimeoutError:
                await connection.close()
                return
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            try:
                await self._handle(self._serializer.decode(message.data))
            except BadFrame:
                await connection.close(code=1011)

    async def _write(self, connection: web.WebSocketResponse) -> None:
        while True:
            encoded = self._serializer.encode(await self._outgoing.get())
            try:
                if isinstance(encoded, bytes):
                    await connection.send_bytes(encoded)
                elif encoded is not None:
                    await connection.send_str(encoded)
            except ConnectionError:
                return

    async def _handle(self, frame: Frame) -> None:
        channel = self._channels.get(frame.topic)
        if frame.topic == "phoenix":
            self._answer(frame, "ok", {})
        elif frame.event == "phx_join":
            await self._join(frame)
        elif frame.event == "phx_leave":
            self._answer(frame, "ok", {})
            if channel:
                self._node.close(channel)
        elif channel is None:
            self._answer(frame, "error", {"reason": "unmatched topic"})
        elif frame.join_ref in (None, channel.join_ref):
            await self._handle_on(channel, frame)

    async def _handle_on(self, channel: Channel, frame: Frame) -> None:
        try:
            await session.handle(self._node, channel, frame)
        except psycopg.Error:
            self._node.crash(channel)

    async def _join(self, frame: Frame) -> None:
        """Copied: joining a topic twice ends the first channel without a word."""
        before = self._channels.pop(frame.topic, None)
        if before:
            self._node.forget(before)
        try:
            self._channels[frame.topic] = await session.join(self._node, frame, self._token, self.push)
        except Refused as refused:
            await asyncio.sleep(JOIN_REFUSAL_DELAY)
            self._answer(frame, "error", {"reason": f"{refused.code}: {refused}"})

    def _answer(self, frame: Frame, status: str, response: dict[str, Any]) -> None:
        payload = {"status": status, "response": response}
        self.push(Frame(frame.topic, "phx_reply", payload, frame.ref, frame.join_ref))
