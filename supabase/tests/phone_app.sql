-- A number that a phone app shares: what is sent there, and what its history tells. Neither is ever sent again.
begin;
select plan(21);

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
values (md5('home number')::uuid, md5('home')::uuid, 'app-home'), (md5('away number')::uuid, md5('away')::uuid, 'app-away');
create function pg_temp.ago(span interval) returns timestamptz language sql as $$ select now() - span $$;
-- One message as the receiver gives it: an echo of the app, and one of the history.
create function pg_temp.told(wamid text, sender text, fields jsonb) returns integer language sql as $$
  select public.record_inbound('[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'app-home', 'wamid', wamid, 'wa_id', sender,
    'type', 'text', 'content', jsonb_build_object('body', wamid), 'occurred_at', pg_temp.ago('1 hour')) || fields), '[]')
$$;
create function pg_temp.echoed(wamid text, sender text, fields jsonb default '{}') returns integer language sql as $$
  select pg_temp.told(wamid, sender, '{"direction": "outbound", "status": "sent"}' || fields)
$$;
create function pg_temp.past(wamid text, sender text, fields jsonb default '{}') returns integer language sql as $$
  select pg_temp.told(wamid, sender, '{"imported": true}' || fields)
$$;
create function pg_temp.shown(sender text, out unread integer, out window_at timestamptz, out preview text, out direction text, out status text)
language sql as $$
  select unread_count, window_expires_at, last_message_preview, last_message_direction, conversations.status
  from public.conversations where connection_id = md5('home number')::uuid and phone = sender
$$;
create function pg_temp.wanted() returns bigint language sql as $$ select count(*) from public.outbox where workspace_id = md5('home')::uuid $$;

-- Sent in the app

select pg_temp.echoed('hello', '972500000001');
select results_eq(
  $$select direction, status, imported, sent_at, sent_by, occurred_at from public.messages where wamid = 'hello'$$,
  $$values ('outbound', 'sent', false, pg_temp.ago('1 hour'), null::uuid, pg_temp.ago('1 hour'))$$, 'what the app sends has been sent, then, by nobody here');
select results_eq(
  $$select * from pg_temp.shown('972500000001')$$, $$values (0, null::timestamptz, 'hello', 'outbound', 'open')$$,
  'it begins a thread without anything to read and without a window');
select is(
  (select contact.phone from public.conversations as thread join public.contacts as contact on contact.id = thread.contact_id where thread.phone = '972500000001'),
  '+972500000001', 'with the contact that it was sent to');
select is(
  pg_temp.by('agent', $$insert into public.messages (conversation_id, type, content)
    select id, 'text', '{"body": "free"}' from public.conversations where phone = '972500000001'$$), 'WA001', 'nothing free-form goes there');
select pg_temp.told('question', '972500000002', jsonb_build_object('occurred_at', pg_temp.ago('3 hours')));
select pg_temp.echoed('answer', '972500000002');
select results_eq(
  $$select * from pg_temp.shown('972500000002')$$,
  $$values (1, pg_temp.ago('3 hours') + interval '24 hours', 'answer', 'outbound', 'open')$$,
  'an answer out of the app is the newest, reads nothing away and moves no window');
update public.conversations set status = 'archived' where phone = '972500000002' and connection_id = md5('home number')::uuid;
select pg_temp.echoed('bye', '972500000002');
select is((pg_temp.shown('972500000002')).status, 'archived', 'nor does it bring an archived thread back');
select pg_temp.echoed('hello', '972500000001');
select is((select count(*) from public.messages where wamid = 'hello'), 1::bigint, 'told twice it is one');
select is(pg_temp.wanted(), 0::bigint, 'and none of it goes out again');
select public.record_inbound('[]', '[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'app-home', 'wamid', 'early', 'status', 'read',
  'participant', '', 'occurred_at', pg_temp.ago('1 minute'))));
select pg_temp.echoed('early', '972500000001');
select results_eq(
  $$select status, read_at from public.messages where wamid = 'early'$$, $$values ('read', pg_temp.ago('1 minute'))$$, 'a report that came before it holds');
select is(pg_temp.wanted(), 0::bigint, 'and wants nothing sent either');

-- Out of the phone's history

select pg_temp.past('long ago', '972500000003', jsonb_build_object('occurred_at', pg_temp.ago('90 days'), 'profile_name', 'Noa'));
select results_eq(
  $$select direction, status, imported, sent_at from public.messages where wamid = 'long ago'$$,
  $$values ('inbound', 'received', true, null::timestamptz)$$, 'what a customer wrote before is there');
select results_eq(
  $$select * from pg_temp.shown('972500000003')$$,
  $$values (0, pg_temp.ago('90 days') + interval '24 hours', 'long ago', 'inbound', 'open')$$, 'read long since, its window long closed');
select pg_temp.past('our past', '972500000003', jsonb_build_object('direction', 'outbound', 'status', 'delivered', 'occurred_at', pg_temp.ago('89 days')));
select results_eq(
  $$select status, imported, sent_at from public.messages where wamid = 'our past'$$,
  $$values ('delivered', true, pg_temp.ago('89 days'))$$, 'what the business wrote came as far as the phone says');
select results_eq(
  $$select * from pg_temp.shown('972500000003')$$,
  $$values (0, pg_temp.ago('90 days') + interval '24 hours', 'our past', 'outbound', 'open')$$, 'and is the newest there');
select pg_temp.past('pending', '972500000003', jsonb_build_object('direction', 'outbound', 'status', 'sent', 'occurred_at', pg_temp.ago('88 days')));
select pg_temp.past('refused', '972500000003', jsonb_build_object('direction', 'outbound', 'status', 'failed', 'occurred_at', pg_temp.ago('87 days')));
select is(pg_temp.wanted(), 0::bigint, 'what never left the phone, or failed there, is nothing to send');
update public.conversations set status = 'archived' where phone = '972500000003';
select pg_temp.past('older', '972500000003', jsonb_build_object('occurred_at', pg_temp.ago('91 days')));
select results_eq(
  $$select unread, preview, status from pg_temp.shown('972500000003')$$, $$values (0, 'refused', 'archived')$$, 'older ones change nothing of the list');

-- Both live and as history

select pg_temp.past('twice', '972500000004', jsonb_build_object('occurred_at', pg_temp.ago('2 hours')));
select pg_temp.told('twice', '972500000004', jsonb_build_object('occurred_at', pg_temp.ago('2 hours')));
select results_eq(
  $$select unread, window_at, (select imported from public.messages where wamid = 'twice') from pg_temp.shown('972500000004')$$,
  $$values (1, pg_temp.ago('2 hours') + interval '24 hours', false)$$, 'what comes live as well is live, and unread');
select pg_temp.told('live', '972500000005', '{}');
select pg_temp.past('live', '972500000005');
select results_eq(
  $$select unread, (select imported from public.messages where wamid = 'live') from pg_temp.shown('972500000005')$$,
  $$values (1, false)$$, 'whichever came first');
select pg_temp.echoed('far', '972500000001');
select pg_temp.past('far', '972500000001', '{"direction": "outbound", "status": "read"}');
select results_eq(
  $$select status, imported from public.messages where wamid = 'far'$$, $$values ('read', false)$$, 'an echo is as far as the history says');
select pg_temp.echoed('far', '972500000001');
select is((select status from public.messages where wamid = 'far'), 'read', 'and never back');

-- All of it

select is_empty(
  $$select thread.phone from public.conversations as thread cross join lateral private.stats_of(array[thread.id]) as truth
    where (thread.unread_count, thread.window_expires_at, thread.last_message_at, thread.last_message_preview, thread.last_message_direction)
      is distinct from (truth.unread_count, truth.window_expires_at, truth.last_message_at, truth.last_message_preview, truth.last_message_direction)$$,
  'every thread is true to its messages');

select * from finish();
rollback;
