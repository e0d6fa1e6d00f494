-- The outbox: who may be sent to next, and what becomes of a message once somebody has tried.
begin;
select plan(87);

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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id)
values (md5('home number')::uuid, md5('home')::uuid, 'outbound-home'), (md5('away number')::uuid, md5('away')::uuid, 'outbound-away');
insert into public.conversations (id, workspace_id, connection_id, phone, bsuid)
select md5(name)::uuid, md5('home')::uuid, md5('home number')::uuid, phone, bsuid
from (values ('dana', '972501', 'IL.dana'), ('eva', '4915', null), ('ben', '4916', null)) as thread (name, phone, bsuid);
insert into public.messages (workspace_id, conversation_id, direction, type, content)
select workspace_id, id, 'inbound', 'text', '{"body": "hello"}' from public.conversations where workspace_id = md5('home')::uuid;

create function pg_temp.queue(name text, thread text, send_after timestamptz default null) returns void language sql as $$
  insert into public.messages (id, workspace_id, conversation_id, type, content, send_after)
  values (md5(name)::uuid, md5('home')::uuid, md5(thread)::uuid, 'text', jsonb_build_object('body', name), send_after)
$$;
create temporary table lease (name text, message_id uuid, lease_token uuid, attempts integer, recipient jsonb, at bigint generated always as identity);
create function pg_temp.claim(slots integer default 10, seconds integer default 60) returns text language sql as $$
  with claimed as (
    insert into lease (name, message_id, lease_token, attempts, recipient)
    select content ->> 'body', message_id, lease_token, attempts,
      jsonb_build_array(provider, phone_number_id, phone, bsuid, type, reply_to_wamid)
    from public.claim_outbound(slots, seconds)
    where workspace_id = md5('home')::uuid
    returning name
  )
  select string_agg(name, ' ' order by name) from claimed
$$;
-- The last lease of a message as record_outbound and release_outbound take it.
create function pg_temp.held(name text, result jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_array(jsonb_build_object('message_id', message_id, 'lease_token', lease_token) || result)
  from lease where lease.name = held.name order by at desc limit 1
$$;
create function pg_temp.recorded(name text, outcome text, result jsonb default '{}') returns integer language sql as $$
  select public.record_outbound(pg_temp.held(name, jsonb_build_object('outcome', outcome) || result))
$$;
-- Time as the outbox sees it: nobody here waits for it.
create function pg_temp.passes(name text, change text) returns void language plpgsql as $$
begin
  execute format('update public.outbox set %s where message_id = %L', change, md5(name)::uuid);
  perform private.set_heads(array(select conversation_id from public.outbox where message_id = md5(name)::uuid));
end
$$;
create function pg_temp.state(name text) returns text language sql as $$
  select concat_ws(' ', message.status, case when item.message_id is not null then 'queued here' end)
  from public.messages as message left join public.outbox as item on item.message_id = message.id
  where message.id = md5(name)::uuid
$$;
create function pg_temp.reported(wamid text, status text, name text default null) returns text language sql as $function$
  select pg_temp.by('service_role', format('select public.record_inbound($$[]$$, $$[]$$, %L)', jsonb_build_array(jsonb_build_object(
    'phone_number_id', 'outbound-home', 'wamid', wamid, 'status', status, 'participant', '', 'occurred_at', now(),
    'callback_data', md5(name)::uuid))))
$function$;

-- Who may

select is(pg_temp.by('service_role', 'select count(*) >= 0 from public.claim_outbound(0)'), 'true', 'the backend claims');
select is(
  (select string_agg(pg_temp.by(actor, call), ' ')
   from unnest(array['owner', 'stranger', 'anon']) as actor,
     unnest(array['select public.claim_outbound()', 'select public.record_outbound($$[]$$)', 'select public.release_outbound($$[]$$)',
       'select public.sweep_outbound()', 'insert into public.outbox (message_id) values (gen_random_uuid())', 'select private.apply_statuses($${}$$)']) as call),
  trim(repeat('42501 ', 18)), 'members, strangers and anon do nothing of all this');

-- How long until a claim may find something

select is(public.next_outbound(), null, 'nothing waits: nobody need ask again');
select is(public.next_media(), null, 'no file either');
select pg_temp.queue('n1', 'ben', now() + interval '1 hour');
select cmp_ok(public.next_outbound(), '>', 3590::float8, 'one for later is due then');
select pg_temp.queue('n2', 'eva');
select is(public.next_outbound(), 0::float8, 'one for now is due now');
delete from public.messages where id in (md5('n1')::uuid, md5('n2')::uuid);
select is(public.next_outbound(), null, 'and nothing waits again');

-- Order: one in flight per conversation

select pg_temp.queue('a1', 'dana');
select pg_temp.queue('a2', 'dana');
select pg_temp.queue('b1', 'eva');
select is(pg_temp.claim(), 'a1 b1', 'the first of each conversation is claimed');
select results_eq(
  $$select name, attempts from lease order by name$$, $$values ('a1', 1), ('b1', 1)$$, 'as a first attempt');
select is(pg_temp.state('a1'), 'sending queued here', 'and is being sent');
select is(pg_temp.claim(), null, 'its follower waits');
select is(pg_temp.recorded('a1', 'done', '{"wamid": "wamid.a1"}'), 1, 'the first is sent');
select results_eq(
  $$select status, wamid, sent_at is not null, error from public.messages where id = md5('a1')::uuid$$,
  $$values ('sent', 'wamid.a1', true, null::jsonb)$$, 'with the id WhatsApp gave it');
select is(pg_temp.state('a1'), 'sent', 'it has left the outbox');
select is(pg_temp.claim(), 'a2', 'now its follower goes');
select is(pg_temp.claim(), null, 'and nothing is left');
select throws_ok(
  $$update public.outbox set lease_token = gen_random_uuid(), conversation_id = md5('eva')::uuid where message_id = md5('a2')::uuid$$,
  '23505', null, 'two in flight in one conversation cannot even be written');
select results_eq(
  $$select recipient from lease where name in ('a1', 'b1') order by name$$,
  $$values ('["360dialog", "outbound-home", "972501", "IL.dana", "text", null]'::jsonb),
    ('["360dialog", "outbound-home", "4915", null, "text", null]')$$, 'a claim says through whom and to whom');

-- The token

select is(
  public.record_outbound(jsonb_build_array(jsonb_build_object('message_id', md5('a2')::uuid, 'lease_token', gen_random_uuid(), 'outcome', 'done', 'wamid', 'x'))),
  0, 'who does not hold the lease records nothing');
select is(pg_temp.state('a2'), 'sending queued here', 'and changes nothing');
select is(public.release_outbound(jsonb_build_array(jsonb_build_object('message_id', md5('a2')::uuid, 'lease_token', gen_random_uuid()))), 0, 'nor releases');
select is(public.record_outbound('[]'), 0, 'no results are no trouble');

-- release: nothing has begun, no attempt is spent

select is(public.release_outbound(pg_temp.held('a2')), 1, 'a message is given back');
select is(pg_temp.state('a2'), 'queued queued here', 'and is queued again');
select is(pg_temp.recorded('a2', 'done', '{"wamid": "x"}'), 0, 'the former lease is worth nothing');
select is(pg_temp.claim(), 'a2', 'it is claimed again');
select is((select attempts from lease where name = 'a2' order by at desc limit 1), 1, 'for the first time, as it were');

-- retry: later, and its followers wait

select pg_temp.queue('a3', 'dana');
select is(pg_temp.recorded('a2', 'retry', '{"retry_after": 60, "error": {"code": 130429}}'), 1, 'a throttled message');
select results_eq(
  $$select status, error ->> 'code', available_at - now() from public.messages join public.outbox on message_id = id where id = md5('a2')::uuid$$,
  $$values ('queued', '130429', interval '60 seconds')$$, 'waits for its time and says why');
select is(pg_temp.claim(), null, 'and keeps its place');
select pg_temp.passes('a2', 'available_at = now()');
select is(pg_temp.claim(), 'a2', 'at its time it goes first');
select is((select attempts from lease where name = 'a2' order by at desc limit 1), 2, 'as a second attempt');

-- reject: over, and its followers go

select is(pg_temp.recorded('a2', 'reject', '{"error": {"code": 131026, "title": "Undeliverable"}}'), 1, 'a refused message');
select results_eq(
  $$select status, error, failed_at is not null from public.messages where id = md5('a2')::uuid$$,
  $$values ('failed', '{"code": 131026, "title": "Undeliverable"}'::jsonb, true)$$, 'has failed for a reason');
select is(pg_temp.state('a2'), 'failed', 'and has left the outbox');
select is(pg_temp.claim(), 'a3', 'its follower goes at once');

-- uncertain: never again by itself

select pg_temp.queue('a4', 'dana');
select is(pg_temp.recorded('a3', 'uncertain', '{"error": {"code": "uncertain"}}'), 1, 'a send whose answer was lost');
select is(pg_temp.state('a3'), 'uncertain queued here', 'is uncertain');
select is(pg_temp.claim(), null, 'and holds its followers');
select pg_temp.passes('a3', $$uncertain_since = now() - interval '61 seconds'$$);
select is(pg_temp.claim(), 'a4', 'for a minute; it is not sent again itself');
select is(pg_temp.recorded('a4', 'done', '{"wamid": "wamid.a4"}'), 1, 'the follower is sent');
select is(pg_temp.reported('wamid.a3', 'delivered', 'a3'), '0', 'a report echoes the uncertain one''s id');
select is(pg_temp.state('a3'), 'delivered', 'which settles it');
select is((select wamid from public.messages where id = md5('a3')::uuid), 'wamid.a3', 'with the id WhatsApp gave it');
select is((select error from public.messages where id = md5('a3')::uuid), null, 'and without an error');

-- sweep: dead workers, and answers that never came

select pg_temp.queue('c1', 'ben');
update public.messages set error = '{"code": 131016}' where id = md5('c1')::uuid;
select is(pg_temp.claim(10, 0), 'c1', 'a worker claims a message and dies');
select cmp_ok(public.sweep_outbound(900), '>=', 1, 'its lease runs out');
select is(pg_temp.state('c1'), 'uncertain queued here', 'it may have been on the wire: uncertain');
select is((select error ->> 'code' from public.messages where id = md5('c1')::uuid), 'uncertain', 'and says so, whatever an earlier attempt had met');
select is(pg_temp.recorded('c1', 'done', '{"wamid": "late"}'), 0, 'the dead worker''s word comes too late');
select public.sweep_outbound(900);
select is(pg_temp.state('c1'), 'uncertain queued here', 'it may take a while to be heard of');
select cmp_ok(public.sweep_outbound(0), '>=', 1, 'after that');
select results_eq(
  $$select status, error ->> 'code', error ? 'remedy' from public.messages where id = md5('c1')::uuid$$,
  $$values ('failed', 'outcome_unknown', true)$$, 'it has failed, with what to do');
select is(pg_temp.state('c1'), 'failed', 'and has left the outbox');
select is(pg_temp.reported('wamid.c1', 'sent', 'c1'), '0', 'a report comes after all');
select results_eq(
  $$select status, wamid, error, failed_at from public.messages where id = md5('c1')::uuid$$,
  $$values ('sent', 'wamid.c1', null::jsonb, null::timestamptz)$$, 'and is believed');
select pg_temp.queue('c2', 'ben');
select is(pg_temp.claim(10, 0), 'c2', 'another dead worker');
select public.sweep_outbound(900);
select public.sweep_outbound(0);
select is(pg_temp.reported('wamid.c2', 'failed', 'c2'), '0', 'a report of failure');
select results_eq(
  $$select status, error ->> 'code' from public.messages where id = md5('c2')::uuid$$,
  $$values ('failed', null)$$, 'is believed, too: that much is known now');

-- A report before the record

select pg_temp.queue('b2', 'eva');
select is(pg_temp.reported('wamid.b1', 'read'), '0', 'a report of a message whose wamid is not known yet');
select is(pg_temp.state('b1'), 'sending queued here', 'waits');
select is(pg_temp.recorded('b1', 'done', '{"wamid": "wamid.b1"}'), 1, 'until it is');
select is(pg_temp.state('b1'), 'read', 'and then counts');
select is(pg_temp.claim(), 'b2', 'the next one');
select is(pg_temp.reported('wamid.b2', 'sent', 'b2'), '0', 'is reported while it is on the wire');
select is(pg_temp.recorded('b2', 'uncertain'), 0, 'a lost answer does not matter then');
select is(pg_temp.state('b2'), 'sent', 'it is sent');

-- Later

select pg_temp.queue('d1', 'eva', now() + interval '1 day');
select pg_temp.queue('d2', 'eva');
select is(pg_temp.claim(), 'd2', 'what is scheduled for tomorrow holds nobody today');
select pg_temp.passes('d1', 'line_at = now()');
select is(pg_temp.claim(), null, 'and does not fly beside another when its time comes');
select is(pg_temp.recorded('d2', 'done', '{"wamid": "wamid.d2"}'), 1, 'but after it');
select is(pg_temp.claim(), 'd1', 'in its turn');

-- A message that is deleted

select pg_temp.queue('g1', 'ben'), pg_temp.queue('g2', 'ben');
delete from public.messages where id = md5('g1')::uuid;
select is(pg_temp.claim(), 'g2', 'lets its follower forward');
select is(pg_temp.recorded('g2', 'done', '{"wamid": "wamid.g2"}'), 1, 'which is sent');

-- A paused connection

update public.whatsapp_connections set status = 'paused' where id = md5('home number')::uuid;
select pg_temp.queue('e1', 'dana');
select is(pg_temp.claim(), null, 'a paused number sends nothing');
select is(pg_temp.state('e1'), 'queued queued here', 'and fails nothing');
update public.whatsapp_connections set status = 'active' where id = md5('home number')::uuid;
select is(pg_temp.claim(), 'e1', 'it goes on where it was');

select is(pg_temp.by('agent', format('select status from public.messages where id = %L', md5('e1')::uuid)), 'sending', 'an agent sees how it stands');
select is(pg_temp.by('stranger', format('select count(*) from public.messages where id = %L', md5('e1')::uuid)), '0', 'a stranger does not');

-- A number's share of a worker's slots

insert into public.conversations (id, workspace_id, connection_id, phone)
select md5(name)::uuid, md5(place)::uuid, md5(place || ' number')::uuid, '4917' || n
from unnest(array['s1', 's2', 's3', 's4', 't1', 't2'], array['home', 'home', 'home', 'home', 'away', 'away']) with ordinality as thread (name, place, n);
insert into public.messages (workspace_id, conversation_id, direction, type, content)
select workspace_id, id, 'inbound', 'text', '{"body": "hello"}' from public.conversations where phone like '4917_';
insert into public.messages (workspace_id, conversation_id, type, content)
select workspace_id, id, 'template', jsonb_build_object('name', thread, 'language', '{"code": "en"}'::jsonb)
from unnest(array['s1', 's2', 't1', 't2']) as thread join public.conversations on id = md5(thread)::uuid order by thread;
insert into public.messages (workspace_id, conversation_id, type, content)
select workspace_id, id, 'text', jsonb_build_object('body', thread)
from unnest(array['s3', 's4']) as thread join public.conversations on id = md5(thread)::uuid order by thread;
create function pg_temp.share(home integer, away integer default null) returns jsonb language sql as $$
  select jsonb_strip_nulls(jsonb_build_object(md5('home number')::uuid, home, md5('away number')::uuid, away))
$$;
create function pg_temp.claimed(slots integer, shares jsonb) returns text language sql as $$
  select string_agg(coalesce(content ->> 'body', content ->> 'name'), ' ') from public.claim_outbound(slots, 60, shares)
$$;
select is(pg_temp.claimed(10, pg_temp.share(0, 0)), null, 'who has its share gets nothing');
select is(public.next_outbound(pg_temp.share(0, 0)), null, 'and is not asked for again');
select is(public.next_outbound(pg_temp.share(0)), 0::float8, 'as the others are');
select is(pg_temp.claimed(1, pg_temp.share(0)), 't1', 'nobody waits behind a number that has its share, not even behind its replies');
select is(pg_temp.claimed(10, pg_temp.share(1, 0)), 's3', 'who has nearly all of it gets the rest, replies first');
update public.whatsapp_connections set messages_per_second = 1 where id = md5('away number')::uuid;
select is(pg_temp.claimed(10, pg_temp.share(0, 9)), null, 'a share is no more than what a number may send');
update public.whatsapp_connections set messages_per_second = 80 where id = md5('away number')::uuid;
select is(pg_temp.claimed(2, pg_temp.share(9, 9)), 's4 t2', 'nor than what is asked for, tenants in turn');
select is(pg_temp.claimed(10, null), 's1 s2', 'a worker that says nothing of shares gets what there is');
select is(public.next_outbound(null), null, 'and all of it');

select * from finish();
rollback;
