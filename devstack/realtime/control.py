"""Unkindness on demand: what `/_devstack/realtime` switches on, and what it shows."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from devstack.realtime.delivery import Faults
from devstack.realtime.server import SERVER, Server

LASTING = {"silent": bool, "delay_ms": int, "loss": float, "refuse_connections": bool}


class Control:
    """GET tells the state, POST changes it or does something once."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def show(self, _request: web.Request) -> web.Response:
        """Switches and counters."""
        return web.json_response(self._state())

    async def change(self, request: web.Request) -> web.Response:
        """Any number of orders in one JSON object; an unknown one is refused before any is carried out."""
        orders: dict[str, Any] = await request.json()
        once = {
            "reset": self._reset,
            "drop_sockets": self._drop_sockets,
            "close_channel": self._close_channels,
            "error_channel": self._crash_channels,
        }
        unknown = set(orders) - set(once) - set(LASTING)
        if unknown:
            return web.json_response({"error": f"unknown: {', '.join(sorted(unknown))}"}, status=400)
        for name, value in orders.items():
            if name in LASTING:
                setattr(self._server.node.delivery.faults, name, LASTING[name](value))
            elif value:
                once[name](value)
        return web.json_response(self._state())

    def _state(self) -> dict[str, Any]:
        node = self._server.node
        return {
            **vars(node.delivery.faults),
            "sockets": len(self._server.sockets),
            "channels": [channel.name for channel in node.topics],
            "delivered": node.delivery.delivered,
            "lost": node.delivery.lost,
        }

    def _reset(self, _value: Any) -> None:
        self._server.node.delivery.faults = Faults()

    def _drop_sockets(self, _value: Any) -> None:
        """Every line is cut without a closing handshake; clients reconnect."""
        for socket in list(self._server.sockets):
            socket.drop()

    def _close_channels(self, name: str) -> None:
        """Copied: told as the server's own wish, then `phx_close`."""
        for channel in self._server.node.topics.named(name):
            channel.system("system", "ok", "Server requested disconnect")
            self._server.node.close(channel)

    def _crash_channels(self, name: str) -> None:
        for channel in self._server.node.topics.named(name):
            self._server.node.crash(channel)


def build_control(realtime: web.Application) -> web.Application:
    """The switches of the service that `build` returned."""
    control = Control(realtime[SERVER])
    app = web.Application()
    app.router.add_get("", control.show)
    app.router.add_post("", control.change)
    return app
