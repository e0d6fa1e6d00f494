"""Who and what is on stage: an agent signed in, a workspace with a WhatsApp number, and the means to tell of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from examples.demo.agent import Agent, signed_up
from examples.demo.backend import Backend, backend
from examples.demo.narrator import Narrator
from examples.demo.settings import Settings
from examples.demo.waiting import Doorbell, Patience
from examples.demo.whatsapp_number import Customer, WhatsAppNumber

NOA = Customer("Noa", "447700900123")
OMER = Customer("Omer", "447700900456")
YAEL = Customer("יעל", "447700900789")  # not in the story: for whoever plays on


@dataclass(frozen=True)
class Stage:
    """One connected number and the people around it."""

    settings: Settings
    narrator: Narrator
    doorbell: Doorbell
    patience: Patience
    http: httpx.AsyncClient
    backend: Backend
    agent: Agent
    number: WhatsAppNumber


@asynccontextmanager
async def set_up(settings: Settings, narrator: Narrator, deadline: float) -> AsyncIterator[Stage]:
    """Signs up, creates, connects: what a product does once for each of its customers."""
    async with AsyncExitStack() as exits:
        with narrator.step("Setting up"):
            http = await exits.enter_async_context(httpx.AsyncClient(timeout=30))
            simulator = await exits.enter_async_context(httpx.AsyncClient(base_url=settings.provider_url, timeout=30))
            service = await exits.enter_async_context(backend(settings))
            agent = await exits.enter_async_context(signed_up(settings, "Dana"))
            narrator.tell("Auth", f"{agent.address} signed up")
            doorbell = Doorbell()
            stage = Stage(
                *(settings, narrator, doorbell, Patience(doorbell, deadline), http),
                *(service, agent, WhatsAppNumber(simulator)),
            )
            await _connect(stage)
            await agent.listen(doorbell)
        yield stage


async def _connect(stage: Stage) -> None:
    tell, number = stage.narrator.tell, stage.number
    workspace = await stage.backend.create_workspace("Café Aviv", stage.agent)
    connection = await stage.backend.connect_number(workspace, number)
    tell("service key", f'workspace "{workspace["name"]}", its owner, its number {number.display_phone_number}')
    await number.register()
    await stage.agent.set_credential(connection["id"], number.api_key)
    tell("Vault", "keeps the number's API key: rpc set_connection_credential, called by the owner")
    await number.register_webhook(stage.settings.webhook_url, stage.settings.whatsapp_webhook_secret)
    tell("WhatsApp", f"will post to {stage.settings.webhook_url}{number.webhook_path()} with the number's own token")
