"""What tests of connecting share: the receiver's public address, and what a provider, a table and Vault have."""

from __future__ import annotations

import asyncio
from typing import Any

from click.testing import CliRunner

from ops.__main__ import main
from tests.conftest import Connect
from tests.devstack.provider.simulator import Business
from tests.flows.tenant import Tenant, token_of
from tests.ops.conftest import Answer

PUBLIC = "https://hooks.example.com"
HERE = {"WEBHOOK_PUBLIC_URL": PUBLIC}
# Nobody listens there.
NOWHERE = "http://127.0.0.1:9"


async def here(*arguments: str, typed: str = "", **environment: str) -> Answer:
    """Runs `wabase` in this process, which spares a second of start: the same command, in a thread of its own."""
    runner = CliRunner(env=environment)
    result = await asyncio.to_thread(runner.invoke, main, list(arguments), input=typed, prog_name="wabase")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


async def row_of(database: Connect, number: str) -> dict[str, Any] | None:
    """The connection that has this id, with its credential."""
    async with database() as connection:
        cursor = await connection.execute(
            "select connection.*, private.connection_credential(id) as credential"
            " from whatsapp_connections as connection where phone_number_id = %s",
            (number,),
        )
        return await cursor.fetchone()


async def webhook_of(business: Business) -> tuple[str | None, str | None]:
    """What 360dialog has registered: address and header."""
    answer = (await business.call("GET", "/v1/configs/webhook")).body
    return answer["url"], answer["headers"].get("Authorization")


def ours(number: str, secret: str | None = None) -> tuple[str, str]:
    """What it has to have registered."""
    return f"{PUBLIC}/webhooks/360dialog/{number}", f"Bearer {token_of(number, secret)}"


def tenant_of(database: Connect, row: dict[str, Any]) -> Tenant:
    return Tenant(database, str(row["workspace_id"]), str(row["id"]), row["phone_number_id"], row["waba_id"])
