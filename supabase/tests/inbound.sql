-- From a webhook body to rows: the journal, its lease, and what record_inbound makes of messages and reports.
begin;
select plan(72);

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
values (md5('home number')::uuid, md5('home')::uuid, 'inbound-home'), (md5('away number')::uuid, md5('away')::uuid, 'inbound-away');
create function pg_temp.item(wamid text, sender text, fields jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_object('phone_number_id', 'inbound-home', 'wamid', wamid, 'wa_id', sender, 'type', 'text',
    'content', jsonb_build_object('body', wamid), 'occurred_at', now() - interval '1 hour') || fields
$$;
-- record_inbound as the backend calls it; gives what it answers, or the SQLSTATE.
create function pg_temp.record(messages jsonb, statuses jsonb default '[]', events jsonb default '[]', workspace text default null)
returns text language sql as $$
  select pg_temp.by('service_role', format('select public.record_inbound(%L, %L, %L, %L)', events, messages, statuses, md5(workspace)::uuid))
$$;

-- receive_inbound: the commit before the 200

create temporary table journal as
select row_number() over () as place, id from unnest(public.receive_inbound(
  e'360dialog\x1finbound-home\x1f\x1f{"a": "\\u0000 \\ud800",  "b":1}' || e'\x1e' || e'meta\x1f\x1f\x1f{}' || e'\x1e' || e'360dialog\x1f\x1fwaba\x1f{"b":3}')) as id;
grant select on journal to service_role;
select is((select count(*) from journal), 3::bigint, 'three bodies are committed at once');
select results_eq(
  'select provider, phone_number_id, waba_id, body::text from public.webhook_events join journal using (id) order by place',
  $$values ('360dialog', 'inbound-home', null, '{"a": "\u0000 \ud800",  "b":1}'), ('meta', null, null, '{}'), ('360dialog', null, 'waba', '{"b":3}')$$,
  'in their order, byte for byte');
select is(
  pg_temp.by('service_role', $$select cardinality(public.receive_inbound(e'meta\x1f\x1f\x1f{}'))$$), '1', 'the backend may');
select is(
  pg_temp.by('owner', $$select public.receive_inbound(e'meta\x1f\x1f\x1f{}')$$), '42501', 'an owner may not');
select is(pg_temp.by('anon', $$select public.receive_inbound(e'meta\x1f\x1f\x1f{}')$$), '42501', 'anon may not');
select is(
  pg_temp.by('service_role', $$select public.receive_inbound(e'meta\x1f\x1f\x1f{"a":')$$), '22P02', 'half a body is refused');
select is(
  pg_temp.by('service_role', $$select public.receive_inbound(e'telegram\x1f\x1f\x1f{}')$$), '23514', 'and so is a provider nobody knows');
select is(pg_temp.by('owner', 'select count(*) from public.webhook_events'), '42501', 'members do not read the journal');
select is(
  pg_temp.by('owner', $$select public.record_inbound('[]', '[]', '[]')$$), '42501', 'and do not write what customers said');
select is(pg_temp.by('anon', $$select public.record_inbound('[]', '[]', '[]')$$), '42501', 'nor does anon');

-- claim, release, sweep: events that nobody finished

select is(
  (select count(*) from public.claim_inbound(1000, 30) join journal using (id)), 0::bigint,
  'what was just received is still in its receiver''s hands');
update public.webhook_events set lease_expires_at = now() where id in (select id from journal);
select results_eq(
  'select attempts, body from public.claim_inbound(1000, 30) join journal using (id) where place = 2',
  $$values (1, '{}')$$, 'after its time a sweep takes it over');
select is((select count(*) from public.claim_inbound(1000, 30) join journal using (id)), 0::bigint, 'and holds it');
select is(
  pg_temp.by('service_role', 'select public.release_inbound(array(select id from journal))'), '3', 'released events');
select is(
  (select count(*) from public.claim_inbound(1000, 0) join journal using (id) where attempts = 1), 3::bigint,
  'are claimed at once, as new');
select is(
  (select count(*) from public.claim_inbound(1000, 0) join journal using (id) where attempts = 2), 3::bigint,
  'each broken lease counts');
select cmp_ok(pg_temp.by('service_role', 'select public.sweep_inbound(3)')::int, '>=', 0, 'a sweep below the bound');
select is((select count(*) from public.webhook_events join journal using (id) where state = 'received'), 3::bigint, 'ends nothing');
select cmp_ok(pg_temp.by('service_role', 'select public.sweep_inbound(2)')::int, '>=', 3, 'a sweep at the bound');
select results_eq(
  'select distinct state, error from public.webhook_events join journal using (id)',
  $$values ('failed', 'gave up after 2 attempts')$$, 'ends what breaks every attempt, with its reason');
select is((select count(*) from public.claim_inbound(1000, 0) join journal using (id)), 0::bigint, 'it blocks nobody');
select is(public.release_inbound(array(select id from journal)), 3, 'and stays replayable');
-- Nothing of anybody else's is next.
update public.webhook_events set lease_expires_at = now() + interval '1 hour' where state = 'received' and id not in (select id from journal);
update public.webhook_events set attempts = 2, lease_expires_at = now() - interval '1 s' where id = (select min(id) from journal);
select is((select array_agg(attempts) from public.claim_inbound(1000, 30)), '{3}', 'what two have left goes alone');
select is((select array_agg(attempts) from public.claim_inbound(1000, 30)), '{1,1}', 'the others after it');
update public.webhook_events set attempts = 2, lease_expires_at = now() where id = (select max(id) from journal);
update public.webhook_events set lease_expires_at = now() - interval '1 s' where id in (select id from journal where place = 2);
select is((select array_agg(attempts) from public.claim_inbound(1000, 30)), '{2}', 'or before it, and never with it');
select is((select array_agg(attempts) from public.claim_inbound(1000, 30)), '{3}', 'and its own turn comes');
select is(pg_temp.by('owner', 'select count(*) from public.claim_inbound()'), '42501', 'an owner claims nothing');
select is(pg_temp.by('owner', $$select public.release_inbound('{1}')$$), '42501', 'releases nothing');
select is(pg_temp.by('anon', 'select public.sweep_inbound()'), '42501', 'and anon sweeps nothing');

-- record_inbound: one event

select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.1', '972501234567', '{"profile_name": "dana"}')), '[]',
    (select jsonb_build_array(jsonb_build_object('id', id, 'numbers', jsonb_build_array(jsonb_build_object('phone_number_id', 'inbound-home'))))
     from journal where place = 1)), '1', 'a first message comes');
select results_eq(
  $$select thread.phone, thread.phone_number_id, contact.phone, contact.profile_name, message.direction, message.status, message.occurred_at
    from public.messages as message
    join public.conversations as thread on thread.id = message.conversation_id
    join public.contacts as contact on contact.id = thread.contact_id
    where message.wamid = 'wamid.1'$$,
  $$values ('972501234567', 'inbound-home', '+972501234567', 'dana', 'inbound', 'received', now() - interval '1 hour')$$,
  'it has a thread, and the thread a contact');
select results_eq(
  'select state, error, processed_at from public.webhook_events join journal using (id) where place = 1',
  $$values ('processed', null::text, now())$$, 'and its event is closed');
create temporary view everything as select
  (select count(*) from public.messages where workspace_id = md5('home')::uuid) as messages,
  (select count(*) from public.conversations where workspace_id = md5('home')::uuid) as conversations,
  (select count(*) from public.contacts where workspace_id = md5('home')::uuid) as contacts,
  (select count(*) from public.message_statuses where workspace_id = md5('home')::uuid) as statuses,
  (select sum(unread_count) from public.conversations where workspace_id = md5('home')::uuid) as unread;
create temporary table once as select * from everything;
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.1', '972501234567'), pg_temp.item('wamid.1', '972501234567'))), '2',
  'the same again, twice in a batch');
select results_eq('select * from everything', 'select * from once', 'leaves the same rows');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.2', '972501234567', '{"content": {"body": "first"}}'),
    pg_temp.item('wamid.2', '972501234567', '{"content": {"body": "second"}}'))), '2', 'a wamid twice with different texts');
select results_eq(
  $$select content ->> 'body' from public.messages where wamid = 'wamid.2'$$, $$values ('first')$$, 'is what came first');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.3', '972501234567', jsonb_build_object('occurred_at', null, 'event_id', (select id from journal where place = 1))))),
  '1', 'a message without a time that makes sense');
select results_eq(
  $$select message.occurred_at from public.messages as message where wamid = 'wamid.3'$$,
  'select received_at from public.webhook_events join journal using (id) where place = 1', 'has that of its receipt');

-- Unrouted, failed, default workspace

select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.4', '972501234567', '{"phone_number_id": "inbound-later"}')), '[]',
    (select jsonb_build_array(jsonb_build_object('id', id, 'numbers', jsonb_build_array(jsonb_build_object('phone_number_id', 'inbound-later'))))
     from journal where place = 2)), '1', 'a number nobody has connected');
select results_eq(
  'select state, error from public.webhook_events join journal using (id) where place = 2',
  $$values ('unrouted', 'no connection for inbound-later')$$, 'is kept as unrouted');
select is((select count(*) from public.messages where wamid = 'wamid.4'), 0::bigint, 'and belongs to nobody');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.5', '972501234567')), '[]',
    (select jsonb_build_array(jsonb_build_object('id', id, 'numbers', '[]'::jsonb, 'problem', 'message 1: has no id'))
     from journal where place = 3)), '1', 'an event with a bad item');
select results_eq(
  'select state, error from public.webhook_events join journal using (id) where place = 3',
  $$values ('failed', 'message 1: has no id')$$, 'says what is wrong');
select is((select count(*) from public.messages where wamid = 'wamid.5'), 1::bigint, 'and its good item is applied');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.4', '972501234567', '{"phone_number_id": "inbound-later"}')), '[]',
    (select jsonb_build_array(jsonb_build_object('id', id, 'numbers', jsonb_build_array(jsonb_build_object('phone_number_id', 'inbound-later', 'provider', 'meta', 'waba_id', 'w'))))
     from journal where place = 2), 'home'), '1', 'in single-workspace mode with the one number taken');
select results_eq(
  'select state from public.webhook_events join journal using (id) where place = 2', $$values ('unrouted')$$,
  'the limit holds and the event waits');
select is(
  pg_temp.record('[]', '[]', (select jsonb_build_array(jsonb_build_object('id', id, 'numbers', jsonb_build_array(jsonb_build_object('phone_number_id', 'inbound-later', 'provider', 'meta'))))
    from journal where place = 2), 'no such workspace'), '0', 'with a default workspace that does not exist it waits too');
update public.workspaces set connection_limit = 2 where id = md5('home')::uuid;
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.4', '972501234567', '{"phone_number_id": "inbound-later"}')), '[]',
    (select jsonb_build_array(jsonb_build_object('id', id, 'numbers', jsonb_build_array(jsonb_build_object('phone_number_id', 'inbound-later', 'provider', 'meta', 'waba_id', 'w'))))
     from journal where place = 2), 'home'), '1', 'with room for it');
select results_eq(
  $$select workspace_id, provider, waba_id, status from public.whatsapp_connections where phone_number_id = 'inbound-later'$$,
  $$values (md5('home')::uuid, 'meta', 'w', 'active')$$, 'the number connects itself');
select results_eq(
  'select state, error from public.webhook_events join journal using (id) where place = 2', $$values ('processed', null::text)$$,
  'and the replayed event is applied');
select is(
  (select count(distinct conversation_id) from public.messages where wamid in ('wamid.1', 'wamid.4')), 2::bigint,
  'one person and two numbers are two threads');
select is(
  (select count(*) from public.contacts where workspace_id = md5('home')::uuid), 1::bigint, 'and one contact');
select is(
  pg_temp.by('stranger', $$select count(*) from public.messages where wamid like 'wamid._'$$), '0', 'a stranger hears nothing of it');

-- People

select is(
  pg_temp.record(jsonb_build_array(
    pg_temp.item('wamid.10', '491511', '{"profile_name": "E"}'), pg_temp.item('wamid.11', '491511', '{"profile_name": "Eva"}'),
    pg_temp.item('wamid.12', '491511', '{"bsuid": "DE.eva"}'), pg_temp.item('wamid.13', null, '{"bsuid": "DE.eva", "parent_bsuid": "DE.parent"}'))), '4',
  'one person four times in a batch: two names, a phone, a user id, both');
select is(
  (select count(distinct conversation_id) from public.messages where wamid in ('wamid.10', 'wamid.11', 'wamid.12', 'wamid.13')), 1::bigint,
  'is one thread');
select results_eq(
  $$select phone, bsuid, unread_count from public.conversations where bsuid = 'DE.eva'$$, $$values ('491511', 'DE.eva', 4)$$,
  'that knows both');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.14', null, '{"bsuid": "DE.new", "parent_bsuid": "DE.parent"}'))), '1', 'a parent id leads there');
select is(
  (select conversation_id from public.messages where wamid = 'wamid.14'),
  (select conversation_id from public.messages where wamid = 'wamid.10'), 'too');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.20', null, '{"bsuid": "IL.user", "profile_name": "anon"}'))), '1', 'a username user without a phone');
select results_eq(
  $$select thread.phone, contact.phone, contact.profile_name from public.conversations as thread
    join public.contacts as contact on contact.id = contact_id where thread.bsuid = 'IL.user'$$,
  $$values (null::text, null::text, 'anon')$$, 'has a thread and a contact without one');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.21', '97259', '{"bsuid": "IL.user"}'))), '1', 'and shows a phone later');
select results_eq(
  $$select thread.phone, contact.phone from public.conversations as thread join public.contacts as contact on contact.id = contact_id where thread.bsuid = 'IL.user'$$,
  $$values ('97259', '+97259')$$, 'which the same thread takes, with a contact');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.22', '5511987654321'), pg_temp.item('wamid.23', '551187654321'))), '2', 'a Brazilian with and without the ninth digit');
select is(
  (select count(distinct conversation_id) from public.messages where wamid in ('wamid.22', 'wamid.23')), 1::bigint, 'is one thread');
update public.contacts set name = 'Dana Levi' where phone = '+972501234567' and workspace_id = md5('home')::uuid;
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.24', '972501234567', jsonb_build_object('profile_name', 'dana ✨', 'occurred_at', now())))), '1', 'a new profile name');
select results_eq(
  $$select name, profile_name from public.contacts where phone = '+972501234567' and workspace_id = md5('home')::uuid$$,
  $$values ('Dana Levi', 'dana ✨')$$, 'is kept beside the name a person gave');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.25', '972501234567'))), '1', 'no profile name');
select results_eq(
  $$select profile_name from public.contacts where phone = '+972501234567' and workspace_id = md5('home')::uuid$$,
  $$values ('dana ✨')$$, 'takes none away');

-- Files

select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.30', '972501234567',
    '{"type": "image", "content": {"caption": "look"}, "media_id": "m1", "media_mime_type": "image/png", "media_sha256": "c2hh", "media_filename": "a.png"}'))),
  '1', 'a picture comes');
select results_eq(
  $$select media_status, media_mime_type, media_filename, file.media_id, file.sha256, file.deadline
    from public.messages as message join public.media_downloads as file on file.message_id = message.id where wamid = 'wamid.30'$$,
  $$values ('pending', 'image/png', 'a.png', 'm1', 'c2hh', now() - interval '1 hour' + interval '7 days')$$, 'and is to be fetched before WhatsApp forgets it');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.item('wamid.30', '972501234567', '{"type": "image", "media_id": "m1"}'))), '1', 'again');
select is(
  (select count(*) from public.media_downloads join public.messages on id = message_id where wamid = 'wamid.30'), 1::bigint, 'it is fetched once');

select * from finish();
rollback;
