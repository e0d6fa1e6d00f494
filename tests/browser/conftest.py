"""An inbox in a real browser, a workspace with its number, and its customers' phones."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import pytest

from examples.inbox.server import DIST, serving
from tests.browser.chromium import Chromium, chromium, program
from tests.browser.page import Page
from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import Program, programs_in
from tests.flows.shop import Shop

PASSWORD = "correct horse battery staple"  # of people who live as long as a test
NOA = "972501234567"
OMER = "972507654321"


@dataclass(frozen=True)
class Person:
    email: str
    id: str


@dataclass(frozen=True)
class Desk:
    """A shop, somebody who answers its customers, and the address of the inbox."""

    shop: Shop
    agent: Person
    url: str
    visit: Callable[[], Awaitable[Page]]

    async def signed_in(self, person: Person | None = None) -> Page:
        """The inbox of the agent, or of somebody else, in a browser of their own."""
        page = await self.visit()
        await page.type("input[name=email]", (person or self.agent).email)
        await page.type("input[name=password]", PASSWORD)
        await page.press("Enter")
        await page.until("document.querySelector('.inbox')")
        return page

    async def live(self) -> Page:
        """As above, and listening."""
        page = await self.signed_in()
        await page.until("document.querySelector('.state')?.dataset.state === 'live'")
        return page

    async def says(self, text: str, phone: str = NOA, **fields: Any) -> str:
        """A customer writes; the wamid."""
        fields = {"profile_name": "Noa", **fields}
        return await self.shop.business.receive({"type": "text", "text": {"body": text}}, phone, **fields)


async def open_first(page: Page) -> None:
    await page.click(".conversations button")
    await page.until("document.querySelector('.thread .title').textContent")


@pytest.fixture(scope="package")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    command = program()
    if command is None:
        pytest.skip("no Chromium on this machine: install it (apt-get install chromium), or name one in CHROMIUM")
    if not (DIST / "index.html").exists():
        pytest.skip("the inbox is not built: run `make inbox`")
    async with chromium(command, tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="package")
async def receiver(tmp_path_factory: pytest.TempPathFactory, browser: Chromium) -> AsyncIterator[Program]:
    """Webhook and worker, for all tests of this folder."""
    async with programs_in(tmp_path_factory.mktemp("programs")) as programs:
        await programs.worker()
        yield await programs.webhook()


@pytest.fixture
async def newcomer(project: Project, http: httpx.AsyncClient) -> Callable[[], Awaitable[Person]]:
    """Signs somebody up who belongs to nothing yet."""

    async def sign_up() -> Person:
        email = f"{secrets.token_hex(6)}@example.com"
        answer = await http.post(
            f"{project.url}/auth/v1/signup",
            json={"email": email, "password": PASSWORD},
            headers=project.headers(project.anon_key),
        )
        return Person(email, str(answer.raise_for_status().json()["user"]["id"]))

    return sign_up


@pytest.fixture
async def desk(
    project: Project,
    database: Connect,
    browser: Chromium,
    receiver: Program,
    newcomer: Callable[[], Awaitable[Person]],
) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as exits:
        session = await exits.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
        shop = await Shop.new(database, Simulator(project.provider_url, session), receiver)
        agent = await newcomer()
        await shop.tenant.rows("insert into workspace_members values (%(workspace)s, %(user)s, 'agent')", user=agent.id)
        config = {
            "supabaseUrl": project.url,
            "supabaseKey": project.anon_key,
            "phoneNumberId": shop.business.id,
            "customers": [{"name": "Noa", "phone": NOA}],
        }
        url = await exits.enter_async_context(serving(config, project.provider_url))
        pages: list[Page] = []

        async def visit() -> Page:
            pages.append(await Page.opened(browser, await browser.profile(), url))
            return pages[-1]

        yield Desk(shop, agent, url, visit)
        for page in pages:
            assert page.complaints() == []
            await page.close()


@pytest.fixture
def realtime(http: httpx.AsyncClient) -> Callable[..., Awaitable[None]]:
    """Orders to the stand-in of Realtime: drop_sockets, refuse_connections, …"""

    async def order(**orders: Any) -> None:
        url = f"{os.environ['DEVSTACK_URL']}/_devstack/realtime"
        (await http.post(url, json=orders)).raise_for_status()

    return order
