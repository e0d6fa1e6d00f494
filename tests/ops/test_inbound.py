"""`wabase inbound`: what is in the journal, and applying it once more."""

from __future__ import annotations

from tests.flows.programs import Program
from tests.flows.tenant import Tenant, digits
from tests.flows.waiting import until
from tests.ops.conftest import differences, wabase
from tests.webhook.posting import post, reports, text_from_customer


async def _three(webhook: Program, tenant: Tenant) -> list[int]:
    for words in ("one", "two", "three"):
        assert await post(webhook, tenant, text_from_customer(tenant, words)) == 200
    events = await tenant.until_events(*["processed"] * 3)
    return [event["id"] for event in events]


async def test_the_newest_events_are_listed_first_and_without_words(webhook: Program, tenant: Tenant) -> None:
    ids = await _three(webhook, tenant)
    answer = await wabase("inbound", "list", "--number", tenant.phone_number_id)
    lines = answer.said.splitlines()
    assert (answer.status, [int(line.split()[0]) for line in lines[1:]]) == (0, ids[::-1])
    assert "messages.text" in lines[1]
    assert "three" not in answer.said


async def test_a_list_can_be_narrowed_and_read_by_programs(webhook: Program, tenant: Tenant) -> None:
    ids = await _three(webhook, tenant)
    number = ("--number", tenant.phone_number_id, "--json")
    assert len((await wabase("inbound", "list", *number, "--limit", "2")).json) == 2
    assert (await wabase("inbound", "list", *number, "--state", "failed")).json == []
    assert (await wabase("inbound", "list", *number, "--kind", "statuses.read")).json == []
    found = (await wabase("inbound", "list", *number, "--kind", "messages.text", "--since", "2020-01-01")).json
    assert [row["id"] for row in found] == ids[::-1]
    assert (await wabase("inbound", "list", *number, "--until", "2020-01-01")).json == []
    newer = (await wabase("inbound", "list", *number, "--after-id", str(ids[0]))).json
    assert [row["id"] for row in newer] == [ids[2], ids[1]]
    assert (await wabase("inbound", "list", *number, "--kind", 'no "kind", {or} \\ two')).json == []


async def test_one_event_is_shown_and_its_words_only_on_demand(webhook: Program, tenant: Tenant) -> None:
    event_id = str((await _three(webhook, tenant))[0])
    without = await wabase("inbound", "show", event_id)
    assert (without.status, "processed" in without.said, '"one"' in without.said) == (0, True, False)
    assert '"one"' in (await wabase("inbound", "show", event_id, "--body")).said
    unknown = await wabase("inbound", "show", "999999999")
    assert (unknown.status, unknown.complained) == (1, "There is no event 999999999.\n")


async def test_what_failed_for_a_fault_that_is_mended_is_right_after_a_replay(webhook: Program, tenant: Tenant) -> None:
    (event_id, *_) = await _three(webhook, tenant)
    await tenant.rows("delete from messages where workspace_id = %(workspace)s")
    await tenant.rows("update webhook_events set state = 'failed', error = 'a bug' where id = %(id)s", id=event_id)
    selector = ("--number", tenant.phone_number_id, "--state", "failed")
    answer = await wabase("inbound", "replay", *selector, "--wait", "30")
    assert (answer.status, answer.said) == (0, "1 events sent back.\n1 processed\n")
    assert [row["content"] for row in await tenant.messages()] == [{"body": "one"}]


async def test_a_replay_by_id_and_by_range_adds_nothing_that_is_there(webhook: Program, tenant: Tenant) -> None:
    first, second, last = await _three(webhook, tenant)
    before = await tenant.messages()
    by_id = await wabase("inbound", "replay", str(first), str(second), "--wait", "30")
    assert by_id.said == "2 events sent back.\n2 processed\n"
    in_range = ("--from", str(first), "--to", str(last), "--number", tenant.phone_number_id)
    by_range = await wabase("inbound", "replay", *in_range, "--wait", "30", "--json")
    assert by_range.json == {"sent_back": 3, "states": {"processed": 3}}
    assert await tenant.messages() == before


async def test_a_replay_of_everything_has_to_be_meant() -> None:
    answer = await wabase("inbound", "replay")
    assert answer.status == 2
    assert "Say which" in answer.complained


async def test_what_an_older_release_stored_poorly_is_right_after_a_replay(webhook: Program, tenant: Tenant) -> None:
    """As a release before this one might have left it: a type that it did not know, everything under its own key."""
    picture = {"id": digits(), "mime_type": "image/jpeg", "sha256": "x", "caption": "see"}
    for body in (text_from_customer(tenant, "one"), text_from_customer(tenant, type="image", image=picture, text=None)):
        assert await post(webhook, tenant, body) == 200
    first, second = [row["id"] for row in await tenant.until_events("processed", "processed")]
    right = await tenant.messages()
    await tenant.rows("delete from media_downloads where workspace_id = %(workspace)s")
    await tenant.rows(
        "update messages set type = 'unsupported', content = '{\"type\": \"text\"}', reply_to_wamid = 'poor',"
        " media_id = null, media_mime_type = null, media_sha256 = null, media_status = null"
        " where workspace_id = %(workspace)s"
    )
    assert await differences(tenant) != []
    answer = await wabase("inbound", "replay", str(first), str(second), "--wait", "30")
    assert answer.status == 0
    kept = (
        "id",
        "seq",
        "type",
        "content",
        "reply_to_wamid",
        "media_id",
        "media_status",
        "original_content",
        "edited_at",
    )
    now = await tenant.messages()
    assert [[row[name] for name in kept] for row in now] == [[row[name] for name in kept] for row in right]
    assert await differences(tenant) == []
    assert len(await tenant.rows("select message_id from media_downloads where workspace_id = %(workspace)s")) == 1


async def test_a_report_that_an_older_release_read_poorly_is_right_after_a_replay(
    webhook: Program, tenant: Tenant
) -> None:
    """As a release before this one might have left it: the reason of a failure and its price not understood."""
    report = {
        "id": f"theirs.{digits()}",
        "status": "failed",
        "timestamp": "1794132000",
        "errors": [{"code": 131049, "title": "ecosystem", "message": "ecosystem"}],
        "pricing": {"billable": True, "category": "marketing"},
        "biz_opaque_callback_data": "whose",
    }
    assert await post(webhook, tenant, reports(tenant, report)) == 200
    (event,) = await tenant.until_events("processed")
    read_back = "select errors, error, details, callback_data, occurred_at from message_statuses"
    of_tenant = " where workspace_id = %(workspace)s"
    right = await tenant.rows(read_back + of_tenant)
    assert right[0]["errors"][0]["code"] == 131049
    assert right[0]["details"]["pricing"]["category"] == "marketing"
    poor = "update message_statuses set errors = null, error = null, details = '{}', callback_data = null"
    await tenant.rows(poor + of_tenant)
    answer = await wabase("inbound", "replay", str(event["id"]), "--wait", "30")
    assert answer.status == 0
    assert await tenant.rows(read_back + of_tenant) == right


async def test_a_replay_of_the_report_that_was_not_kept_changes_nothing(webhook: Program, tenant: Tenant) -> None:
    """Two of one second, the second of them without a price: which of them stays is not settled by what came last."""
    report = {"id": f"theirs.{digits()}", "status": "delivered", "timestamp": "1794132000"}
    priced = report | {"pricing": {"billable": True, "category": "utility"}}
    for each in (priced, report):
        assert await post(webhook, tenant, reports(tenant, each)) == 200
        await until(tenant.events, lambda rows: all(row["state"] == "processed" for row in rows))
    read_back = "select event_id, details from message_statuses where workspace_id = %(workspace)s"
    kept = await tenant.rows(read_back)
    losers = [str(row["id"]) for row in await tenant.events() if row["id"] != kept[0]["event_id"]]
    assert len(losers) == 1
    assert (await wabase("inbound", "replay", *losers, "--wait", "30")).status == 0
    assert await tenant.rows(read_back) == kept
    assert await differences(tenant) == []
