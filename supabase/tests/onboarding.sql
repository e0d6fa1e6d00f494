-- A number that joins by the provider's own signup: the backend writes it, with the rights of the user it is written for.
begin;
select plan(35);

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

-- `ask` and `join`: what the backend is answered for a user's name.
create function pg_temp.ask(person text, number text default null, waba text default null, phone text default null, place text default 'home') returns text language sql as $$
  select pg_temp.by('service_role', format('select public.get_onboarding(%L, %L, %L, %L, %L)',
    md5(place)::uuid, md5(person)::uuid, number, waba, phone))
$$;
create function pg_temp.join_in(person text, number text, waba text, credential text, phone text default null, place text default 'home', provider text default 'meta')
returns text language sql as $$
  select pg_temp.by('service_role', format('select public.record_onboarding(%L, %L, %L, %L, %L, %L, %L)',
    md5(place)::uuid, md5(person)::uuid, provider, number, waba, phone, credential))
$$;
create function pg_temp.key_of(number text) returns text language sql as $$
  select private.connection_credential(id) from public.whatsapp_connections where phone_number_id = number
$$;

-- Who may

select is(pg_temp.ask('owner'), 'owner', 'an owner may connect a number');
select is(pg_temp.ask('admin'), 'admin', 'and an admin');
select is(pg_temp.ask('agent'), 'WA034', 'an agent may not');
select is(pg_temp.ask('stranger'), 'WA004', 'to a stranger there is no such workspace');
select is(pg_temp.ask('owner', place => 'nowhere'), 'WA004', 'as there is none that is not there');
select is(pg_temp.by('service_role', 'select public.get_onboarding(null, null)'), 'WA004', 'nor for nobody');
update public.workspaces set deleted_at = now() where id = md5('away')::uuid;
select is(pg_temp.ask('stranger', place => 'away'), 'WA004', 'nor one that is being deleted');
update public.workspaces set deleted_at = null where id = md5('away')::uuid;
select is(
  pg_temp.by('owner', 'select public.get_onboarding(md5($$home$$)::uuid, md5($$owner$$)::uuid)'), '42501', 'nobody asks for themselves');
select is(
  pg_temp.by('owner', 'select public.record_onboarding(md5($$home$$)::uuid, md5($$owner$$)::uuid, $$meta$$, $$1$$, $$2$$, null, $$key$$)'),
  '42501', 'nor writes');
select is(
  pg_temp.by('anon', 'select public.record_onboarding(md5($$home$$)::uuid, md5($$owner$$)::uuid, $$meta$$, $$1$$, $$2$$, null, $$key$$)'),
  '42501', 'and anon least of all');

-- Joining

select is(pg_temp.join_in('agent', '200001', '21', 'key'), 'WA034', 'for an agent nothing is written');
select is(pg_temp.join_in('stranger', '200001', '21', 'key'), 'WA004', 'nor for a stranger');
select is(pg_temp.join_in('admin', '200001', '21', ' '), 'WA006', 'nor without a key');
select is_empty($$select 1 from public.whatsapp_connections where phone_number_id = '200001'$$, 'none of them left a number behind');
create temporary table made as select pg_temp.join_in('admin', '200001', '21', 'first key', '+1 555 000 0001') as id;
select results_eq(
  $$select id::text, provider, status, display_phone_number from public.whatsapp_connections where phone_number_id = '200001'$$,
  $$select id, 'meta', 'active', '+1 555 000 0001' from made$$, 'an admin''s number is active at once');
select is(pg_temp.key_of('200001'), 'first key', 'with its key in Vault');

-- Again

select is(pg_temp.ask('owner', '200001'), 'owner', 'it takes no second place in a full workspace');
update public.whatsapp_connections set status = 'disconnected' where phone_number_id = '200001';
select is(pg_temp.join_in('owner', '200001', '21', 'second key', null, 'home', '360dialog'), (select id from made), 'once more is the same connection');
select results_eq(
  $$select provider, status, status_reason, display_phone_number from public.whatsapp_connections where phone_number_id = '200001'$$,
  $$values ('360dialog', 'active', null::text, '+1 555 000 0001')$$, 'back in service, at the provider it is at now');
select is(pg_temp.key_of('200001'), 'second key', 'with the newer key');
update public.whatsapp_connections set status = 'paused', status_reason = 'payment' where phone_number_id = '200001';
select is(pg_temp.join_in('owner', '200001', '21', 'third key'), (select id from made), 'and of a paused number');
select results_eq(
  $$select status, status_reason from public.whatsapp_connections where phone_number_id = '200001'$$,
  $$values ('paused', 'payment')$$, 'what it is paused for holds');

-- Elsewhere

select is(pg_temp.ask('owner', '200002'), 'WA002', 'a second number does not fit');
select is(pg_temp.ask('owner'), 'owner', 'though who may is still told without one');
select is(pg_temp.join_in('owner', '200002', '21', 'key'), 'WA002', 'nor is it written');
select is(pg_temp.ask('stranger', '200001', place => 'away'), 'WA035', 'a number is connected once');
select is(pg_temp.ask('stranger', '200009', null, '15550000001', 'away'), 'WA035', 'however it is written');
select is(pg_temp.ask('stranger', '200009', '21', null, 'away'), 'WA035', 'and an account by one workspace');
select is(pg_temp.join_in('stranger', '200001', '22', 'key', null, 'away'), 'WA035', 'nor is either written');
select is(pg_temp.key_of('200001'), 'third key', 'and its key stays');

-- A phone number is public: whoever writes somebody's down keeps nobody out.
update public.workspaces set connection_limit = 5;
select is(pg_temp.by('stranger', format(
  'select public.set_connection_credential(public.add_connection(%L, $$meta$$, $$666$$, null, $$+1 555 000 0002$$), $$made up$$) is null',
  md5('away')::uuid)), 'true', 'a stranger claims a number');
select is(pg_temp.key_of('666'), 'made up', 'with a key of theirs');
select is(pg_temp.ask('owner', '200002', null, '+15550000002'), 'owner', 'which stays free for whoever has it');
select is(pg_temp.join_in('owner', '200002', '23', 'key', '+15550000002') is null, false, 'and joins');
select is(pg_temp.ask('stranger', '200008', null, '+15550000002', 'away'), 'WA035', 'and is not free any more');

select * from finish();
rollback;
