"""`wabase numbers`, `pause`, `resume`, `rate` and `disconnect`: which numbers there are, and how they go and stop."""

from __future__ import annotations

import click

from ops import addresses, remedies, shown
from ops.asked import sure
from ops.project import NO_PROVIDER, Project, as_json
from ops.provider import Stop, account, say, steps
from ops.settings import Settings
from store.numbers import Numbers, Row
from whatsapp.errors import WhatsAppError

LISTED = (
    "number",
    "workspace",
    "provider",
    "status",
    "since",
    "reason",
    "quality",
    "per_second",
    "last_webhook",
    "former_ids",
)


async def connected(numbers: Numbers, number: str) -> Row:
    """A number's connection. Raises Stop: there is none, or it is disconnected."""
    found = await numbers.find(number)
    if found is None or found["status"] == "disconnected":
        raise Stop(f"There is no number {number}, or it is disconnected.", "`wabase numbers` lists them.")
    return found


@click.command(help="All numbers: workspace, provider, state, quality, and when a webhook last came.")
@as_json
def numbers(as_json: bool) -> None:
    async def command(project: Project, _settings: Settings) -> int:
        found = await project.numbers.all()
        seen = await project.numbers.last_webhooks({row["phone_number_id"] for row in found})
        rows = [_listed(row, seen) for row in found]
        if as_json:
            shown.as_json(rows)
        else:
            shown.table(LISTED, [[row[name] for name in LISTED] for row in rows])
        return 0

    steps(command)


def _listed(row: Row, seen: dict[str, str]) -> Row:
    last = seen.get(row["phone_number_id"])
    return {
        "number": row["phone_number_id"],
        "workspace": row["workspace"],
        "provider": row["provider"],
        "status": row["status"],
        "since": row["status_since"][:19],
        "reason": row["status_reason"],
        "quality": row["quality_rating"],
        "per_second": row["messages_per_second"],
        "last_webhook": last[:19] if last else None,
        "former_ids": row["former_ids"],
        "workspace_id": row["workspace_id"],
        "connection_id": row["id"],
        "waba_id": row["waba_id"],
    }


def short(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A text that the database takes: up to 200 characters, and not only blanks."""
    if value is not None and not 0 < len(value.strip()) <= 200:
        raise click.BadParameter("1 to 200 characters are taken.", param=param)
    return value


@click.command(help="Nothing more is sent from a number: its queue waits, and nothing fails.")
@click.argument("number")
@click.option("--reason", default="operator", show_default=True, callback=short, help="Shown to its workspace.")
@as_json
def pause(number: str, reason: str, as_json: bool) -> None:
    _switch(number, reason, as_json)


@click.command(help="A paused number goes on where it was.")
@click.argument("number")
@as_json
def resume(number: str, as_json: bool) -> None:
    _switch(number, None, as_json)


def _switch(number: str, reason: str | None, in_json: bool) -> None:
    async def command(project: Project, _settings: Settings) -> int:
        found = await connected(project.numbers, number)
        if reason is None:
            await project.outbox.resume_connection(found["id"])
        else:
            await project.outbox.pause_connection(found["id"], reason)
        now = found["phone_number_id"]
        becomes = "active" if reason is None else "paused"
        if in_json:
            shown.as_json({"number": now, "status": becomes, "status_reason": reason})
        else:
            click.echo(f"{now} is {becomes}.")
        return 0

    steps(command)


@click.command(help="How many messages a second a number sends: WhatsApp grants 80, 20 beside its app, up to 1,000.")
@click.argument("number")
@click.argument("messages_per_second", type=click.IntRange(1, 1000))
@as_json
def rate(number: str, messages_per_second: int, as_json: bool) -> None:
    async def command(project: Project, _settings: Settings) -> int:
        found = await connected(project.numbers, number)
        await project.numbers.change(found["id"], {"messages_per_second": messages_per_second})
        now, before = found["phone_number_id"], found["messages_per_second"]
        if as_json:
            shown.as_json({"number": now, "messages_per_second": messages_per_second, "before": before})
        else:
            click.echo(f"{now} sends up to {messages_per_second} messages a second; before, {before}.")
        return 0

    steps(command)


@click.command(help="Lets a number go: nothing is sent any more, its key is forgotten, its conversations stay.")
@click.argument("number")
@click.option("--webhook-url", help="360dialog: where its webhooks go from now on, as it takes no empty address.")
@click.option("--free-id", is_flag=True, help="Any workspace may connect the number from then on.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def disconnect(number: str, webhook_url: str | None, free_id: bool, yes: bool, as_json: bool) -> None:
    async def command(project: Project, settings: Settings) -> int:
        if webhook_url:
            addresses.need_reachable(settings, "--webhook-url", webhook_url)
        found = await project.numbers.find(number)
        if found is None or found["phone_number_id"] != number:
            raise Stop(f"There is no number {number}.", "`wabase numbers` lists them.")
        if webhook_url and found["provider"] != "360dialog":
            raise click.UsageError("--webhook-url is for numbers of 360dialog; Meta's subscription ends by itself.")
        if not yes:
            sure(f"Disconnect {number} of {found['workspace']}? What it has queued is not sent.")
        problem = await _let_go(project, settings, found, webhook_url)
        if problem:
            click.echo(problem, err=True)
            if webhook_url:
                # Its key is the only way to turn its webhooks away.
                return NO_PROVIDER
        await (project.rpc.release_number if free_id else project.rpc.release_connection)(found["id"])
        answer: Row = {"number": number, "status": "disconnected", "webhook": webhook_url, "problem": problem}
        answer["id_is_free"] = free_id
        shown.as_json(answer) if as_json else click.echo(f"{number} is disconnected.")
        return NO_PROVIDER if problem else 0

    steps(command)


async def _let_go(project: Project, settings: Settings, connection: Row, webhook_url: str | None) -> str | None:
    """The provider posts its webhooks elsewhere, as far as it can be told; what stood against it."""
    if connection["provider"] == "360dialog" and webhook_url is None:
        say("360dialog goes on posting its webhooks here, which are recorded: a webhook can be replaced, not removed.")
        say("Connecting the number elsewhere replaces it, and so does --webhook-url.")
        return None
    key = await project.rpc.get_connection_credential(connection["id"])
    if key is None:
        if webhook_url:
            raise Stop(
                "It has no key here, so its webhooks cannot be sent elsewhere. Nothing was changed.",
                "Connect it with its key and run this again, or leave --webhook-url out.",
            )
        if connection["status"] != "disconnected":
            say("It has no key here, so Meta is not told: if the app is subscribed to its account, it stays so.")
        return None
    try:
        async with account(settings, connection, key) as client:
            if connection["provider"] == "360dialog":
                await client.set_webhook(str(webhook_url), {})
                now = (await client.get_webhook()).url
                if now != webhook_url:
                    return f"360dialog took {webhook_url} and then shows {addresses.host(now)}. Run it again."
            elif connection["waba_id"] and not await _shares_account(project.numbers, connection):
                await client.unsubscribe_app()
    except WhatsAppError as error:
        complaint = remedies.of_provider(error, connection)
        return f"{complaint.said} {complaint.remedy}"
    return None


async def _shares_account(numbers: Numbers, connection: Row) -> bool:
    """Whether another number here gets its webhooks by the same subscription."""
    of_it = {"waba_id": f"eq.{connection['waba_id']}", "provider": "eq.meta", "status": "neq.disconnected"}
    return any(other["id"] != connection["id"] for other in await numbers.all(**of_it))
