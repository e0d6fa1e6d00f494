"""`wabase doctor` on a project of its own that is broken in every way, and mended as the doctor says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from devstack.installation import installed
from ops.installation import expected
from tests.flows.waiting import until
from tests.ops.doctor.own_project import OwnProject, own_project
from tests.ops.every_command import COMMANDS, line_of
from tests.ops.hooks import HERE, here

LAST = "(select max(version) from supabase_migrations.schema_migrations)"


async def test_a_fresh_project_is_as_this_release_expects_it(project: OwnProject) -> None:
    made = installed(project.environment["SUPABASE_DB_URL"])
    assert made == expected(), "run `make snapshot` and review what changed"
    assert [(one.state, one.name) for one in await project.wrong()] == [("warn", "numbers")]


async def test_the_screen_and_its_json(project: OwnProject) -> None:
    # On a busy machine a service may take longer than the doctor waits.
    screen = await until(lambda: project.wabase("doctor"), lambda screen: screen.status == 0, within=60)
    assert screen.complained == ""
    names = [line.split()[1] for line in screen.said.splitlines() if line.split()[0] in ("ok", "warn", "fail")]
    assert names == [
        *("settings", "rest", "storage", "realtime", "doorbell", "schema", "migrations"),
        *("clock", "vault", "journal", "numbers"),
    ]
    answer = await until(lambda: project.wabase("doctor", "--json"), lambda answer: answer.status == 0, within=60)
    as_json = answer.json
    assert (as_json["state"], [one["name"] for one in as_json["findings"]]) == ("warn", names)
    assert project.environment["SUPABASE_SERVICE_ROLE_KEY"] not in screen.said + json.dumps(as_json)


# What is done, which line tells of it, and whether the remedy is a statement that mends it.
BREAKAGES = {
    "grant": (
        "revoke select on public.messages from authenticated",
        "The grant to authenticated on public.messages is missing.",
    ),
    "grant of columns": (
        "revoke update (name) on public.workspaces from authenticated",
        "The grant to authenticated on columns of public.workspaces is update(broadcasts)",
    ),
    "grant of a function": (
        "revoke execute on function public.claim_inbound(integer, integer) from service_role",
        "The grant to service_role on function public.claim_inbound(integer,integer) is missing.",
    ),
    "grant too many": (
        "grant select on public.contacts to anon",
        "The grant to anon on public.contacts is none of this release's",
    ),
    "publication": (
        "alter publication supabase_realtime drop table public.messages",
        "The publication supabase_realtime does not have public.messages",
    ),
    "policy too many": (
        'create policy "everybody" on public.contacts for select to authenticated using (true)',
        'The policy "everybody" on public.contacts is none of this release\'s',
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
async def test_what_has_drifted_is_named_and_its_remedy_mends_it(project: OwnProject, breakage: str) -> None:
    broken, said = BREAKAGES[breakage]
    await project.sql(broken)
    (found,) = [finding for finding in await project.wrong() if finding.name == "drift"]
    assert found.finding.startswith(said), found
    assert found.remedy is not None
    (statement,) = re.findall("`(.+)`", found.remedy)
    await project.sql(statement)
    assert installed(project.environment["SUPABASE_DB_URL"]) == expected()


# What is done, how it is undone, and the state and words of the line that tells of it.
CHANGES = {
    "policy": (
        'alter policy "members read messages" on public.messages using (true)',
        'alter policy "members read messages" on public.messages using {}',
        "fail",
        'The policy "members read messages" on public.messages has another text than in this release.',
    ),
    "row level security": (
        "alter table public.contacts disable row level security",
        "alter table public.contacts enable row level security",
        "fail",
        "The table public.contacts is no row level security, not row level security.",
    ),
    "function": (
        "alter function public.claim_inbound(integer, integer) security definer",
        "alter function public.claim_inbound(integer, integer) security invoker",
        "fail",
        "The function public.claim_inbound(integer,integer) is security definer, ",
    ),
    "trigger": (
        "alter table public.messages disable trigger add_to_stats",
        "alter table public.messages enable trigger add_to_stats",
        "fail",
        "The trigger add_to_stats on public.messages is disabled, not enabled.",
    ),
    "index": (
        "alter index public.outbox_line rename to outbox_lines",
        "alter index public.outbox_lines rename to outbox_line",
        "warn",
        "The index outbox_line on public.outbox is missing.",
    ),
    "column": (
        "alter table public.contacts rename column bsuid to user_id",
        "alter table public.contacts rename column user_id to bsuid",
        "fail",
        "The column public.contacts.bsuid is missing.",
    ),
    "migration": (
        f"delete from supabase_migrations.schema_migrations where version = {LAST}",
        f"insert into supabase_migrations.schema_migrations (version) values ('{expected()['migrations'][-1]}')",
        "fail",
        f"1 migrations of this release are missing, the first is {expected()['migrations'][-1]}.",
    ),
    "history": (
        "alter schema supabase_migrations rename to elsewhere",
        "alter schema elsewhere rename to supabase_migrations",
        "warn",
        "No migrations are recorded",
    ),
    "failed": (
        "insert into webhook_events (provider, body, state) values ('meta', '{{}}', 'failed')",
        "delete from webhook_events",
        "warn",
        "1 webhooks could not be applied.",
    ),
    "unrouted": (
        "insert into webhook_events (provider, body, state) values ('meta', '{{}}', 'unrouted')",
        "delete from webhook_events",
        "warn",
        "1 webhooks are of numbers that nobody has connected.",
    ),
    "backlog": (
        "insert into webhook_events (provider, body, received_at) values ('meta', '{{}}', now() - interval '1 hour')",
        "delete from webhook_events",
        "fail",
        "1 webhooks wait to be applied, the oldest for 60 minutes.",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_not_as_it_is_meant_is_named(project: OwnProject, change: str) -> None:
    broken, mended, state, said = CHANGES[change]
    ((text,),) = await project.sql("select qual from pg_policies where policyname = 'members read messages'")
    await project.sql(broken.replace("{{}}", "{}"))
    try:
        told = [one for one in await project.wrong() if one.finding.startswith(said)]
    finally:
        await project.sql(mended.replace("{}", f"({text})"))
    assert [one.state for one in told] == [state]
    assert told[0].remedy


def _release(schema: str, least: str) -> str:
    return (
        "create or replace function private.schema_release() returns jsonb language sql immutable set search_path = ''"
        f"""as $$
  -- A migration that the release before cannot live with replaces this function and raises least_code.
  select '{{"schema": "{schema}", "least_code": "{least}"}}'::jsonb
$$"""
    )


async def test_code_older_than_its_schema_is_well_only_where_the_schema_says_so(project: OwnProject) -> None:
    try:
        await project.sql(_release("0.2.0", "0.1.0"))
        (newer,) = [one for one in await project.wrong() if one.name == "schema"]
        await project.sql(_release("0.12.0", "0.2.0"))
        (incompatible,) = [one for one in await project.wrong() if one.name == "schema"]
    finally:
        await project.sql(_release("0.1.0", "0.1.0"))
    assert (newer.state, incompatible.state) == ("warn", "fail")
    assert incompatible.finding == "The schema is of 0.12.0 and needs Wabase 0.2.0 or newer; this is 0.1.0."
    assert installed(project.environment["SUPABASE_DB_URL"]) == expected()


async def test_a_schema_older_than_the_doctor_is_one_sentence(project: OwnProject) -> None:
    await project.sql("alter function public.get_installation() rename to get_nothing")
    try:
        (schema,) = [one for one in await project.wrong() if one.name == "schema"]
    finally:
        await project.sql("alter function public.get_nothing() rename to get_installation")
    assert (schema.state, "db push" in str(schema.remedy)) == ("fail", True)
    assert "has older ones than this release needs" in schema.finding


async def test_a_table_that_the_key_may_not_read_stops_what_would_only_repeat_it(project: OwnProject) -> None:
    await project.sql("revoke select on public.webhook_events from service_role")
    try:
        answer = await project.wabase("doctor", "--json")
    finally:
        await project.sql("grant select on public.webhook_events to service_role")
    told = {one["name"]: one for one in answer.json["findings"]}
    assert (answer.status, told["rest"]["state"], told["storage"]["state"]) == (1, "fail", "ok")
    assert "A grant is missing" in told["rest"]["finding"]


async def test_the_doorbell_is_told_apart_from_the_key(project: OwnProject) -> None:
    await project.sql("alter table public.outbox disable trigger ring_worker")
    try:
        told = {one.name: one for one in await project.wrong()}
    finally:
        await project.sql("alter table public.outbox enable trigger ring_worker")
    assert "realtime" not in told
    assert "was put into the outbox and not heard of" in told["doorbell"].finding
    assert told["doorbell"].state == "fail"
    assert "ring_worker" in str(told["doorbell"].remedy)


async def test_a_key_that_may_not_listen_is_told_apart_from_one_that_is_not_taken(project: OwnProject) -> None:
    await project.sql_as_admin("revoke select on realtime.messages from service_role")
    try:
        told = {one.name: one for one in await project.wrong()}
    finally:
        await project.sql_as_admin("grant select on realtime.messages to service_role")
    assert "Realtime takes the key and refuses the subscription" in told["realtime"].finding


async def test_a_bucket_that_is_missing_or_public(project: OwnProject) -> None:
    await project.sql("update storage.buckets set public = true")
    public = {one.name: one for one in await project.wrong()}
    await project.sql("update storage.buckets set id = 'other', name = 'other', public = false")
    missing = {one.name: one for one in await project.wrong()}
    await project.sql("update storage.buckets set id = 'whatsapp-media', name = 'whatsapp-media'")
    assert "is public" in public["storage"].finding
    assert "there is no bucket whatsapp-media" in missing["storage"].finding
    assert missing["drift"].finding == "The bucket whatsapp-media is missing."
    assert not {"storage", "drift"} & {one.name for one in await project.wrong()}


async def test_nobody_there_no_settings_and_wrong_keys_each_end_as_the_page_says(project: OwnProject) -> None:
    away = await project.wabase("doctor", "--json", SUPABASE_URL="http://127.0.0.1:9")
    assert (away.status, [one["name"] for one in away.json["findings"]]) == (3, ["settings", "rest"])
    unset = await project.wabase("doctor", SUPABASE_URL="")
    assert (unset.status, unset.said) == (2, "")
    anon = await project.wabase("doctor", SUPABASE_SERVICE_ROLE_KEY=project.environment["SUPABASE_ANON_KEY"])
    assert anon.status == 1
    assert "fail  settings" in anon.said
    assert "the key of the role anon" in anon.said


async def test_each_service_says_itself_that_it_does_not_take_a_key(project: OwnProject) -> None:
    told = await project.wrong(supabase_service_role_key="sb_secret_revoked")
    assert [one.name for one in told] == ["rest", "storage", "realtime"]
    assert all("another project's, or revoked" in one.finding for one in told)


async def test_a_project_without_the_migrations(tmp_path: Path) -> None:
    (tmp_path / "supabase" / "migrations").mkdir(parents=True)
    async with own_project(SUPABASE_WORKDIR=str(tmp_path)) as empty:
        answer = await empty.wabase("doctor", "--json")
        told = {one["name"]: one for one in answer.json["findings"]}
        assert (answer.status, told["rest"]["state"]) == (1, "fail")
        assert "does not have Wabase's migrations" in told["rest"]["finding"]
        business = await empty.simulator.business()
        provider = empty.environment["PROVIDER_URL"]
        there = {"WHATSAPP_360_BASE_URL": provider, "META_GRAPH_BASE_URL": f"{provider}/v25.0"}
        for command in COMMANDS:
            if command != "doctor":
                arguments, typed = line_of(command, business)
                found = await here(*arguments, typed=typed, **empty.environment | HERE | there)
                assert (found.status, found.said) == (3, ""), (command, found)
                wrong, remedy = found.complained.splitlines()[-2:]
                assert "does not have Wabase's migrations" in wrong, (command, found)
                assert "supabase db push" in remedy
        assert (await business.call("GET", "/v1/configs/webhook")).body["url"] is None
