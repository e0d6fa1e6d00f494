-- What people do to a message on its way, and to a number: ask why it waits, cancel, try again, stop, go on.
begin;
select plan(106);

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
values (md5('home number')::uuid, md5('home')::uuid, 'hands-home'), (md5('away number')::uuid, md5('away')::uuid, 'hands-away');
insert into public.conversations (id, workspace_id, connection_id, phone)
select md5(name)::uuid, md5('home')::uuid, md5('home number')::uuid, phone
from (values ('dana', '972501'), ('eva', '4915'), ('ben', '4916'), ('lea', '4917')) as thread (name, phone);
insert into public.messages (workspace_id, conversation_id, direction, type, content)
select workspace_id, id, 'inbound', 'text', '{"body": "hello"}' from public.conversations where workspace_id = md5('home')::uuid;

create function pg_temp.queue(name text, thread text, send_after timestamptz default null) returns void language sql as $$
  insert into public.messages (id, workspace_id, conversation_id, type, content, send_after)
  values (md5(name)::uuid, md5('home')::uuid, md5(thread)::uuid, 'text', jsonb_build_object('body', name), send_after)
$$;
create temporary table lease (name text, message_id uuid, lease_token uuid, callback_data text, at bigint generated always as identity);
create function pg_temp.claim() returns text language sql as $$
  with claimed as (
    insert into lease (name, message_id, lease_token, callback_data)
    select content ->> 'body', message_id, lease_token, callback_data from public.claim_outbound(10)
    where workspace_id = md5('home')::uuid
    returning name
  )
  select string_agg(name, ' ' order by name) from claimed
$$;
create function pg_temp.recorded(name text, outcome text, result jsonb default '{}') returns integer language sql as $$
  select public.record_outbound((
    select jsonb_build_array(jsonb_build_object('message_id', message_id, 'lease_token', lease_token, 'outcome', outcome) || result)
    from lease where lease.name = recorded.name order by at desc limit 1))
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
create function pg_temp.may(actor text, call text, name text) returns text language sql as $$
  select pg_temp.by(actor, format('select public.%s(%L)', call, md5(name)::uuid))
$$;
-- What an agent is told about a message: the reason, and whether it is for a time to come.
create function pg_temp.why(name text, actor text default 'agent') returns text language sql as $$
  select concat_ws(' ', answer ->> 'reason', case when (answer ->> 'until')::timestamptz > clock_timestamp() then 'until later' end)
  from (select pg_temp.may(actor, 'explain_outbound', name)::jsonb as answer) as told
$$;
create function pg_temp.detail(name text) returns jsonb language sql as $$
  select pg_temp.may('agent', 'explain_outbound', name)::jsonb -> 'detail'
$$;

-- Who may

select pg_temp.queue('a1', 'dana');
select is(
  (select string_agg(distinct pg_temp.may(actor, call, name), ' ')
   from unnest(array['stranger', 'agent']) as actor, unnest(array['cancel_message', 'retry_message', 'explain_outbound']) as call,
     unnest(array['a1', 'nothing']) as name
   where actor = 'stranger' or name = 'nothing'),
  'WA004', 'a message of somebody else and one that is not there get the same answer');
select is(
  (select string_agg(distinct pg_temp.may('anon', call, 'a1'), ' ')
   from unnest(array['cancel_message', 'retry_message', 'explain_outbound']) as call),
  '42501', 'anon gets none');
select is(
  (select string_agg(distinct pg_temp.by('owner', format('select public.%s(%L)', call, received.id)), ' ')
   from unnest(array['cancel_message', 'retry_message', 'explain_outbound']) as call,
     (select id from public.messages where conversation_id = md5('dana')::uuid and direction = 'inbound') as received),
  'WA004', 'what a customer wrote is no message on its way');
select is(
  (select string_agg(distinct pg_temp.by('owner', format('select public.%s(null)', call)), ' ')
   from unnest(array['cancel_message', 'retry_message', 'explain_outbound', 'pause_connection', 'resume_connection']) as call),
  'WA004', 'nor is nothing at all');
select is(
  (select string_agg(pg_temp.why('a1', actor), ' ') from unnest(array['agent', 'admin', 'owner', 'service_role']) as actor),
  'ready ready ready ready', 'every member and the backend may ask');
select is(pg_temp.state('a1'), 'queued queued here', 'and nobody has changed anything');
select is(
  (select string_agg(pg_temp.by(actor, 'select private.set_connection_paused(md5($$home number$$)::uuid, $$x$$)'), ' ')
   from unnest(array['agent', 'stranger']) as actor),
  'WA004 WA004', 'what lies behind the functions asks the same');

-- Cancel

select is(pg_temp.may('agent', 'cancel_message', 'a1'), '', 'an agent takes a message back');
select is(pg_temp.state('a1'), 'canceled', 'which is canceled then and out of the queue');
select is(pg_temp.may('agent', 'cancel_message', 'a1'), 'WA007', 'once');
select is(pg_temp.why('a1'), 'ended', 'it has ended');
select is(pg_temp.detail('a1'), '{"status": "canceled"}', 'so');
select pg_temp.queue('a2', 'dana');
select pg_temp.queue('a3', 'dana');
select is(pg_temp.may('service_role', 'cancel_message', 'a2'), '', 'the backend may as well');
select is(pg_temp.claim(), 'a3', 'and whoever was behind it goes');
select is(pg_temp.may('owner', 'cancel_message', 'a3'), 'WA007', 'what is being sent cannot be taken back');
select throws_ok($$select public.cancel_message(md5('a3')::uuid)$$, 'WA007', null, 'whoever asks');
select is(pg_temp.state('a3'), 'sending queued here', 'it goes on');
select is(pg_temp.recorded('a3', 'uncertain', '{"error": {"code": "uncertain"}}'), 1, 'its answer is lost');
select is(pg_temp.may('owner', 'cancel_message', 'a3'), 'WA007', 'nor what may have been sent');

-- Why it waits

select is(pg_temp.why('a3'), 'uncertain until later', 'uncertain: until it is given up');
select is(pg_temp.detail('a3') ->> 'code', 'uncertain', 'with what is known of it');
select pg_temp.queue('a4', 'dana');
select is(pg_temp.why('a4'), 'order until later', 'order: behind an uncertain one, for a minute');
select is(pg_temp.detail('a4'), jsonb_build_object('behind', md5('a3')::uuid, 'status', 'uncertain'), 'which is named');
select pg_temp.passes('a3', $$uncertain_since = now() - interval '61 seconds'$$);
select is(pg_temp.why('a4'), 'ready', 'ready: the minute is over');
select is(pg_temp.claim(), 'a4', 'and it goes');
select is(pg_temp.why('a4'), 'sending until later', 'sending: until its lease runs out');
select pg_temp.queue('a5', 'dana');
select is(pg_temp.why('a5'), 'order', 'order: behind one on the wire, nobody knows how long');
select is(pg_temp.recorded('a4', 'retry', '{"retry_after": 30, "error": {"code": 131016}}'), 1, 'an attempt fails for a while');
select is(pg_temp.why('a4'), 'retry until later', 'retry: until then');
select is(pg_temp.detail('a4'), '{"code": 131016}', 'for this');
select is(pg_temp.detail('a5') ->> 'status', 'queued', 'order: behind one that will be tried again');
select pg_temp.queue('b1', 'eva', now() + interval '1 day');
select is(pg_temp.why('b1'), 'scheduled until later', 'scheduled: until send_after');
select pg_temp.queue('b2', 'eva');
update private.outbound_pairs set paid_at = now() + interval '5 minutes' where conversation_id = md5('eva')::uuid;
select private.set_heads(array[md5('eva')::uuid]);
select is(pg_temp.why('b2'), 'pair_rate until later', 'pair_rate: this customer has had too many');
select is(
  (pg_temp.may('agent', 'explain_outbound', 'b2')::jsonb ->> 'until')::timestamptz, now() + interval '36 seconds',
  'until less than 45 are owed');
update private.outbound_pairs set paid_at = now() where conversation_id = md5('eva')::uuid;
select private.set_heads(array[md5('eva')::uuid]);
select pg_temp.queue('c1', 'ben');
select is(split_part(pg_temp.why('c1'), ' ', 1), 'number_rate', 'number_rate: others of its number go first');
select is(pg_temp.detail('c1'), '{"ahead": 1, "messages_per_second": 80}', 'so many, so fast');
select is(pg_temp.claim(), 'b2 c1', 'within a moment');
select is(pg_temp.recorded('b2', 'done', '{"wamid": "wamid.b2"}'), 1, 'one is sent');
select is(
  pg_temp.recorded('c1', 'throttle', '{"scope": "number", "retry_after": 10, "error": {"code": 130429}}'), 1,
  'the other comes too fast for the number');
select is(pg_temp.why('c1'), 'number_rate until later', 'number_rate: WhatsApp says so');
select is(pg_temp.detail('c1'), '{"messages_per_second": 40}', 'and has it slow down');
update private.outbound_numbers set held_until = null where connection_id = md5('home number')::uuid;
select is(pg_temp.claim(), 'c1', 'later');
select is(pg_temp.recorded('c1', 'throttle', '{"scope": "pair", "retry_after": 60, "error": {"code": 131056}}'), 1, 'too fast for this customer');
select is(pg_temp.why('c1'), 'pair_rate until later', 'pair_rate: WhatsApp says so');
select is(pg_temp.detail('c1'), '{"code": 131056}', 'in these words');
select is(
  (pg_temp.may('agent', 'explain_outbound', 'c1')::jsonb ->> 'until')::timestamptz, now() + interval '60 seconds', 'for as long as it says');
select is(pg_temp.why('b2'), 'ended', 'ended: it is sent');
select is(pg_temp.detail('b2'), '{"status": "sent"}', 'so');

-- Stop, go on

select is(
  (select string_agg(pg_temp.may(actor, call, 'home number'), ' ')
   from unnest(array['agent', 'stranger']) as actor, unnest(array['pause_connection', 'resume_connection']) as call),
  'WA004 WA004 WA004 WA004', 'agents and strangers stop no number');
select is(pg_temp.may('owner', 'pause_connection', 'no number'), 'WA004', 'an unknown number gets the same answer');
select is(
  (select string_agg(pg_temp.may('anon', call, 'home number'), ' ') from unnest(array['pause_connection', 'resume_connection']) as call),
  '42501 42501', 'anon gets none');
select pg_temp.queue('d1', 'lea');
select is(pg_temp.may('admin', 'pause_connection', 'home number'), '', 'an admin does');
select is(pg_temp.claim(), null, 'nothing more is sent');
select is(pg_temp.state('d1'), 'queued queued here', 'nothing fails');
select is(pg_temp.why('d1'), 'connection_paused', 'connection_paused: until somebody resumes it');
select is(pg_temp.detail('d1'), '{"status_reason": "operator"}', 'and who stopped it');
select is(pg_temp.may('owner', 'resume_connection', 'home number'), '', 'an owner has it go on');
select is(pg_temp.why('d1'), 'ready', 'where it was');
select is(
  pg_temp.by('owner', $$select public.pause_connection(md5('home number')::uuid, ' ')$$), '', 'an empty reason is none');
select is(pg_temp.detail('d1'), '{"status_reason": "operator"}', 'of its own');
select is(
  pg_temp.by('service_role', $$select public.pause_connection(md5('home number')::uuid, 'moving')$$), '', 'the backend gives one');
select is(
  pg_temp.by('owner', $$select public.set_connection_credential(md5('home number')::uuid, 'key')$$), null, 'a new key');
select is(pg_temp.detail('d1'), '{"status_reason": "moving"}', 'has nothing to do with that');
select is(pg_temp.may('service_role', 'resume_connection', 'home number'), '', 'it goes on');
select is(pg_temp.claim(), 'd1', 'and sends');
update private.connection_credentials set updated_at = now() - interval '1 minute' where connection_id = md5('home number')::uuid;
select is(
  pg_temp.recorded('d1', 'pause', '{"reason": "credential", "error": {"code": 190, "title": "Token expired"}}'), 1, 'with a key that has expired');
select is(pg_temp.why('d1'), 'connection_paused', 'connection_paused: WhatsApp does not let it in');
select results_eq(
  $$select detail ->> 'status_reason', detail #>> '{error,code}' from pg_temp.detail('d1') as detail$$,
  $$values ('credential', '190')$$, 'with its words');
select is(
  pg_temp.by('owner', $$select public.set_connection_credential(md5('home number')::uuid, 'new key')$$), null, 'a new key is what it waited for');
select is(pg_temp.why('d1'), 'ready', 'it goes on by itself');
update public.whatsapp_connections set status = 'disconnected' where id = md5('home number')::uuid;
select is(pg_temp.why('d1'), 'connection_disconnected', 'connection_disconnected: the number is gone');
select is(
  (select string_agg(pg_temp.may('owner', call, 'home number'), ' ') from unnest(array['pause_connection', 'resume_connection']) as call),
  'WA004 WA004', 'and cannot be had back so');
update public.whatsapp_connections set status = 'active' where id = md5('home number')::uuid;

-- Once more

select is(pg_temp.may('agent', 'retry_message', 'd1'), 'WA008', 'what waits has not failed');
select is(pg_temp.may('agent', 'retry_message', 'a3'), 'WA008', 'nor what is uncertain');
select is(pg_temp.may('agent', 'retry_message', 'b2'), 'WA008', 'nor what is sent');
select is(pg_temp.claim(), 'd1', 'it is tried');
select is(
  (select callback_data from lease where name = 'd1' order by at desc limit 1), md5('d1')::uuid::text, 'under its own id');
select is(pg_temp.recorded('d1', 'reject', '{"error": {"code": 131026}}'), 1, 'and refused');
select pg_temp.queue('d2', 'lea');
select is(pg_temp.may('agent', 'retry_message', 'd1'), '', 'an agent tries it again');
select is(pg_temp.state('d1'), 'queued queued here', 'the same row is queued');
select results_eq(
  $$select error, failed_at, wamid, sent_at from public.messages where id = md5('d1')::uuid$$,
  $$values (null::jsonb, null::timestamptz, null::text, null::timestamptz)$$, 'as if nothing had been');
select is(pg_temp.detail('d1') ->> 'behind', md5('d2')::uuid::text, 'at the end of its line');
select is(pg_temp.may('agent', 'retry_message', 'd1'), 'WA008', 'once');
select is(pg_temp.claim(), 'd2', 'whoever came in the meantime goes first');
select is(pg_temp.recorded('d2', 'done', '{"wamid": "wamid.d2"}'), 1, 'is sent');
select is(pg_temp.claim(), 'd1', 'then it');
select is(
  (select callback_data from lease where name = 'd1' order by at desc limit 1), md5('d1')::uuid || '/1',
  'under an id that no report of the first attempt has');
select is(pg_temp.recorded('d1', 'done', '{"wamid": "wamid.d1"}'), 1, 'it is accepted');
select is(
  pg_temp.by('service_role', format('select public.record_inbound($$[]$$, $$[]$$, %L)', jsonb_build_array(jsonb_build_object(
    'phone_number_id', 'hands-home', 'wamid', 'wamid.d1', 'status', 'failed', 'participant', '', 'occurred_at', now(),
    'errors', '[{"code": 131049, "title": "Not delivered"}]'::jsonb)))),
  '0', 'and fails on its way');
select is(pg_temp.may('service_role', 'retry_message', 'd1'), '', 'the backend tries it again');
select results_eq(
  $$select attempt ->> 'status', attempt ->> 'wamid', attempt #>> '{error,code}', attempt ? 'sent_at', attempt ? 'failed_at'
    from public.messages, jsonb_array_elements(previous_attempts) with ordinality as past (attempt, place)
    where id = md5('d1')::uuid order by place$$,
  $$values ('failed', null, '131026', false, true), ('failed', 'wamid.d1', '131049', true, true)$$, 'its past is kept, oldest first');
select is(pg_temp.claim(), 'd1', 'a third time');
select is(
  (select callback_data from lease where name = 'd1' order by at desc limit 1), md5('d1')::uuid || '/2', 'under a third id');
select is(pg_temp.may('agent', 'retry_message', 'a1'), '', 'what was canceled may go after all');
select is(pg_temp.state('a1'), 'queued queued here', 'and is queued');
select is(pg_temp.may('owner', 'cancel_message', 'a1'), '', 'or not');
select is(pg_temp.may('owner', 'cancel_message', 'b1'), '', 'what is for tomorrow is taken back');
select is(pg_temp.may('owner', 'retry_message', 'b1'), '', 'and sent after all');
select is((select send_after from public.messages where id = md5('b1')::uuid), null, 'at once');
select is(pg_temp.recorded('d1', 'reject'), 1, 'a last failure');
update public.conversations set window_expires_at = now() where id = md5('lea')::uuid;
select is(pg_temp.may('owner', 'retry_message', 'd1'), 'WA001', 'after the 24 hours it is too late');
select is(pg_temp.state('d1'), 'failed', 'it stays as it was');
select is(jsonb_array_length((select previous_attempts from public.messages where id = md5('d1')::uuid)), 2, 'with its past');
insert into public.messages (id, workspace_id, conversation_id, type, content)
values (md5('t1')::uuid, md5('home')::uuid, md5('lea')::uuid, 'template', '{"name": "hello"}');
select is(pg_temp.may('agent', 'cancel_message', 't1') || pg_temp.may('agent', 'retry_message', 't1'), '', 'a template may still be tried again');
delete from public.conversations where id = md5('lea')::uuid;
select is(pg_temp.may('owner', 'retry_message', 'd1'), 'WA004', 'nothing is sent to a conversation that is gone');
select is(pg_temp.why('d1'), 'ended', 'but what became of it can be asked');

select * from finish();
rollback;
