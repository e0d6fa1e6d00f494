"""The ceiling: the same server and routing, and a handler that does nothing, or nothing but read the body."""

from __future__ import annotations

import os
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.serve import serve


async def nothing(_request: Request) -> Response:
    return Response(status_code=200)


async def read(request: Request) -> Response:
    await request.body()
    return Response(status_code=200)


async def alive(_request: Request) -> Response:
    return Response(status_code=200)


if __name__ == "__main__":
    handler = read if "--read" in sys.argv else nothing
    routes = [
        Route("/webhooks/360dialog/{phone_number_id}", handler, methods=["POST"]),
        Route("/livez", alive),
    ]
    serve(Starlette(routes=routes), int(os.environ["WEBHOOK_PORT"]))
