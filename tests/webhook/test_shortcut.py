"""The shortcut to the routes of 360dialog answers everything as the router behind it does."""

from __future__ import annotations

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from webhook.app import Shortcut

FOLDERS = {"/webhooks/360dialog": "phone_number_id", "/webhooks/360dialog/waba": "waba_id"}


class Told:
    """An endpoint that tells how it was reached."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(str(scope["path_params"]))(scope, receive, send)


ROUTER = Router(
    [Route(f"{folder}/{{{parameter}}}", Told(), methods=["POST"]) for folder, parameter in FOLDERS.items()],
    redirect_slashes=False,
)


async def answer(app: ASGIApp, method: str, path: str) -> tuple[int, str]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        response = await client.request(method, f"http://receiver{path}")
    return response.status_code, response.text


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "OPTIONS", "post"])
@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/360dialog/15550001111",
        "/webhooks/360dialog/waba/15550001111",
        "/webhooks/360dialog/waba",
        "/webhooks/360dialog/waba/",
        "/webhooks/360dialog/",
        "/webhooks/360dialog",
        "/webhooks/360dialog/waba/1/2",
        "/webhooks/360dialog/1?hub.mode=subscribe",
        "/webhooks/360dialog/a%2Fb",
        "/webhooks/360dialog/%E2%82%AC",
        "//webhooks/360dialog/1",
        "/webhooks//360dialog/1",
        "/WEBHOOKS/360dialog/1",
        "/webhooks/meta",
        "/",
    ],
)
async def test_a_path_ends_where_the_router_would_send_it(method: str, path: str) -> None:
    short = Shortcut({folder: (parameter, Told()) for folder, parameter in FOLDERS.items()}, ROUTER)
    assert await answer(short, method, path) == await answer(ROUTER, method, path)
