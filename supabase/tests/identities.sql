-- People who go on under another number or user id: told in the thread and beside it, in one second, in any order.
begin;
select plan(20);

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
values (md5('home number')::uuid, md5('home')::uuid, 'identities-home'), (md5('away number')::uuid, md5('away')::uuid, 'identities-away');
create function pg_temp.at(minutes integer) returns timestamptz language sql as $$
  select '2026-11-01 12:00+00'::timestamptz + make_interval(mins => minutes)
$$;
create function pg_temp.item(wamid text, minutes integer, fields jsonb) returns jsonb language sql as $$
  select jsonb_build_object('phone_number_id', 'identities-home', 'wamid', wamid, 'type', 'text', 'content', jsonb_build_object('body', wamid),
    'occurred_at', pg_temp.at(minutes)) || fields
$$;
create function pg_temp.wrote(wamid text, minutes integer, fields jsonb) returns integer language sql as $$
  select public.record_inbound('[]', jsonb_build_array(pg_temp.item(wamid, minutes, fields)), '[]')
$$;
-- A system message as the receiver gives it: the message under the old ids, and of the same second the change.
create function pg_temp.changed(wamid text, minutes integer, old jsonb, new jsonb, kind text default 'user_changed_number') returns integer language sql as $$
  select public.record_inbound('[]', jsonb_build_array(pg_temp.item(wamid, minutes, old || jsonb_build_object('type', 'system',
      'content', jsonb_build_object('type', kind, 'body', 'changed')))), '[]', null,
    jsonb_build_array(jsonb_build_object('kind', 'identity', 'phone_number_id', 'identities-home', 'occurred_at', pg_temp.at(minutes)) || old || new))
$$;
-- As the field user_id_update tells it: the change alone.
create function pg_temp.updated(minutes integer, ids jsonb) returns integer language sql as $$
  select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(
    jsonb_build_object('kind', 'identity', 'phone_number_id', 'identities-home', 'occurred_at', pg_temp.at(minutes)) || ids))
$$;
-- The thread that a message is in, and the contact behind it.
create function pg_temp.who(name text, out phone text, out bsuid text, out contact_phone text, out contact_bsuid text, out wamids text) language sql as $$
  select thread.phone, thread.bsuid, contact.phone, contact.bsuid,
    (select string_agg(one.wamid, ' ' order by one.occurred_at, one.wamid) from public.messages as one where one.conversation_id = thread.id)
  from public.messages as message
  join public.conversations as thread on thread.id = message.conversation_id
  left join public.contacts as contact on contact.id = thread.contact_id
  where message.wamid = who.name and message.connection_id = md5('home number')::uuid
$$;

-- A number: up and down, since no order of the numbers themselves may matter

select pg_temp.wrote('u.1', 1, '{"wa_id": "972501000001", "profile_name": "Noa"}');
select pg_temp.changed('u.2', 2, '{"wa_id": "972501000001"}', '{"new_wa_id": "972509000001"}');
select results_eq(
  $$select * from pg_temp.who('u.1')$$, $$values ('972509000001', null::text, '+972509000001', null::text, 'u.1 u.2')$$,
  'a changed number is the thread''s and the contact''s, and WhatsApp''s word of it stands in the thread');
select results_eq(
  $$select unread_count, last_message_preview, last_message_at from public.conversations where phone = '972509000001'$$,
  $$values (1, 'u.1', pg_temp.at(1))$$, 'which counts as nothing that the customer wrote');
select pg_temp.changed('u.2', 2, '{"wa_id": "972501000001"}', '{"new_wa_id": "972509000001"}');
select is((pg_temp.who('u.1')).phone, '972509000001', 'told again it is the same');
select pg_temp.wrote('u.3', 3, '{"wa_id": "972509000001"}');
select is((pg_temp.who('u.3')).wamids, 'u.1 u.2 u.3', 'what the new number writes comes there');
select pg_temp.wrote('d.1', 1, '{"wa_id": "972509000002"}');
select pg_temp.changed('d.2', 2, '{"wa_id": "972509000002"}', '{"new_wa_id": "972501000002"}');
select results_eq(
  $$select phone, contact_phone, wamids from pg_temp.who('d.1')$$, $$values ('972501000002', '+972501000002', 'd.1 d.2')$$, 'to a smaller one as well');

-- Before anybody has written

select pg_temp.changed('n.1', 2, '{"wa_id": "972501000003"}', '{"new_wa_id": "972509000003"}');
select results_eq(
  $$select phone, contact_phone, wamids from pg_temp.who('n.1')$$, $$values ('972509000003', '+972509000003', 'n.1')$$,
  'somebody of whom nothing but the change is known is known by the new number');
select pg_temp.wrote('n.0', 1, '{"wa_id": "972501000003"}');
select results_eq(
  $$select phone, contact_phone, wamids from pg_temp.who('n.0')$$, $$values ('972509000003', '+972509000003', 'n.0 n.1')$$, 'whatever the old one wrote before');
select is(
  (select count(*) from public.contacts where phone like '+97250_000003' and workspace_id = md5('home')::uuid), 1::bigint, 'and is one contact');

-- Two threads that turn out to be one

select pg_temp.wrote('t.1', 1, '{"wa_id": "972501000004", "profile_name": "Old"}');
select pg_temp.wrote('t.3', 3, '{"wa_id": "972509000004", "profile_name": "New"}');
select pg_temp.changed('t.2', 2, '{"wa_id": "972501000004"}', '{"new_wa_id": "972509000004"}');
select results_eq(
  $$select phone, contact_phone, wamids, (select count(*) from public.contacts where phone like '+97250_000004' and workspace_id = md5('home')::uuid)
    from pg_temp.who('t.1')$$,
  $$values ('972509000004', '+972509000004', 't.1 t.2 t.3', 1::bigint)$$, 'a change that comes last makes one of both threads and both contacts');
select is(
  (select profile_name from public.contacts where phone = '+972509000004' and workspace_id = md5('home')::uuid), 'New', 'by the newer name');
select pg_temp.wrote('w.1', 1, '{"wa_id": "972501000008", "profile_name": "eva"}');
select pg_temp.by('agent', $$insert into public.contacts (workspace_id, phone, name, tags) values (md5('home')::uuid, '+972509000008', 'Eva C.', '{vip}')$$);
select pg_temp.changed('w.2', 2, '{"wa_id": "972501000008"}', '{"new_wa_id": "972509000008"}');
select results_eq(
  $$select phone, name, profile_name, tags from public.contacts where phone like '+97250_000008' and workspace_id = md5('home')::uuid$$,
  $$values ('+972509000008', 'Eva C.', 'eva', '{vip}'::text[])$$, 'whom an agent has written down under the new number already is that contact');

-- A user id, out of a system message

select pg_temp.wrote('i.1', 1, '{"bsuid": "IL.1a"}');
select pg_temp.changed('i.2', 2, '{"bsuid": "IL.1a"}', '{"new_bsuid": "IL.1b"}', 'user_changed_user_id');
select results_eq(
  $$select * from pg_temp.who('i.1')$$, $$values (null::text, 'IL.1b', null::text, 'IL.1b', 'i.1 i.2')$$, 'a changed user id is the thread''s and the contact''s');
select pg_temp.wrote('j.1', 1, '{"wa_id": "972501000005", "bsuid": "IL.2b"}');
select pg_temp.changed('j.2', 2, '{"wa_id": "972501000005", "bsuid": "IL.2b"}', '{"new_bsuid": "IL.2a"}', 'user_changed_user_id');
select results_eq(
  $$select * from pg_temp.who('j.1')$$, $$values ('972501000005', 'IL.2a', '+972501000005', 'IL.2a', 'j.1 j.2')$$, 'a smaller one too, beside a number that stays');
select pg_temp.wrote('j.3', 3, '{"bsuid": "IL.2a"}');
select is((pg_temp.who('j.3')).wamids, 'j.1 j.2 j.3', 'who writes under it writes there');

-- And as user_id_update

select pg_temp.wrote('k.1', 1, '{"wa_id": "972501000006", "bsuid": "IL.3a", "parent_bsuid": "IL.ENT.3a"}');
select pg_temp.updated(2, '{"wa_id": "972501000006", "bsuid": "IL.3a", "parent_bsuid": "IL.ENT.3a", "new_bsuid": "IL.3b", "new_parent_bsuid": "IL.ENT.3b"}');
select results_eq(
  $$select * from pg_temp.who('k.1')$$, $$values ('972501000006', 'IL.3b', '+972501000006', 'IL.3b', 'k.1')$$, 'told beside the thread it is the same, without a message');
select pg_temp.wrote('k.3', 3, '{"bsuid": "IL.3b", "parent_bsuid": "IL.ENT.3b"}');
select is((pg_temp.who('k.3')).wamids, 'k.1 k.3', 'and the new id writes there');
select pg_temp.updated(1, '{"bsuid": "IL.3b", "new_bsuid": "IL.3c"}');
select is((pg_temp.who('k.1')).bsuid, 'IL.3b', 'a change of before, told late, is not the newest word');
select pg_temp.wrote('l.1', 1, '{"wa_id": "972501000007"}');
select pg_temp.updated(2, '{"wa_id": "972501000007", "new_bsuid": "IL.4"}');
select results_eq(
  $$select phone, bsuid, contact_bsuid from pg_temp.who('l.1')$$, $$values ('972501000007', 'IL.4', 'IL.4')$$, 'whose old id is not told is known by number');
select pg_temp.updated(2, '{"bsuid": "IL.nobody", "new_bsuid": "IL.nobody2"}');
select is_empty(
  $$select 1 from public.conversations where bsuid like 'IL.nobody%' union all select 1 from public.contacts where bsuid like 'IL.nobody%'$$,
  'of somebody who never wrote nothing is made');
select is_empty(
  $$select 1 from public.conversations where workspace_id = md5('away')::uuid union all select 1 from public.contacts where workspace_id = md5('away')::uuid$$,
  'and nothing of all this is anybody''s elsewhere');

select * from finish();
rollback;
