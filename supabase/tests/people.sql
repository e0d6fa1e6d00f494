-- Who wrote: one person however their number is spelled, and whoever wrote their contact down before them.
begin;
select plan(19);

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
values (md5('home number')::uuid, md5('home')::uuid, 'people-home'), (md5('away number')::uuid, md5('away')::uuid, 'people-away');
create function pg_temp.at(minutes integer) returns timestamptz language sql as $$
  select '2026-11-01 12:00+00'::timestamptz + make_interval(mins => minutes)
$$;
create function pg_temp.wrote(wamid text, minutes integer, sender text, fields jsonb default '{}') returns integer language sql as $$
  select public.record_inbound('[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'people-home', 'wamid', wamid, 'wa_id', sender,
    'type', 'text', 'content', jsonb_build_object('body', wamid), 'occurred_at', pg_temp.at(minutes)) || fields), '[]')
$$;
-- Everybody who is known by a number of that country: their threads, and the contacts behind them.
create function pg_temp.known(country text, out threads bigint, out phones text, out contacts bigint, out names text, out unread bigint) language sql as $$
  select
    (select count(*) from public.conversations where phone like country || '%' and workspace_id = md5('home')::uuid),
    (select string_agg(phone, ' ' order by phone) from public.conversations where phone like country || '%' and workspace_id = md5('home')::uuid),
    (select count(*) from public.contacts where phone like '+' || country || '%' and workspace_id = md5('home')::uuid),
    (select string_agg(concat_ws(' ', phone, name, profile_name), ', ' order by phone) from public.contacts
     where phone like '+' || country || '%' and workspace_id = md5('home')::uuid),
    (select sum(unread_count)::bigint from public.conversations where phone like country || '%' and workspace_id = md5('home')::uuid)
$$;

-- Argentina, Mexico: with an extra digit and without

select pg_temp.wrote('ar.1', 1, '5491123456789');
select results_eq($$select * from pg_temp.known('54')$$, $$values (1::bigint, '5491123456789', 1::bigint, '+5491123456789', 1::bigint)$$, 'an Argentine with the nine');
select pg_temp.wrote('ar.2', 2, '541123456789', '{"profile_name": "Sol"}');
select results_eq(
  $$select * from pg_temp.known('54')$$, $$values (1::bigint, '541123456789', 1::bigint, '+541123456789 Sol', 2::bigint)$$,
  'without it: the same thread and contact, which bear what WhatsApp wrote last');
select pg_temp.wrote('ar.0', 0, '5491123456789');
select results_eq(
  $$select * from pg_temp.known('54')$$, $$values (1::bigint, '541123456789', 1::bigint, '+541123456789 Sol', 3::bigint)$$,
  'last by its clock: an older message that comes late changes no number');
select is(
  (select string_agg(wa_id, ' ' order by occurred_at) from public.messages where wamid like 'ar._'), '5491123456789 5491123456789 541123456789',
  'and each message keeps its own spelling');
select public.record_inbound('[]', jsonb_agg(jsonb_build_object('phone_number_id', 'people-home', 'wamid', 'mx.' || place, 'wa_id', sender, 'type', 'text',
  'content', '{"body": "hola"}'::jsonb, 'occurred_at', pg_temp.at(place))), '[]')
from (values (2, '5215512345678'), (1, '525512345678')) as told (place, sender);
select results_eq(
  $$select * from pg_temp.known('52')$$, $$values (1::bigint, '5215512345678', 1::bigint, '+5215512345678', 2::bigint)$$,
  'a Mexican with the one and without in a batch');
select pg_temp.wrote('mx.3', 3, '525512345678');
select results_eq($$select threads, phones, names from pg_temp.known('52')$$, $$values (1::bigint, '525512345678', '+525512345678')$$, 'and without it later');
select pg_temp.wrote('mx.4', 4, '525512345679');
select results_eq($$select threads, contacts from pg_temp.known('52')$$, $$values (2::bigint, 2::bigint)$$, 'another digit is another person');

-- Somebody whom a member has written down

select is(
  pg_temp.by('agent', $$insert into public.contacts (workspace_id, phone, name, tags) values
    (md5('home')::uuid, '+972501234567', 'Dana Levi', '{vip}'), (md5('home')::uuid, '+551187654321', 'Bruno', '{}'),
    (md5('home')::uuid, '+5491198765432', null, '{}')$$), '3', 'an agent writes people down');
create temporary table written as select id, phone from public.contacts where workspace_id = md5('home')::uuid;
select pg_temp.wrote('il.1', 1, '972501234567', '{"profile_name": "dana ✨", "bsuid": "IL.dana"}');
select results_eq(
  $$select contact.id, contact.name, contact.profile_name, contact.profile_name_at, contact.bsuid, contact.tags
    from public.conversations as thread join public.contacts as contact on contact.id = thread.contact_id where thread.phone = '972501234567'$$,
  $$select id, 'Dana Levi', 'dana ✨', pg_temp.at(1), 'IL.dana', '{vip}'::text[] from written where phone = '+972501234567'$$,
  'who writes then is that contact, by the name that the agent gave and beside it their own');
select is((pg_temp.known('972')).contacts, 1::bigint, 'and no other');
select pg_temp.wrote('br.1', 1, '5511987654321', '{"profile_name": "bru"}');
select results_eq(
  $$select contact.id, contact.phone, contact.name, contact.profile_name
    from public.conversations as thread join public.contacts as contact on contact.id = thread.contact_id where thread.phone = '5511987654321'$$,
  $$select id, '+5511987654321', 'Bruno', 'bru' from written where phone = '+551187654321'$$,
  'written down in another spelling as well, which becomes WhatsApp''s');
select is((pg_temp.known('55')).contacts, 1::bigint, 'and is one contact');
select pg_temp.wrote('ar.9', 9, '541198765432', '{"profile_name": "Leo"}');
select results_eq(
  $$select contact.id, contact.name, contact.profile_name
    from public.conversations as thread join public.contacts as contact on contact.id = thread.contact_id where thread.phone = '541198765432'$$,
  $$select id, null::text, 'Leo' from written where phone = '+5491198765432'$$, 'a name that nobody gave is not made up');
select is(
  pg_temp.by('agent', $$select string_agg(title, ', ' order by title) from public.get_conversations(md5('home')::uuid) where phone in ('972501234567', '541198765432')$$),
  'Dana Levi, Leo', 'the list shows the one name or the other');

-- Deleted, and written down anew

select is(pg_temp.by('agent', $$delete from public.contacts where phone = '+972501234567'$$), '1', 'an agent deletes a contact');
select is(
  pg_temp.by('agent', $$insert into public.contacts (workspace_id, phone, name) values (md5('home')::uuid, '+972501234567', 'Dana C.')$$), '1', 'and writes it anew');
select pg_temp.wrote('il.2', 2, '972501234567', '{"profile_name": "dana", "bsuid": "IL.dana"}');
select results_eq(
  $$select contact.name, contact.profile_name, contact.bsuid from public.conversations as thread
    join public.contacts as contact on contact.id = thread.contact_id where thread.phone = '972501234567'$$,
  $$values ('Dana C.', 'dana', 'IL.dana')$$, 'the thread goes on with the new one');
select is((pg_temp.known('972')).contacts, 1::bigint, 'which is the only one');
select pg_temp.wrote('there', 1, '972501234567', '{"phone_number_id": "people-away", "profile_name": "Dana"}');
select results_eq(
  $$select name, profile_name from public.contacts where workspace_id = md5('away')::uuid$$, $$values (null::text, 'Dana')$$,
  'in another workspace nobody has written anything down');

select * from finish();
rollback;
