"""What goes on while somebody upgrades: webhooks of every kind come in, messages go out, pictures come."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from tests.attack import judgement, verdict
from tests.attack.barrage import Line
from tests.attack.deliver import Delivery
from tests.attack.traffic import Traffic
from tests.conftest import Connect
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import Program
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant, phones
from tests.flows.waiting import until
from tests.whatsapp.files import jpeg

PER_SECOND = 60
CUSTOMERS = 30
MESSAGES, RATE = 120, 20
PICTURE_SECONDS = 0.5
MEDIA = (
    "select wamid, media_status from messages where workspace_id = %(workspace)s and direction = 'inbound'"
    " and media_id is not null"
)


@dataclass
class Load:
    """Traffic for one tenant, and a shop that sends and is sent pictures. All of it ends right, or `judge` says why."""

    traffic: Traffic
    shop: Shop
    url: str
    dice: random.Random
    acknowledged: Counter[str] = field(default_factory=Counter)
    setbacks: Counter[str] = field(default_factory=Counter)
    lines: list[Line] = field(default_factory=list)
    pictures: set[str] = field(default_factory=set)

    @classmethod
    async def new(cls, database: Connect, simulator: Simulator, webhook: Program, dice: random.Random) -> Load:
        tenant = await Tenant.new(database)
        shop = await Shop.new(database, simulator, webhook)
        # A delivery that meets nobody is repeated soon: a test has no minutes for it.
        await shop.business.behave(retry_cap_ms=500)
        return cls(Traffic(tenant, dice, await _known(tenant)), shop, webhook.url, dice)

    async def run(self, over: asyncio.Event) -> None:
        """Until it is over and everything that was begun is taken."""
        delivery = Delivery(self.traffic.tenant, [self.url], self.dice, PER_SECOND)
        async with asyncio.TaskGroup() as group:
            group.create_task(delivery.run(self.traffic.bodies(), over))
            group.create_task(self._pictures(over))
        self.acknowledged += delivery.acknowledged
        self.setbacks += delivery.setbacks

    async def campaign(self) -> None:
        """Some more messages to many people, several of them to one."""
        line = await Line.new(self.shop, RATE, MESSAGES, self.dice)
        self.lines.append(line)
        await line.queue(self.dice)

    async def _pictures(self, over: asyncio.Event) -> None:
        while not over.is_set():
            raw = jpeg(640, 480) + self.dice.randbytes(20_000)
            media = await self.shop.business.media_from_user(raw)
            self.pictures.add(await self.shop.business.receive({"type": "image", "image": {"id": media["id"]}}))
            await asyncio.sleep(PICTURE_SECONDS)

    async def left(self) -> Counter[str]:
        """What has not ended, by what it waits for."""
        found: Counter[str] = Counter({"journal": await judgement.unfinished(self.traffic.tenant)})
        found["journal"] += await judgement.unfinished(self.shop.tenant)
        found["outbound"] = len(await verdict.unsettled(self._whole()))
        stored = {row["wamid"] for row in await self.shop.tenant.rows(MEDIA) if row["media_status"] == "stored"}
        found["pictures"] = len(self.pictures - stored)
        return +found

    async def judge(self, within: float) -> None:
        """Everything ends within so many seconds, once and right."""
        await until(self.left, lambda left: not left, within=within)
        tenant = self.traffic.tenant
        assert not self.acknowledged - await judgement.journal_of(tenant), "acknowledged, and not in the journal"
        await judgement.every_body_is_processed(tenant)
        await judgement.everything_is_in_the_rows_once(tenant, self.traffic)
        await judgement.each_customer_has_one_thread_and_one_contact(tenant, self.traffic)
        await judgement.our_messages_are_where_their_reports_put_them(tenant, self.traffic)
        await judgement.statistics_equal_the_messages(tenant)
        await judgement.statistics_equal_the_messages(self.shop.tenant)
        whole = self._whole()
        assert await verdict.each_was_accepted_once_and_says_so(whole) == 0, "some never reached WhatsApp"
        await verdict.each_conversation_was_told_in_the_order_of_writing(whole)
        await verdict.no_rate_was_exceeded(whole)
        assert sorted(row["wamid"] for row in await self.shop.tenant.rows(MEDIA)) == sorted(self.pictures)

    def _whole(self) -> Line:
        """All campaigns of the shop as one."""
        return Line(self.shop, RATE, [told for line in self.lines for told in line.told])


async def _known(tenant: Tenant) -> list[tuple[str, str]]:
    """One sent message to each customer, for statuses to speak of."""
    sent = []
    for phone in phones(CUSTOMERS):
        wamid = f"wamid.{tenant.phone_number_id}.known.{phone}"
        await tenant.rows(
            "insert into messages (workspace_id, conversation_id, type, content, wamid, status)"
            " values (%(workspace)s, %(conversation)s, 'text', '{\"body\": \"hello\"}', %(wamid)s, 'sent')",
            conversation=await tenant.conversation(phone),
            wamid=wamid,
        )
        sent.append((phone, wamid))
    return sent
