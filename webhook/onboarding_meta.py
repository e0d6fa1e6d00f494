"""Meta's Embedded Signup: the code of the browser's window becomes a connection."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, Field

from store.errors import StoreError
from store.rpc import Rpc
from webhook.onboarding_errors import Problem, of_provider, of_store
from webhook.settings import Settings
from whatsapp.account import AccountClient
from whatsapp.errors import ErrorClass, Refused, WhatsAppError
from whatsapp.provider import provider
from whatsapp.signup import MetaSignup

Id = Annotated[str, Field(pattern=r"^[0-9]{1,32}$")]
# Meta's «invalid parameter»: of a code, that it is none any more.
INVALID = 100


class MetaBody(BaseModel):
    """What the frontend has from Meta's window: the code of FB.login, the ids of its session info message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workspace_id: UUID
    code: str = Field(min_length=1, max_length=4000)
    phone_number_id: Id
    waba_id: Id
    pin: str | None = Field(default=None, pattern=r"^[0-9]{6}$")
    """Registers the number, with this pin for its two-step verification. None: it is registered already."""


class MetaOnboarding:
    """Connects numbers of Meta's. Every step may be done twice; the connection is the last of them."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, rpc: Rpc) -> None:
        secret = settings.meta_app_secret.get_secret_value() if settings.meta_app_secret else ""
        self._settings = settings
        self._http = http
        self._rpc = rpc
        self._signup = MetaSignup(http, settings.meta_graph_base_url, settings.meta_app_id or "", secret)

    async def connect(self, user_id: UUID, body: MetaBody) -> dict[str, str]:
        """`{connection_id, display_phone_number}`. Raises Problem.

        Whether the user may is asked before the code is spent, and once more when the connection is written.
        """
        workspace, user = str(body.workspace_id), str(user_id)
        try:
            await self._rpc.get_onboarding(workspace, user)
            token = await self._exchange(body.code)
            display = await self._display_number(token, body)
            number, account = body.phone_number_id, body.waba_id
            await self._rpc.get_onboarding(workspace, user, number, account, display or None)
            await self._put_into_service(token, body)
            connection_id = await self._rpc.record_onboarding(
                workspace,
                user,
                provider="meta",
                phone_number_id=number,
                waba_id=account,
                display_phone_number=display or None,
                credential=token,
            )
        except StoreError as error:
            raise of_store(error) from None
        return {"connection_id": connection_id, "display_phone_number": display}

    async def _exchange(self, code: str) -> str:
        try:
            return await self._signup.exchange(code)
        except Refused as refused:
            if refused.code == INVALID:
                raise Problem("code_refused") from None
            # Of a wrong secret Meta says 1 with HTTP 400, which elsewhere means «try again».
            later = refused.status >= 500 or refused.error_class is ErrorClass.THROTTLE
            raise Problem("provider_unavailable" if later else "partner_refused") from None
        except WhatsAppError as error:
            raise of_provider(error, "partner_refused") from None

    async def _display_number(self, token: str, body: MetaBody) -> str:
        try:
            display = await self._signup.display_number(token, body.waba_id, body.phone_number_id)
        except WhatsAppError as error:
            raise of_provider(error, "number_unavailable") from None
        if display is None:
            raise Problem("number_unavailable")
        return display

    async def _put_into_service(self, token: str, body: MetaBody) -> None:
        chosen = provider(
            "meta",
            body.phone_number_id,
            d360_base_url=self._settings.whatsapp_360_base_url,
            graph_base_url=self._settings.meta_graph_base_url,
        )
        account = AccountClient(self._http, chosen, token, waba_id=body.waba_id)
        try:
            await account.subscribe_app()
            if body.pin is not None:
                await account.register_number(body.pin)
        except WhatsAppError as error:
            raise of_provider(error, "step_refused") from None
