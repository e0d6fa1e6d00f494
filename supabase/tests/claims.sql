-- A number that a member has written down without having it: it keeps nobody out who comes with the number's own key.
begin;
select plan(29);

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
update public.workspaces set connection_limit = 9;

create function pg_temp.claim(number text, waba text default null) returns uuid language sql as $$
  select pg_temp.by('stranger', format('select public.add_connection(%L, $q$meta$q$, %L, %L)', md5('away')::uuid, number, waba))::uuid
$$;
-- What is answered when the backend, which has asked the provider, connects a number for the owner of `home`.
create function pg_temp.join_in(number text, waba text default null) returns text language sql as $$
  select pg_temp.by('service_role', format('select public.record_onboarding(%L, %L, $q$meta$q$, %L, %L, null, $q$key$q$) is not null',
    md5('home')::uuid, md5('owner')::uuid, number, waba))
$$;
create function pg_temp.place_of(number text) returns text language sql as $$
  select workspace.name from public.whatsapp_connections as connection join public.workspaces as workspace on workspace.id = workspace_id
  where phone_number_id = number
$$;

create temporary table claimed as
select number, pg_temp.claim(number, case number when '905' then '91' end) as id from unnest(array['901', '902', '903', '904', '905']) as number;
grant select on claimed to authenticated, service_role;

-- Written down, even with a made-up key

select pg_temp.by('stranger', (select format('select public.set_connection_credential(%L, $q$made up$q$)', id) from claimed where number = '901'));
select is(pg_temp.join_in('901'), 'true', 'whoever shows the number''s own key has it');
select is(pg_temp.place_of('901'), 'Home', 'in their workspace');
select results_eq(
  $$select phone_number_id, status, private.connection_credential(connection.id)
    from public.whatsapp_connections as connection join claimed using (id) where number = '901'$$,
  $$select 'released ' || id, 'disconnected', null::text from claimed where number = '901'$$, 'and the other row has neither id nor key');
select is(pg_temp.by('stranger', 'select public.add_connection(md5($q$away$q$)::uuid, $q$meta$q$, $q$901$q$)'), 'WA035', 'it is not taken back');

-- An account

select is(pg_temp.join_in('906', '91'), 'true', 'nor does an account that was written down keep its owner out');
select is(pg_temp.place_of('905'), 'Away', 'the number that it was written beside stays');
select is((select waba_id from public.whatsapp_connections where phone_number_id = '905'), null, 'without the account');

-- Shown by the provider

create function pg_temp.verified(number text) returns boolean language sql as $$
  select verified_at is not null from public.whatsapp_connections where phone_number_id = number
$$;
select public.record_number_health(id, '{"quality_rating": "GREEN"}', now() - interval '2 s') from claimed where number = '902';
select is(pg_temp.verified('902'), false, 'a health that names no number verifies none');
select public.record_number_health(id, '{"phone_number_id": "903"}', now() - interval '1 s') from claimed where number = '902';
select is(pg_temp.verified('902'), false, 'nor does that of another');
select public.record_number_health(id, '{"quality_rating": "GREEN", "phone_number_id": "902"}', now()) from claimed where number = '902';
select is(pg_temp.verified('902'), true, 'its own does');
select is(pg_temp.join_in('902'), 'WA035', 'a number that its provider has shown is kept');
select public.set_connection_credential((select id from claimed where number = '903'), 'an operator''s key');
select is(pg_temp.join_in('903'), 'WA035', 'and one whose key the backend has stored');
select is(pg_temp.by('service_role', 'select public.release_claims($q$902$q$)'), '0', 'neither is a claim');
select is(pg_temp.by('service_role', format('select public.release_claims($q$904$q$, null, %L)', md5('away')::uuid)), '0', 'nor is one''s own');
select is(pg_temp.place_of('904'), 'Away', 'which stays');

-- What is heard of it

create function pg_temp.hear(number text, waba text default null) returns text language sql as $$
  with event as (
    insert into public.webhook_events (provider, body) values ('meta', '{}') returning id
  )
  select public.record_inbound(
    jsonb_build_array(jsonb_build_object('id', event.id, 'kinds', array['text'],
      'numbers', jsonb_build_array(jsonb_build_object('phone_number_id', number)), 'wabas', array_remove(array[waba], null))),
    jsonb_build_array(jsonb_build_object('event_id', event.id, 'phone_number_id', number, 'wamid', 'wamid.' || event.id,
      'wa_id', '972500000001', 'type', 'text', 'content', '{"body": "to the owner"}'::jsonb)),
    '[]')::text || event.id::text
  from event
$$;
create function pg_temp.heard(number text) returns bigint language sql as $$
  select count(*) from public.messages as message join public.conversations as thread on thread.id = message.conversation_id
  join public.whatsapp_connections as connection on connection.id = thread.connection_id
  where connection.phone_number_id = number
$$;
create function pg_temp.waiting(number text) returns text language sql as $$
  select string_agg(distinct state, ' ') from public.webhook_events where missing && array[number]
$$;
select pg_temp.by('stranger', format('select public.add_connection(%L, $q$meta$q$, $q$907$q$, $q$97$q$)', md5('away')::uuid));
select pg_temp.hear('907', '97');
select is(pg_temp.heard('907'), 0::bigint, 'nothing is heard of a claim');
select is(pg_temp.waiting('907'), 'unrouted', 'which waits for whoever shows that it is theirs');
select is(pg_temp.waiting('97'), 'unrouted', 'as what is said of its account does');
select public.sweep_inbound();
select is(pg_temp.waiting('907'), 'unrouted', 'a sweep does not turn it over and over');
select is((select count(*) from private.connections_meant(row(null, 'notice', '907', '97', null, now(), null, null, null, null, null, null,
  null, null, null, null, null, null)::private.inbound_fact)), 0::bigint, 'no notice of it is told');
select public.record_number_health(id, '{"phone_number_id": "907", "waba_id": "98"}', now())
from public.whatsapp_connections where phone_number_id = '907';
select is((select string_agg(distinct state, ' ') from public.webhook_events), 'received', 'it is released when it is shown');
select is((select waba_id from public.whatsapp_connections where phone_number_id = '907'), '98', 'with the account that the provider knows');

-- By the operator's hand

select is(
  pg_temp.by('service_role', (select format('select public.release_number(%L)', id) from claimed where number = '902')), '902', 'any number gives up its id');
select is(pg_temp.join_in('902'), 'true', 'and is connected elsewhere');
select is(pg_temp.by('service_role', 'select public.release_number(gen_random_uuid())'), 'WA004', 'an unknown one has none');
select is(pg_temp.by('stranger', (select format('select public.release_number(%L)', id) from claimed where number = '904')), '42501', 'a member releases nothing');
select is(pg_temp.by('stranger', 'select public.release_claims($q$901$q$)'), '42501', 'and nobody''s claims');

-- A number moves to an id that somebody has written down

select is(
  pg_temp.by('service_role', 'select public.release_claims($q$904$q$, null, md5($q$home$q$)::uuid)'), '1', 'what is only written down goes');
select is(pg_temp.place_of('904'), null, 'and its id is nobody''s');

select * from finish();
rollback;
