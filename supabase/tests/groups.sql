-- Groups: whoever writes there writes into one thread, which is nobody's; everybody in it is somebody.
begin;
select plan(22);

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
values (md5('home number')::uuid, md5('home')::uuid, 'groups-home'), (md5('away number')::uuid, md5('away')::uuid, 'groups-away');
-- One message as the receiver gives it; in a group unless the fields say otherwise.
create function pg_temp.item(wamid text, minutes integer, fields jsonb) returns jsonb language sql as $$
  select jsonb_build_object('phone_number_id', 'groups-home', 'wamid', wamid, 'group_id', 'G1', 'type', 'text',
    'content', jsonb_build_object('body', wamid), 'occurred_at', '2026-11-01 12:00+00'::timestamptz + make_interval(mins => minutes)) || fields
$$;
create function pg_temp.wrote(wamid text, minutes integer, fields jsonb) returns integer language sql as $$
  select public.record_inbound('[]', jsonb_build_array(pg_temp.item(wamid, minutes, fields)), '[]')
$$;
create function pg_temp.contact(number text) returns setof public.contacts language sql as $$
  select * from public.contacts where workspace_id = md5('home')::uuid and number in (phone, bsuid)
$$;

-- Two people, one thread

select pg_temp.wrote('alone', 0, '{"group_id": null, "wa_id": "972500000001", "profile_name": "Dana"}');
create temporary table before as select * from public.conversations where phone = '972500000001' and workspace_id = md5('home')::uuid;
select is(public.record_inbound('[]', jsonb_build_array(
  pg_temp.item('one', 1, '{"wa_id": "972500000001", "profile_name": "Dana"}'),
  pg_temp.item('two', 2, '{"wa_id": "972500000002", "bsuid": "IL.2", "profile_name": "Ben"}')), '[]'), 2, 'two people write in a group');
select results_eq(
  $$select phone, bsuid, contact_id, group_id, unread_count, last_message_preview, last_message_direction
    from public.conversations where workspace_id = md5('home')::uuid and group_id is not null$$,
  $$values (null::text, null::text, null::uuid, 'G1', 2, 'two', 'inbound')$$, 'which is one thread, without phone, user id or contact');
select results_eq(
  $$select message.wamid, message.wa_id, message.bsuid, message.profile_name from public.messages as message
    join public.conversations as thread on thread.id = message.conversation_id where thread.group_id = 'G1' order by message.occurred_at$$,
  $$values ('one', '972500000001', null::text, 'Dana'), ('two', '972500000002', 'IL.2', 'Ben')$$, 'each message says who wrote it');
select results_eq(
  $$select * from public.conversations where phone = '972500000001' and workspace_id = md5('home')::uuid$$, 'select * from before',
  'one''s own thread hears nothing of it');
select is(
  (select count(*) from public.conversations where workspace_id = md5('home')::uuid), 2::bigint, 'and whoever had none has none');
select pg_temp.wrote('three', 3, '{"wa_id": "972500000003"}');
select pg_temp.wrote('other', 4, '{"wa_id": "972500000001", "group_id": "G2"}');
select results_eq(
  $$select group_id, unread_count from public.conversations where workspace_id = md5('home')::uuid and group_id is not null order by group_id$$,
  $$values ('G1', 3), ('G2', 1)$$, 'others come there later, and another group is another thread');
select pg_temp.wrote('there', 5, '{"wa_id": "972500000001", "phone_number_id": "groups-away"}');
select is(
  (select count(*) from public.conversations where group_id = 'G1'), 2::bigint, 'as is that of another number');

-- Who they are

select results_eq(
  $$select phone, profile_name from public.contacts where workspace_id = md5('home')::uuid order by phone$$,
  $$values ('+972500000001', 'Dana'), ('+972500000002', 'Ben'), ('+972500000003', null)$$, 'everybody is a contact, once');
select pg_temp.wrote('renamed', 10, '{"wa_id": "972500000002", "profile_name": "Benny"}');
select pg_temp.wrote('late', 9, '{"wa_id": "972500000002", "profile_name": "Benjamin"}');
select results_eq($$select profile_name from pg_temp.contact('+972500000002')$$, $$values ('Benny')$$, 'called as they were last');
select pg_temp.wrote('username', 11, '{"bsuid": "IL.5", "profile_name": "Eva"}');
select results_eq(
  $$select phone, profile_name from pg_temp.contact('IL.5')$$, $$values (null::text, 'Eva')$$, 'so is somebody who shows a username only');
select pg_temp.wrote('username late', 10, '{"bsuid": "IL.5", "profile_name": "E"}');
select pg_temp.wrote('username again', 12, '{"bsuid": "IL.5"}');
select results_eq($$select profile_name from pg_temp.contact('IL.5')$$, $$values ('Eva')$$, 'an older name is none, nor is no name');
select pg_temp.wrote('own', 13, '{"group_id": null, "bsuid": "IL.5", "profile_name": "Eva"}');
select results_eq(
  $$select thread.group_id, contact.profile_name from public.messages as message
    join public.conversations as thread on thread.id = message.conversation_id
    join public.contacts as contact on contact.id = thread.contact_id where message.wamid = 'own'$$,
  $$values (null::text, 'Eva')$$, 'who then writes alone has a thread of their own, with that contact');
select is((select count(*) from pg_temp.contact('IL.5')), 1::bigint, 'and no other');
select pg_temp.wrote('fay', 1, '{"group_id": null, "bsuid": "IL.7", "profile_name": "Fay"}');
select pg_temp.wrote('faye', 9, '{"bsuid": "IL.7", "profile_name": "Faye"}');
select results_eq($$select profile_name from pg_temp.contact('IL.7')$$, $$values ('Faye')$$, 'a later name that only the group has heard is theirs');
select is(public.verify_inbound(md5('home number')::uuid, jsonb_build_array(
  pg_temp.item('fay', 1, '{"group_id": null, "bsuid": "IL.7", "profile_name": "Fay"}')), '[]', '[]', now()), '[]', 'and no difference to the journal');

-- Who goes on under another number or user id, and is still told of under the old one

create function pg_temp.known(numbers text) returns text language sql as $$
  select string_agg(concat_ws(' ', phone, bsuid, profile_name), ', ' order by phone, bsuid) from public.contacts
  where workspace_id = md5('home')::uuid and coalesce(phone, bsuid) like numbers
$$;
select pg_temp.wrote('p.1', 1, '{"group_id": null, "wa_id": "972501000008", "profile_name": "Gil"}'), pg_temp.wrote('p.2', 2, '{"wa_id": "972501000008", "profile_name": "Gili"}'),
  pg_temp.wrote('i.1', 1, '{"group_id": null, "bsuid": "IL.8a", "profile_name": "Hila"}'), pg_temp.wrote('i.2', 2, '{"bsuid": "IL.8a", "profile_name": "Hili"}');
select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(
  jsonb_build_object('kind', 'identity', 'phone_number_id', 'groups-home', 'occurred_at', now(), 'wa_id', '972501000008', 'new_wa_id', '972509000008'),
  jsonb_build_object('kind', 'identity', 'phone_number_id', 'groups-home', 'occurred_at', now(), 'bsuid', 'IL.8a', 'new_bsuid', 'IL.8b')));
select is(concat_ws(', ', pg_temp.known('+97250%8'), pg_temp.known('IL.8%')), '+972509000008 Gili, IL.8b Hili', 'two who are known alone and in a group change their ids');
select pg_temp.wrote('p.2', 2, '{"wa_id": "972501000008", "profile_name": "Gili"}'), pg_temp.wrote('i.2', 2, '{"bsuid": "IL.8a", "profile_name": "Hili"}');
select is(concat_ws(', ', pg_temp.known('+97250%8'), pg_temp.known('IL.8%')), '+972509000008 Gili, IL.8b Hili', 'what they wrote before, told again, makes nobody new');
select pg_temp.wrote('p.3', 3, '{"wa_id": "972501000008", "profile_name": "Gilad"}'), pg_temp.wrote('i.3', 3, '{"bsuid": "IL.8a", "profile_name": "Hil"}');
select is(concat_ws(', ', pg_temp.known('+97250%8'), pg_temp.known('IL.8%')), '+972509000008 Gilad, IL.8b Hil', 'and told late it says what they were called');
select is(public.verify_inbound(md5('home number')::uuid, jsonb_build_array(
    pg_temp.item('p.1', 1, '{"group_id": null, "wa_id": "972501000008", "profile_name": "Gil"}')), '[]',
    jsonb_build_array(jsonb_build_object('kind', 'identity', 'occurred_at', now(), 'wa_id', '972501000008', 'new_wa_id', '972509000008')), now()),
  '[]', 'which is no difference either');

-- What belongs to the group stays there

select pg_temp.wrote('edit', 20, '{"wa_id": "972500000002", "type": "edit", "reply_to_wamid": "two",
  "content": {"message": {"type": "text", "text": {"body": "two and a half"}}}}');
select results_eq(
  $$select message.content ->> 'body', thread.group_id from public.messages as message
    join public.conversations as thread on thread.id = message.conversation_id where message.wamid = 'two'$$,
  $$values ('two and a half', 'G1')$$, 'an edit changes what its author wrote there');
select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(jsonb_build_object('kind', 'identity', 'phone_number_id', 'groups-home',
  'occurred_at', now(), 'wa_id', '972500000002', 'new_wa_id', '972500000009')));
select results_eq(
  $$select phone, group_id from public.conversations where group_id = 'G1' and workspace_id = md5('home')::uuid$$, $$values (null::text, 'G1')$$,
  'a number that changes in it leaves it a group');
select is_empty(
  $$select thread.id from public.conversations as thread cross join lateral private.stats_of(array[thread.id]) as truth
    where (thread.unread_count, thread.window_expires_at, thread.last_message_at, thread.last_message_preview, thread.last_message_direction)
      is distinct from (truth.unread_count, truth.window_expires_at, truth.last_message_at, truth.last_message_preview, truth.last_message_direction)$$,
  'every thread is true to its messages');

select * from finish();
rollback;
