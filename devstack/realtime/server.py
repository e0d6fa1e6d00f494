"""The Realtime stand-in as a sub-application of the gateway, mounted at `/realtime/v1`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from devstack.context import CONTEXT, Context, caller_of
from devstack.realtime.node import Node
from devstack.realtime.partitions import keep_partitions, renew_partitions
from devstack.realtime.phoenix import SERIALIZERS
from devstack.realtime.rest import Broadcasting
from devstack.realtime.socket import Socket
from devstack.realtime.tokens import Refused, confirm

LARGEST_FRAME = 4 * 1024 * 1024  # a broadcast may have 3 MB


class Server:
    """The node and the sockets connected to it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.node = Node(context)
        self.sockets: set[Socket] = set()

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """The handshake: refused as the real one refuses it, in JSON, before any websocket exists."""
        if self.node.delivery.faults.refuse_connections:
            return web.json_response({"error": "Service unavailable"}, status=500)
        serializer = SERIALIZERS.get(request.query.get("vsn", "1.0.0"))
        if serializer is None:
            return web.json_response({"error": "Unsupported protocol version"}, status=400)
        try:
            token = confirm(self.context.keys, caller_of(request).token).token
        except Refused as refused:
            return web.json_response({"error": str(refused)}, status=401)
        connection = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_FRAME)
        await connection.prepare(request)
        socket = Socket(self.node, serializer, token, request)
        self.sockets.add(socket)
        try:
            await socket.run(connection)
        finally:
            self.sockets.discard(socket)
        return connection

    async def background(self, _app: web.Application) -> AsyncIterator[None]:
        """The tasks that live as long as the application. Partitions exist before the first request."""
        await renew_partitions(self.context.database)
        tasks = [
            asyncio.create_task(keep_partitions(self.context.database)),
            asyncio.create_task(self.node.changes.feed.run()),
            asyncio.create_task(self.node.broadcasts.feed.run()),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def disconnect(self, _app: web.Application) -> None:
        """Let go of the sockets, or the gateway waits for them when it stops."""
        for socket in list(self.sockets):
            socket.drop()


SERVER = web.AppKey("realtime", Server)


def build(context: Context) -> web.Application:
    """The service. Its server is at `app[SERVER]`."""
    server = Server(context)
    broadcasting = Broadcasting(server.node)
    app = web.Application()
    app[CONTEXT] = context
    app[SERVER] = server
    app.router.add_get("/websocket", server.connect)
    app.router.add_post("/api/broadcast", broadcasting.send_batch)
    app.router.add_post("/api/broadcast/{topic}/events/{event}", broadcasting.send_one)
    app.cleanup_ctx.append(server.background)
    app.on_shutdown.append(server.disconnect)
    return app
