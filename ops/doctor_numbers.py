"""`wabase doctor` on each number: its key, its health at the provider, its webhook, its queues."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from ops import addresses, remedies
from ops.doctor_project import since
from ops.explained import in_words
from ops.findings import BOUND, Finding, State, ago, bounded, complained
from ops.project import Project
from ops.provider import account_over
from ops.registration import account_webhook
from store.settings import SettingsError
from whatsapp.account import AccountClient, NumberHealth, WebhookTarget
from whatsapp.answers import no_cookies
from whatsapp.errors import WhatsAppError

Row = dict[str, Any]

# Numbers that are looked at side by side, and how many of the newest webhooks are asked which numbers they were for.
AT_ONCE = 8
NEWEST = 1000
# A number that has been connected for so long and of which nothing has ever come is worth a look.
SILENT_SECONDS = 86400.0
# What WhatsApp tells its messaging limit by (Meta, webhook reference).
LIMITING, LIMIT = ("business_capability_update", "phone_number_quality_update"), "max_daily_conversations_per_business"
# Under this many seconds no provider is called late; within the bound of a check.
PROVIDER_SECONDS = 4.0
ROTATE = "Go on with `wabase rotate-webhook-secret`."


async def numbers(project: Project, bound: float = BOUND) -> list[Finding]:
    """Every number that is not disconnected, `bound` seconds for each look at one. Raises StoreError."""
    connections = await project.events.numbers()
    if not connections:
        said = "No number is connected."
        return [Finding("warn", "numbers", said, "Connect one: `wabase connect 360dialog` or `wabase connect meta`.")]
    seen = {row["phone_number_id"]: row["received_at"] for row in reversed(await project.events.newest({}, NEWEST))}
    turns = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=PROVIDER_SECONDS, cookies=no_cookies(), follow_redirects=False) as http:

        async def look(connection: Row) -> list[Finding]:
            number = Number(project, http, connection, seen.get(connection["phone_number_id"]))
            async with turns:
                return await number.findings(bound)

        found = await asyncio.gather(*map(look, connections))
    return [finding for findings in found for finding in findings]


class Number:
    """One number, with when a webhook was last seen at its own URL, as far as that is known."""

    def __init__(self, project: Project, http: httpx.AsyncClient, connection: Row, last_webhook: str | None) -> None:
        self._project = project
        self._http = http
        self._connection = connection
        self._last_webhook = last_webhook
        self._id: str = connection["phone_number_id"]
        self._name = f"number {self._id}"

    async def findings(self, bound: float) -> list[Finding]:
        """One line when all is well, else one for each thing that is not. Raises nothing."""
        checks = (self._account, self._arrivals, self._outbox, self._files)
        parts = await asyncio.gather(*(bounded(self._name, check, self._project.settings, bound) for check in checks))
        found = [*self._status(), *(finding for part in parts for finding in part)]
        wrong = [finding for finding in found if finding.state != "ok"]
        return wrong or [Finding("ok", self._name, " ".join(finding.finding for finding in found))]

    def _status(self) -> list[Finding]:
        connection = self._connection
        if connection["verified_at"] is None:
            said = "Only a member says that it is theirs: until a provider does, what it receives is set aside."
            remedy = f"A running worker asks, once they have set its key. Or `wabase connect {connection['provider']}`."
            return [Finding("warn", self._name, said, remedy)]
        if connection["status"] != "paused":
            return []
        error = connection["last_error"] or {}
        when = ago(since(connection["status_since"]))
        said = f"It is paused for {when} ({connection['status_reason'] or 'no reason given'})."
        of_reason = {
            "credential": f"`wabase rotate-key {self._id}`; it goes on by itself.",
            "migration": "Run the same `wabase migrate` again: it goes on from where it was stopped.",
        }
        resume = f"`wabase outbound resume {self._id}` once the reason is gone."
        remedy = error.get("remedy") or of_reason.get(connection["status_reason"], resume)
        return [Finding("warn", self._name, " ".join(filter(None, (said, error.get("title")))), remedy)]

    async def _account(self) -> list[Finding]:
        credential = await self._project.rpc.get_connection_credential(self._connection["id"])
        if credential is None:
            said = "It has no key: nothing is sent and no file is fetched."
            return [Finding("fail", self._name, said, f"Give it one: `wabase rotate-key {self._id}`.")]
        account = account_over(self._http, self._project.settings, self._connection, credential)
        try:
            health = await account.get_number()
            return [*self._health(health), *await self._webhook(account)]
        except WhatsAppError as error:
            return [complained(self._name, remedies.of_provider(error, self._connection))]

    def _health(self, health: NumberHealth) -> list[Finding]:
        if health.phone_number_id is None and health.can_send_message is None:
            said = "The provider answers, but not with a number's health."
            return [Finding("fail", self._name, said, "See that the provider's address in the settings is right.")]
        if health.phone_number_id not in (None, self._id):
            said = f"Its key is that of another number, {health.phone_number_id}."
            return [Finding("fail", self._name, said, f"Give it its own: `wabase rotate-key {self._id}`.")]
        console = "Look at the number in WhatsApp Manager."
        found: list[Finding] = []
        if health.can_send_message not in (None, "AVAILABLE"):
            blocked = health.can_send_message == "BLOCKED"
            said = f"It may send: {health.can_send_message}."
            found.append(Finding("fail" if blocked else "warn", self._name, said, console))
        found += [Finding("warn", self._name, problem, console) for problem in health.problems]
        if health.quality_rating in ("RED", "YELLOW"):
            said = f"Its quality is {health.quality_rating}: people block or report it, and Meta may limit it."
            found.append(Finding("warn", self._name, said, "Send less marketing, and only to those who asked for it."))
        quality = f", quality {health.quality_rating}" if health.quality_rating else ""
        limit = _limit(self._connection["provider_notices"])
        limited = f", at most {limit} people a day whom it writes to first" if limit else ""
        return found or [Finding("ok", self._name, f"Key and health are good{quality}{limited}.")]

    async def _webhook(self, account: AccountClient) -> list[Finding]:
        if self._connection["provider"] == "360dialog":
            own = await account.get_webhook()
            # A number without one of its own gets its account's.
            return self._registered(own if own.url else await account_webhook(account, self._connection))
        if self._project.settings.meta_app_secret is None:
            said = "META_APP_SECRET is not set: without it the receiver takes none of Meta's webhooks."
            return [Finding("warn", self._name, said, "Set it here and for the receiver; the app's dashboard has it.")]
        if not self._connection["waba_id"]:
            said = "Its WABA id is not known, so whether its webhooks come cannot be asked."
            return [Finding("warn", self._name, said, "Connect it once more with it: `wabase connect meta`.")]
        if await account.is_subscribed():
            return [Finding("ok", self._name, "Its account's webhooks go to the app.")]
        said = "No app gets its account's webhooks."
        return [Finding("fail", self._name, said, "Subscribe the app: `wabase connect meta` once more.")]

    def _registered(self, target: WebhookTarget) -> list[Finding]:
        settings, waba_id = self._project.settings, self._connection["waba_id"]
        places = {addresses.path_of_number(self._id): self._id}
        places |= {addresses.path_of_account(waba_id): waba_id} if waba_id else {}
        # Whose token it is its path says. Where the receiver's address is not told, any that ends so is taken for it.
        path = next((path for path in places if (target.url or "").endswith(path)), addresses.path_of_number(self._id))
        public = settings.webhook_public_url or (target.url or "").removesuffix(path)
        try:
            found = addresses.state(settings, target, public + path, places[path])
        except SettingsError:
            said = "WHATSAPP_WEBHOOK_SECRET is not set: whether its webhook's token is right cannot be told."
            return [Finding("warn", self._name, said, "Set it as the receiver has it.")]
        again = f"Register it: `wabase rotate-key {self._id}` with the key it has."
        told: dict[str, tuple[State, str, str | None]] = {
            addresses.CURRENT: ("ok", "Its webhook is registered.", None),
            addresses.PREVIOUS: ("warn", "Its webhook has the token of the previous secret.", ROTATE),
            addresses.UNKNOWN: (
                "fail",
                "Its webhook is registered without the right token: the receiver answers 401.",
                again,
            ),
            addresses.ELSEWHERE: ("fail", f"Its webhook goes elsewhere: {self._place(target.url or '')}", again),
            addresses.NONE: ("fail", "No webhook is registered for it: nothing that customers write arrives.", again),
        }
        state, said, remedy = told[found]
        return [Finding(state, self._name, said, remedy)]

    def _place(self, url: str) -> str:
        """An address without what may be a secret in it: of a foreign one that is its path as well."""
        address = urlsplit(url)
        ours = urlsplit(self._project.settings.webhook_public_url or "").netloc == address.netloc
        return f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path if ours else ''}"

    async def _arrivals(self) -> list[Finding]:
        if self._last_webhook:
            return [Finding("ok", self._name, f"Last webhook {ago(since(self._last_webhook))} ago.")]
        if await self._project.events.has_conversations(self._connection["workspace_id"], self._connection["id"]):
            return [Finding("ok", self._name, f"None of the newest {NEWEST} webhooks was posted to its own address.")]
        if since(self._connection["created_at"]) < SILENT_SECONDS:
            return [Finding("ok", self._name, "Nothing has come yet.")]
        said = f"Nothing has ever come of it, connected {ago(since(self._connection['created_at']))} ago."
        return [Finding("warn", self._name, said, "Write to it from a phone; see that its webhook is registered.")]

    async def _outbox(self) -> list[Finding]:
        head = await self._project.outbox.oldest_head(self._connection["id"])
        age = since(head["ready_at"]) if head else 0.0
        if (
            head is None
            or age < self._project.settings.doctor_backlog_seconds
            or self._connection["status"] == "paused"
        ):
            return [
                Finding("ok", self._name, "Nothing waits to be sent." if head is None else "What is sent goes out.")
            ]
        why = await self._project.outbox.explain_outbound(head["message_id"])
        if why is None or why["reason"] == "ended":
            return []
        said = f"A message has waited for {ago(age)}. {in_words(why)}"
        if why["reason"] != "ready":
            return [Finding("warn", self._name, said, f"`wabase outbound list --number {self._id}` shows the queue.")]
        return [Finding("fail", self._name, said, "See that a worker runs: `python -m worker`.")]

    async def _files(self) -> list[Finding]:
        due = await self._project.media.longest_due(self._connection["id"])
        age = since(due) if due else 0.0
        if age < self._project.settings.doctor_backlog_seconds:
            return []
        said = f"A file has been due for {ago(age)}."
        remedy = f"See that a worker runs; `wabase media list --number {self._id}` says what waits."
        return [Finding("warn", self._name, said, remedy)]


def _limit(notices: Row) -> str | None:
    """The messaging limit by WhatsApp's newest word, as it says it: 2000 or TIER_2K. None before the first."""
    told = [notices[name] for name in LIMITING if name in notices]
    told = [one for one in told if one["value"].get(LIMIT) is not None]
    return str(max(told, key=lambda one: datetime.fromisoformat(one["at"]))["value"][LIMIT]) if told else None
