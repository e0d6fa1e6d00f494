-- What is asked of a provider about a number beside its messages: when, by whom, and what its answers change.
begin;
select plan(54);

-- `by(actor, statement)`: what the statement answers when the actor says it; rows affected for a change, else the SQLSTATE.
-- Actors are owner, admin and agent of workspace `home`, stranger (owner of workspace `away`), anon and service_role.
create function pg_temp.by(actor text, statement text) returns text language plpgsql as $$
declare
  api_role text := case when actor in ('anon', 'service_role') then actor else 'authenticated' end;
  answer text;
begin
  perform set_config('request.jwt.claims', jsonb_build_object('role', api_role, 'sub', md5(actor)::uuid)::text, true);
  perform set_config('role', api_role, true);
  if statement ilike 'select%' then
    execute statement into answer;
  else
    execute statement;
    get diagnostics answer = row_count;
  end if;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  return answer;
exception when others then
  return sqlstate;
end
$$;

insert into auth.users (id, email)
select md5(actor)::uuid, actor || '@example.com' from unnest(array['owner', 'admin', 'agent', 'stranger']) as actor;
insert into public.workspaces (id, name) values (md5('home')::uuid, 'Home'), (md5('away')::uuid, 'Away');
insert into public.workspace_members (workspace_id, user_id, role)
select md5('home')::uuid, md5(role)::uuid, role from unnest(array['owner', 'admin', 'agent']) as role
union all select md5('away')::uuid, md5('stranger')::uuid, 'owner';
insert into public.whatsapp_connections (id, workspace_id, phone_number_id, waba_id) values
  (md5('one')::uuid, md5('home')::uuid, 'chores-one', 'chores-waba'), (md5('away')::uuid, md5('away')::uuid, 'chores-away', 'chores-away');
-- Chores of others are done long before and long after.
update private.connection_chores set due_at = 'infinity' where connection_id not in (md5('one')::uuid, md5('away')::uuid);

create function pg_temp.chore(wanted text) returns setof private.connection_chores language sql as $$
  select * from private.connection_chores where connection_id = md5('one')::uuid and kind = wanted
$$;
create function pg_temp.due_in(wanted text) returns integer language sql as $$
  select round(extract(epoch from due_at - now())) from pg_temp.chore(wanted)
$$;
create temporary table lease (kind text, lease_token uuid, number text, at bigint generated always as identity);
create function pg_temp.claim(seconds integer default 600) returns text language sql as $$
  with claimed as (
    insert into lease (kind, lease_token, number) select kind, lease_token, phone_number_id from public.claim_chores(10, seconds)
    returning kind, number
  )
  select string_agg(number || ' ' || kind, ', ' order by number, kind) from claimed
$$;
create function pg_temp.recorded(which text, result jsonb) returns integer language sql as $$
  select public.record_chores(jsonb_build_array(jsonb_build_object('lease_token', lease_token) || result))
  from lease where kind = which and number = 'chores-one' order by at desc limit 1
$$;
create function pg_temp.number() returns setof public.whatsapp_connections language sql as $$
  select * from public.whatsapp_connections where id = md5('one')::uuid
$$;

-- When

select is(pg_temp.claim(), null, 'a number without a credential is not asked about at once');
select is(pg_temp.due_in('health'), 300, 'but soon: a worker may have its key');
select lives_ok($$select public.set_connection_credential(md5('one')::uuid, 'key')$$, 'a credential is set');
select is((select count(*) from public.claim_chores(10, 600, jsonb_build_object(md5('one')::uuid, 0))), 0::bigint,
  'not by a worker of whose slots it has its share');
select is(pg_temp.claim(), 'chores-one health, chores-one templates', 'and all is asked at once');
select is(pg_temp.claim(), null, 'once');
select is(pg_temp.recorded('templates', '{"outcome": "done", "wait_seconds": 21600}'), 1, 'done');
select is(pg_temp.due_in('templates'), 21600, 'and due again when the worker says');
select is(pg_temp.recorded('templates', '{"outcome": "done", "wait_seconds": 1}'), 0, 'a lease that is gone records nothing');
select is(pg_temp.due_in('templates'), 21600, 'and changes nothing');
select is(pg_temp.recorded('health', '{"outcome": "retry", "wait_seconds": 90, "error": {"code": "no_answer"}}'), 1, 'what fails');
select results_eq(
  $$select pg_temp.due_in('health'), attempts, error ->> 'code', done_at from pg_temp.chore('health')$$,
  $$values (90, 1, 'no_answer', null::timestamptz)$$, 'is due when the worker says, and says why');
select is(pg_temp.claim(), null, 'not before');
update private.connection_chores set due_at = now() where connection_id = md5('one')::uuid and kind = 'health';
select is(pg_temp.claim(0), 'chores-one health', 'then it is');
select is(pg_temp.claim(0), 'chores-one health', 'a dead worker''s lease is taken over');
select is(pg_temp.recorded('health', '{"outcome": "release"}'), 1, 'what is given back');
select results_eq(
  $$select pg_temp.due_in('health'), attempts, error ->> 'code' from pg_temp.chore('health')$$, $$values (0, 2, 'no_answer')$$,
  'is due at once and has cost no attempt');
select is(pg_temp.claim(), 'chores-one health', 'once more');
select lives_ok($$select pg_temp.recorded('health', '{"outcome": "done", "wait_seconds": 86400}')$$, 'done');
select results_eq(
  $$select pg_temp.due_in('health'), attempts, error from pg_temp.chore('health')$$, $$values (86400, 0, null::jsonb)$$, 'all is forgotten');

-- Asked for

select lives_ok($$select private.ask_for_chores(array[md5('one')::uuid], 'templates', interval '10 seconds')$$, 'asked for just after');
select is(pg_temp.due_in('templates'), 60, 'it comes a minute after it was begun');
update private.connection_chores set started_at = now() - interval '1 hour', due_at = now() + interval '1 hour' where connection_id = md5('one')::uuid;
select lives_ok($$select private.ask_for_chores(array[md5('one')::uuid], 'templates', interval '10 seconds')$$, 'later');
select results_eq($$select pg_temp.due_in('templates'), pg_temp.due_in('health')$$, $$values (10, 3600)$$, 'soon, and nothing else');
update private.connection_chores set due_at = now() where connection_id = md5('one')::uuid and kind = 'templates';
select is(pg_temp.claim(), 'chores-one templates', 'while somebody is at it');
update private.connection_chores set started_at = now() - interval '30 seconds' where connection_id = md5('one')::uuid and kind = 'templates';
select lives_ok($$select private.ask_for_chores(array[md5('one')::uuid], 'templates', interval '10 seconds')$$, 'it is asked for');
select is(pg_temp.claim(), null, 'nobody else begins');
select lives_ok($$select pg_temp.recorded('templates', '{"outcome": "done", "wait_seconds": 21600}')$$, 'when that is done');
select is(pg_temp.due_in('templates'), 30, 'it is done once more');

-- What asks

update private.connection_chores set started_at = null, due_at = now() + interval '1 hour' where connection_id = md5('one')::uuid;
select lives_ok(
  $$select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(jsonb_build_object('kind', 'template', 'waba_id', 'chores-waba',
    'occurred_at', now(), 'name', 'news', 'language', 'he', 'details', '{"status": "PAUSED"}'::jsonb)))$$, 'a webhook about a template');
select results_eq($$select pg_temp.due_in('templates'), pg_temp.due_in('health')$$, $$values (10, 3600)$$, 'has the templates synced');
select lives_ok(
  $$select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(jsonb_build_object('kind', 'notice', 'waba_id', 'chores-waba',
    'occurred_at', now(), 'name', 'account_update', 'details', '{"event": "X"}'::jsonb)))$$, 'a notice');
select is(pg_temp.due_in('health'), 10, 'has the number looked at');
update private.connection_chores set due_at = now() + interval '1 hour' where connection_id = md5('one')::uuid;
select lives_ok(
  $$select public.record_inbound('[]', '[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'chores-one', 'wamid', 'wamid.1',
    'status', 'failed', 'occurred_at', now(), 'error', '{"code": 131026}'::jsonb)))$$, 'a report of another failure');
select is(pg_temp.due_in('templates'), 3600, 'asks for nothing');
select lives_ok(
  $$select public.record_inbound('[]', '[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'chores-one', 'wamid', 'wamid.2',
    'status', 'failed', 'occurred_at', now(), 'error', '{"code": 132015}'::jsonb)))$$, 'a report that the template is paused');
select is(pg_temp.due_in('templates'), 10, 'does');
select is(
  (select string_agg(code::text, ' ' order by code) from generate_series(131999, 132020) as code
   where private.tells_of_templates(jsonb_build_object('code', code))), '132000 132001 132012 132015', 'so do these codes of a send');

-- A refused key, and a number that is not active

update private.connection_chores set started_at = null, due_at = now() where connection_id = md5('one')::uuid;
update private.connection_credentials set updated_at = now() - interval '1 hour' where connection_id = md5('one')::uuid;
select is(pg_temp.claim(), 'chores-one health, chores-one templates', 'asked with a key');
select lives_ok(
  $$select pg_temp.recorded('templates', '{"outcome": "retry", "wait_seconds": 60, "error": {"code": 190, "title": "expired"}, "key_refused": true}')$$,
  'that is refused');
select results_eq(
  $$select status, status_reason, last_error ->> 'code', status_since = now() from pg_temp.number()$$,
  $$values ('paused', 'credential', '190', true)$$, 'the number is paused for it, from now on');
update private.connection_chores set due_at = now() where connection_id = md5('one')::uuid;
select is(pg_temp.claim(), null, 'and the key is not shown again');
select lives_ok($$select public.set_connection_credential(md5('one')::uuid, 'better')$$, 'another one');
select is(pg_temp.claim(), 'chores-one templates', 'is tried at once');
update private.connection_credentials set updated_at = now() + interval '1 second' where connection_id = md5('one')::uuid;
select lives_ok($$select pg_temp.recorded('templates', '{"outcome": "retry", "error": {"code": 190}, "key_refused": true}')$$, 'refused, while a third one was set');
select is((select status from pg_temp.number()), 'active', 'that one is to be tried first');
update public.whatsapp_connections set status = 'paused', status_reason = 'payment' where id = md5('one')::uuid;
update private.connection_chores set lease_token = null, due_at = now() where connection_id = md5('one')::uuid;
select is(pg_temp.claim(), 'chores-one health, chores-one templates', 'a number that is paused for anything else is looked after');
update public.whatsapp_connections set status = 'disconnected', status_reason = null where id = md5('one')::uuid;
update private.connection_chores set lease_token = null, due_at = now() where connection_id = md5('one')::uuid;
select is(pg_temp.claim(), null, 'one that is disconnected is not');

-- Who may

select is(pg_temp.by(actor, 'select count(*) from public.claim_chores(1)'), '42501', actor || ' claims none')
from unnest(array['owner', 'stranger', 'anon']) as actor;
select is(pg_temp.by('owner', 'select count(*) from private.connection_chores'), '42501', 'no member sees them');
select is(pg_temp.by('agent', 'select status_since is not null from public.whatsapp_connections'), 'true', 'a member sees since when a number is what it is');
select is(pg_temp.by('service_role', 'delete from public.whatsapp_connections where phone_number_id = ''chores-one'''), '1', 'a number that is gone');

select * from finish();
rollback;
