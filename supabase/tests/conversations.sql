-- Threads: one per WhatsApp user and number, read by members, written by the server.
begin;
select plan(34);

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
values (md5('home number')::uuid, md5('home')::uuid, 'conversations-home'), (md5('away number')::uuid, md5('away')::uuid, 'conversations-away');
insert into public.conversations (id, workspace_id, connection_id, phone, bsuid) values
  (md5('dana')::uuid, md5('home')::uuid, md5('home number')::uuid, '972501234567', null),
  (md5('user')::uuid, md5('home')::uuid, md5('home number')::uuid, null, 'IL.abc'),
  (md5('ben')::uuid, md5('away')::uuid, md5('away number')::uuid, '972501234567', null);

-- Reading

select is(pg_temp.by('agent', 'select count(*) from public.conversations'), '2', 'an agent reads the threads of the workspace');
select is(pg_temp.by('stranger', 'select count(*) from public.conversations'), '1', 'a stranger reads those of another one');
select is(
  pg_temp.by('stranger', 'select count(*) from public.conversations where id = md5($$dana$$)::uuid'), '0', 'and not by knowing an id');
select is(pg_temp.by('anon', 'select count(*) from public.conversations'), '42501', 'anon is refused');
select is(
  pg_temp.by('agent', 'select count(*) from private.conversation_identifiers'), '42501', 'what threads are found by is the server''s');

-- Writing

select is(
  pg_temp.by('agent', 'insert into public.conversations (workspace_id, connection_id, phone) values (md5($$home$$)::uuid, md5($$home number$$)::uuid, $$1$$)'),
  '42501', 'an agent cannot write a thread');
select is(
  pg_temp.by('agent', 'update public.conversations set window_expires_at = now() + interval $$1 day$$'), '42501', 'nor open its window');
select is(pg_temp.by('agent', 'delete from public.conversations'), '42501', 'nor delete it');
select is(pg_temp.by('anon', 'delete from public.conversations'), '42501', 'and neither can anon');
select is(
  pg_temp.by('service_role', 'insert into public.conversations (workspace_id, connection_id, phone) values (md5($$home$$)::uuid, md5($$home number$$)::uuid, $$4915112345678$$)'),
  '1', 'the backend writes one');
select results_eq(
  $$select phone_number_id from public.conversations where phone = '4915112345678'$$, $$values ('conversations-home')$$,
  'it takes the number from its connection');
select is(
  pg_temp.by('service_role', 'insert into public.conversations (workspace_id, connection_id, phone) values (md5($$home$$)::uuid, md5($$away number$$)::uuid, $$1$$)'),
  '23503', 'a thread cannot hang on a number of another workspace');
select is(
  pg_temp.by('service_role', 'update public.conversations set assigned_to = md5($$stranger$$)::uuid where id = md5($$dana$$)::uuid'),
  '23503', 'nor be assigned to somebody outside the workspace');
select is(
  pg_temp.by('service_role', 'update public.conversations set assigned_to = md5($$agent$$)::uuid where id = md5($$dana$$)::uuid'),
  '1', 'a member can be assigned');
select is(
  pg_temp.by('service_role', 'delete from public.workspace_members where user_id = md5($$agent$$)::uuid'), '1', 'who leaves');
select results_eq(
  $$select workspace_id, assigned_to from public.conversations where id = md5('dana')::uuid$$,
  $$values (md5('home')::uuid, null::uuid)$$, 'leaves the thread to others');
insert into public.workspace_members (workspace_id, user_id, role) values (md5('home')::uuid, md5('agent')::uuid, 'agent');

-- One person, one thread

select throws_ok(
  $$insert into public.conversations (workspace_id, connection_id, phone)
    values (md5('home')::uuid, md5('home number')::uuid, '972501234567')$$,
  '23505', null, 'a phone has one thread with a number');
select throws_ok(
  $$insert into public.conversations (workspace_id, connection_id, bsuid)
    values (md5('home')::uuid, md5('home number')::uuid, 'IL.abc')$$,
  '23505', null, 'and so has a user id');
select lives_ok(
  $$insert into public.conversations (workspace_id, connection_id, phone)
    values (md5('home')::uuid, md5('home number')::uuid, '551187654321')$$, 'a Brazilian writes');
select throws_ok(
  $$insert into public.conversations (workspace_id, connection_id, phone)
    values (md5('home')::uuid, md5('home number')::uuid, '5511987654321')$$,
  '23505', null, 'and is the same person with the ninth digit');
select throws_ok(
  $$insert into public.conversations (workspace_id, connection_id)
    values (md5('home')::uuid, md5('home number')::uuid)$$, '23514', null, 'a thread is with somebody');

-- The window

select is(
  pg_temp.by('agent', 'select public.is_window_open(thread) from public.conversations as thread where id = md5($$dana$$)::uuid'), 'false',
  'a window that was never opened is closed');
update public.conversations set window_expires_at = now() + interval '1 minute' where id = md5('dana')::uuid;
select is(
  pg_temp.by('agent', 'select public.is_window_open(thread) from public.conversations as thread where id = md5($$dana$$)::uuid'), 'true',
  'a window is open until it expires');
update public.conversations set window_expires_at = now() where id = md5('dana')::uuid;
select is(
  pg_temp.by('agent', 'select public.is_window_open(thread) from public.conversations as thread where id = md5($$dana$$)::uuid'), 'false',
  'and not at that moment');
select is(
  pg_temp.by('anon', 'select public.is_window_open(null)'), '42501', 'anon cannot ask');

-- Deleting a thread keeps what was said, and sends nothing more into it.

insert into public.messages (id, workspace_id, conversation_id, direction, type, content)
values (md5('heard')::uuid, md5('home')::uuid, md5('dana')::uuid, 'inbound', 'text', '{"body": "hello"}');
insert into public.messages (id, workspace_id, conversation_id, type, content) values
  (md5('waiting')::uuid, md5('home')::uuid, md5('dana')::uuid, 'text', '{"body": "on the wire"}'),
  (md5('queued')::uuid, md5('home')::uuid, md5('dana')::uuid, 'text', '{"body": "never sent"}');
create temporary table claimed on commit drop as select * from public.claim_outbound(10, 60);
select is(
  pg_temp.by('service_role', 'delete from public.conversations where id = md5($$dana$$)::uuid'), '1', 'the backend deletes a thread');
select results_eq(
  $$select content ->> 'body', conversation_id, status, error ->> 'code' from public.messages
    where id in (md5('heard')::uuid, md5('waiting')::uuid, md5('queued')::uuid) order by seq$$,
  $$values ('hello', null::uuid, 'received', null), ('on the wire', null, 'failed', 'outcome_unknown'),
    ('never sent', null, 'canceled', null)$$,
  'its messages stay; what was queued is canceled, what was on the wire is unknown');
select is(
  (select count(*) from private.conversation_identifiers where conversation_id = md5('dana')::uuid), 0::bigint,
  'nobody is led there any more');
select is(
  (select count(*) from public.outbox where message_id in (md5('waiting')::uuid, md5('queued')::uuid)), 0::bigint,
  'nothing of it will be sent');
select is(
  public.record_outbound((select jsonb_agg(jsonb_build_object('message_id', message_id, 'lease_token', lease_token,
    'outcome', 'retry', 'retry_after', 1)) from claimed)), 0, 'its sender holds it no more');
select is(
  public.record_inbound('[]', '[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'conversations-home',
    'wamid', 'wamid.deleted', 'status', 'sent', 'participant', '', 'occurred_at', now(), 'callback_data', md5('waiting')::uuid))),
  0, 'WhatsApp reports on the one that was on the wire');
select results_eq(
  $$select status, wamid, failed_at, error from public.messages where id = md5('waiting')::uuid$$,
  $$values ('sent', 'wamid.deleted', null::timestamptz, null::jsonb)$$, 'which tells the truth about it');
select lives_ok(
  $$insert into public.conversations (workspace_id, connection_id, phone)
    values (md5('home')::uuid, md5('home number')::uuid, '972501234567')$$, 'the same person may come again');
select is(
  pg_temp.by('agent', 'select count(*) from public.messages where content ->> $$body$$ = $$hello$$'), '1',
  'and the former messages are still the workspace''s');

select * from finish();
rollback;
