"""The one address of the project: checks keys, answers CORS, and leads to PostgREST and the stand-ins."""

from __future__ import annotations

import socket
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from devstack import auth, proxy, realtime, storage
from devstack.context import CONTEXT, Context
from devstack.gate import Gate, Refused
from devstack.postgres import Postgres

AUTH, STORAGE, REALTIME = "/auth/v1", "/storage/v1", "/realtime/v1"
KNOWN = (proxy.PREFIX, AUTH, STORAGE, REALTIME)
CONTROL = "/_devstack"  # where tests make the stand-ins unkind: no key, this is a development stack

CORS = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT",
    "Access-Control-Max-Age": "3600",
}
NO_ROUTE = {"message": "no Route matched with those values"}


def build(context: Context, postgrest: Path, postgres: Postgres) -> web.Application:
    """The gateway's application. No limit on bodies here: Storage has its own."""

    async def show_postgres(request: web.Request) -> web.Response:
        """The postmaster's process id: after a restart it is no longer the one in the environment."""
        return web.json_response({"pid": postgres.pid, "port": postgres.server.port})

    app = web.Application(middlewares=[_key_check(Gate(context.keys))], client_max_size=0)
    app[CONTEXT] = context
    app.on_response_prepare.append(_allow_browsers)
    app.router.add_get(f"{CONTROL}/postgres", show_postgres)
    proxy.install(app, postgrest)
    app.add_subapp(AUTH, auth.build(context))
    for path, service in ((STORAGE, storage), (REALTIME, realtime)):
        mounted = service.build(context)
        app.add_subapp(path, mounted)
        app.add_subapp(f"{CONTROL}/{path.split('/')[1]}", service.build_control(mounted))
    return app


def runner(app: web.Application) -> web.AppRunner:
    """What starts and stops the application. Connections that are open at the end get no long farewell."""
    return web.AppRunner(app, access_log=None, shutdown_timeout=1.0)


async def serve(runner: web.AppRunner, listener: socket.socket) -> None:
    """Start answering on a socket that is bound already."""
    await runner.setup()
    await web.SockSite(runner, listener, backlog=1024).start()


def bind(port: int) -> socket.socket:
    """A listening address on 127.0.0.1; port 0 takes any free one."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _key_check(gate: Gate) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return _preflight(request)
        if path.startswith(CONTROL):
            return await handler(request)
        if not path.startswith(KNOWN):
            return web.json_response(NO_ROUTE, status=404)
        try:
            authorization = gate.authorization(path, request.headers, request.query)
            request[proxy.AUTHORIZATION] = authorization
            if not path.startswith(proxy.PREFIX):  # PostgREST checks its tokens itself
                request["caller"] = gate.caller(path, authorization)
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)
        return await handler(request)

    return check


def _preflight(request: web.Request) -> web.Response:
    asked = request.headers.get("Access-Control-Request-Headers", "*")
    return web.Response(status=200, headers={**PREFLIGHT, "Access-Control-Allow-Headers": asked})


async def _allow_browsers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Access-Control-Allow-Origin", "*")
