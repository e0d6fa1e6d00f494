"""Both ends of a line: the client under test, and its number at the simulated WhatsApp, through each provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from tests.conftest import Project
from tests.devstack.provider.simulator import Business, Simulator
from whatsapp.client import WhatsAppClient
from whatsapp.provider import provider


@dataclass(frozen=True)
class Line:
    """`client` is ours, `business` is WhatsApp's view of the same number."""

    client: WhatsAppClient
    business: Business

    async def accepted(self) -> dict[str, Any]:
        """The body of the one message that WhatsApp has accepted."""
        (sent,) = await self.business.seen("sent")
        body: dict[str, Any] = sent["body"]
        return body


def client_at(name: str, url: str, business: Business, http: httpx.AsyncClient) -> WhatsAppClient:
    """As `name` reaches the number: 360dialog by its key, Meta by id and token."""
    credential = business.api_key if name == "360dialog" else business.access_token
    chosen = provider(name, business.id, d360_base_url=url, graph_base_url=f"{url}/v25.0")
    return WhatsAppClient(http, chosen, credential)


@pytest.fixture(scope="package")
async def simulator(project: Project) -> AsyncIterator[Simulator]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Simulator(project.provider_url, session)


@pytest.fixture
async def business(simulator: Simulator) -> Business:
    """A number to which everybody has just written."""
    business = await simulator.business()
    await business.behave(enforce_window="off", statuses=[])
    return business


@pytest.fixture(params=["360dialog", "meta"])
async def line(request: pytest.FixtureRequest, project: Project, business: Business) -> AsyncIterator[Line]:
    async with httpx.AsyncClient(timeout=10, transport=AiohttpTransport()) as http:
        yield Line(client_at(request.param, project.provider_url, business, http), business)
