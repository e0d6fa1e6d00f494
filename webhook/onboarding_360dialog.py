"""360dialog's Integrated Onboarding: channels that a client has shared with the partner become connections.

The window leads back with the channels in its address, which proves nothing. So the way back changes nothing: it hands
the browser on to the product, where the user who began is signed in, and finishes there.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import QueryParams

from store.errors import StoreError
from store.rpc import Rpc
from webhook.onboarding_errors import Problem, of_provider, of_store
from webhook.onboarding_state import SECONDS, Begun, States
from webhook.settings import Settings
from whatsapp.account import AccountClient
from whatsapp.errors import Refused, WhatsAppError
from whatsapp.provider import provider
from whatsapp.signup import Channel, Hub
from whatsapp.verify import webhook_token

# Where clients go, which is not where the API is (360dialog's pages on Integrated Onboarding).
WINDOW = "https://hub.360dialog.com/dashboard/app/{partner_id}/permissions"
MOST_CHANNELS = 10
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Outcome = dict[str, object]


class StartBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    workspace_id: UUID


class FinishBody(BaseModel):
    """What the way back has put behind the `#` of the product's page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str = Field(min_length=1, max_length=500)
    client: Id
    channels: list[Id] = Field(min_length=1, max_length=MOST_CHANNELS)


class D360Onboarding:
    """Connects channels of 360dialog's. Every run makes new keys, and what one has left undone the next one does."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, rpc: Rpc) -> None:
        self._settings = settings
        self._http = http
        self._rpc = rpc
        self._states = States(settings.webhook_secrets)
        key = settings.d360_partner_key.get_secret_value() if settings.d360_partner_key else ""
        self._partner_id = settings.d360_partner_id or ""
        self._hub = Hub(http, settings.d360_hub_base_url, self._partner_id, key)
        self._public_url = settings.webhook_public_url or ""
        self._busy: set[str] = set()

    async def start(self, user_id: UUID, body: StartBody) -> Outcome:
        """`{url, state, expires_in}`: the window to open. Raises Problem when the user may not connect a number."""
        try:
            await self._rpc.get_onboarding(str(body.workspace_id), str(user_id))
        except StoreError as error:
            raise of_store(error) from None
        state = self._states.made(Begun(body.workspace_id, user_id))
        query = urlencode({"redirect_url": f"{self._public_url}/onboarding/360dialog", "state": state})
        return {"url": f"{WINDOW.format(partner_id=self._partner_id)}?{query}", "state": state, "expires_in": SECONDS}

    def returned(self, query: QueryParams) -> str:
        """Where the browser goes from 360dialog: the product's own page, whatever the address says.

        What it is told stands behind the `#`, which no server and no referrer sees.
        """
        try:
            self._states.read(query.get("state", ""))
            channels = [name.strip(' "') for name in query.get("channels", "").strip("[] ").split(",")]
            body = FinishBody.model_validate(
                {"state": query["state"], "client": query.get("client"), "channels": channels}
            )
            told = {"state": body.state, "client": body.client, "channels": ",".join(body.channels)}
        except Problem as problem:
            told = {"error": problem.code}
        except ValueError:
            told = {"error": "bad_request"}
        return f"{self._settings.onboarding_return_url}#{urlencode(told)}"

    async def finish(self, user_id: UUID, body: FinishBody) -> Outcome:
        """`{connections, problems}`, one entry for each channel. Raises Problem when none could be connected."""
        begun = self._states.read(body.state)
        if begun.user_id != user_id:
            # Somebody else's state: one would connect a number for them, or have theirs.
            raise Problem("state_invalid")
        connections: list[Outcome] = []
        problems: list[tuple[str, Problem]] = []
        for channel_id in dict.fromkeys(body.channels):
            try:
                connections.append({"channel_id": channel_id, **await self._alone(begun, body.client, channel_id)})
            except Problem as problem:
                problems.append((channel_id, problem))
        if not connections:
            raise problems[0][1]
        return {
            "connections": connections,
            "problems": [{"channel_id": channel_id, **problem.as_json()} for channel_id, problem in problems],
        }

    async def _alone(self, begun: Begun, client: str, channel_id: str) -> Outcome:
        """Each channel once at a time: of two keys made at once, the one that is kept might be the one that ended."""
        if channel_id in self._busy:
            raise Problem("busy")
        self._busy.add(channel_id)
        try:
            return await self._connect(str(begun.workspace_id), str(begun.user_id), client, channel_id)
        except StoreError as error:
            raise of_store(error) from None
        finally:
            self._busy.discard(channel_id)

    async def _connect(self, workspace: str, user: str, client: str, channel_id: str) -> Outcome:
        channel = await self._channel(client, channel_id)
        # Before a key is made: it ends the one that is in use, and that may be another workspace's.
        phone, waba_id = channel.display_phone_number, channel.waba_id
        await self._rpc.get_onboarding(workspace, user, waba_id=waba_id, display_phone_number=phone)
        key = await self._key(channel_id)
        account = self._account(key)
        try:
            number = await account.get_number()
        except WhatsAppError as error:
            raise of_provider(error, "provider_unavailable") from None
        if number.phone_number_id is None:
            raise Problem("provider_unavailable")
        display = number.display_phone_number or phone
        connection_id = await self._rpc.record_onboarding(
            workspace,
            user,
            provider="360dialog",
            phone_number_id=number.phone_number_id,
            waba_id=number.waba_id or waba_id,
            display_phone_number=display,
            credential=key,
        )
        await self._listen(account, number.phone_number_id)
        return {"connection_id": connection_id, "display_phone_number": display}

    async def _channel(self, client: str, channel_id: str) -> Channel:
        try:
            channel = await self._hub.channel(channel_id)
        except WhatsAppError as error:
            raise of_provider(error, "partner_refused") from None
        if channel is None or channel.client_id != client:
            raise Problem("number_unavailable")
        return channel

    async def _key(self, channel_id: str) -> str:
        try:
            return await self._hub.new_key(channel_id)
        except Refused as refused:
            ours = refused.status == 401
            raise of_provider(refused, "partner_refused" if ours else "permission_missing") from None
        except WhatsAppError as error:
            raise of_provider(error, "permission_missing") from None

    async def _listen(self, account: AccountClient, phone_number_id: str) -> None:
        """Registers the number's webhook, and reads it back: with it, that the key is the newest."""
        url = f"{self._public_url}/webhooks/360dialog/{phone_number_id}"
        token = webhook_token(self._settings.webhook_secrets[0], phone_number_id)
        try:
            await account.set_webhook(url, {"Authorization": f"Bearer {token}"})
            target = await account.get_webhook()
        except WhatsAppError as error:
            raise of_provider(error, "step_refused") from None
        if target.url != url:
            raise Problem("provider_unavailable")

    def _account(self, key: str) -> AccountClient:
        chosen = provider(
            "360dialog",
            "",
            d360_base_url=self._settings.whatsapp_360_base_url,
            graph_base_url=self._settings.meta_graph_base_url,
        )
        return AccountClient(self._http, chosen, key)
