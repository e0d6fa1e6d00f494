"""What must hold of messages that went out under fire: WhatsApp's records against ours."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from tests.attack.barrage import Line
from tests.flows.tenant import Tenant

BURST, PAIR_SECONDS = 45, 6.0

Json = dict[str, Any]


async def outbound(tenant: Tenant) -> list[Json]:
    return [row for row in await tenant.messages() if row["direction"] == "outbound"]


async def unsettled(line: Line) -> list[str]:
    """What has not ended. Who never reached WhatsApp is given up: nobody will ever report on it."""
    accepted = [row["body"]["biz_opaque_callback_data"] for row in await line.shop.sent()]
    await line.shop.tenant.rows(
        "update outbox set uncertain_since = now() - interval '16 minutes' where message_id in ("
        " select message_id from outbox where uncertain_since < now() - interval '60 seconds'"
        " and workspace_id = %(workspace)s and message_id <> all (%(accepted)s::uuid[])"
        " order by message_id for update skip locked)",
        accepted=accepted,
    )
    rows = await line.shop.tenant.rows(
        "select status from messages where workspace_id = %(workspace)s and direction = 'outbound'"
        " and status not in ('read', 'failed')"
        " union all select 'in the outbox' from outbox where workspace_id = %(workspace)s"
    )
    return [row["status"] for row in rows]


async def each_was_accepted_once_and_says_so(line: Line) -> int:
    """Read if WhatsApp has it, failed if it never had. Gives how many have failed."""
    sent = await line.shop.sent()
    times = Counter(row["body"]["biz_opaque_callback_data"] for row in sent)
    assert set(times.values()) <= {1}, await story_of(line, max(times, key=lambda data: times[data]))
    wamids = {row["body"]["biz_opaque_callback_data"]: row["wamid"] for row in sent}
    messages = await outbound(line.shop.tenant)
    assert len(messages) == len(line.told), "queued twice, or never"
    for message in messages:
        told = (message["status"], message["wamid"], (message["error"] or {}).get("code"))
        wamid = wamids.pop(str(message["id"]), None)
        assert told == (("read", wamid, None) if wamid else ("failed", None, "outcome_unknown")), message
    assert not wamids, "sent, and nobody's"
    return sum(message["status"] == "failed" for message in messages)


async def story_of(line: Line, callback_data: str) -> str:
    """What WhatsApp was asked with this callback data, for whoever has to find out."""
    requests = await line.shop.business.seen("requests", operation="messages")
    asked = [row for row in requests if row["body"]["biz_opaque_callback_data"] == callback_data]
    told = [f"{row['at']:.3f}: HTTP {row['status']}, error {row['error']}, fault {row['fault']}" for row in asked]
    return f"{callback_data} was sent twice: {told}; {await line.shop.tenant.message(callback_data)}"


async def each_conversation_was_told_in_the_order_of_writing(line: Line) -> None:
    """Some may be missing, since they failed; none comes after one that was written later."""
    written = {str(row["id"]): (str(row["conversation_id"]), row["seq"]) for row in await outbound(line.shop.tenant)}
    heard = defaultdict(list)
    for row in await line.shop.sent():
        thread, seq = written[row["body"]["biz_opaque_callback_data"]]
        heard[thread].append(seq)
    assert {thread: sorted(numbers) for thread, numbers in heard.items()} == heard


async def no_rate_was_exceeded(line: Line) -> None:
    """WhatsApp itself has refused nothing for its rates, and a recount of what it took agrees."""
    requests = await line.shop.business.seen("requests", operation="messages")
    refused = [row for row in requests if row["error"] in (130429, 131056) and row["fault"] is None]
    assert not refused, f"{len(refused)} of {len(requests)} too fast, the first: {refused[0]}"
    sent = await line.shop.sent()
    moments = [row["accepted_at"] for row in sent]
    # Two clocks: WhatsApp's own count goes by another than the one it writes down.
    assert all(later - earlier > 0.99 for earlier, later in zip(moments, moments[line.rate :], strict=False))
    paid: defaultdict[str, float] = defaultdict(float)
    for row in sent:
        paid[row["recipient"]] = max(paid[row["recipient"]], row["accepted_at"]) + PAIR_SECONDS
        assert paid[row["recipient"]] - row["accepted_at"] <= BURST * PAIR_SECONDS + 0.1


async def faults_of(line: Line) -> Counter[str]:
    """What befell calls that send."""
    requests = await line.shop.business.seen("requests", operation="messages")
    return Counter(f"{row['fault']} {row['error'] or ''}".strip() for row in requests if row["fault"])
