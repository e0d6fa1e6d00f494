-- A workspace's WhatsApp numbers: how many there may be, and a credential that goes in and never comes out.
begin;
select plan(39);

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
-- An agent here and an owner there is still an agent here.
insert into public.workspace_members (workspace_id, user_id, role) values (md5('away')::uuid, md5('agent')::uuid, 'owner');
insert into public.whatsapp_connections (id, workspace_id, phone_number_id)
values (md5('home number')::uuid, md5('home')::uuid, 'connections-home'), (md5('away number')::uuid, md5('away')::uuid, 'connections-away');
-- Reading

select is(
  pg_temp.by('admin', 'select string_agg(phone_number_id, $$,$$) from public.whatsapp_connections'), 'connections-home',
  'a member sees the number of the workspace');
select is(
  pg_temp.by('stranger', 'select string_agg(phone_number_id, $$,$$) from public.whatsapp_connections'), 'connections-away',
  'a stranger sees another one');
select is(pg_temp.by('anon', 'select count(*) from public.whatsapp_connections'), '42501', 'anon is refused');
select is(
  pg_temp.by('owner', 'insert into public.whatsapp_connections (workspace_id, phone_number_id) values (md5($$home$$)::uuid, $$x$$)'),
  '42501', 'a number is not connected by writing a row');
select is(
  pg_temp.by('owner', 'update public.whatsapp_connections set messages_per_second = 1000'), '42501', 'nor are its limits changed so');
select is(pg_temp.by('owner', 'delete from public.whatsapp_connections'), '42501', 'nor is it removed so');

-- The limit holds for every role.

select is(
  pg_temp.by('service_role', 'insert into public.whatsapp_connections (workspace_id, phone_number_id) values (md5($$home$$)::uuid, $$connections-2$$)'),
  'WA002', 'the backend cannot connect a second number');
select throws_ok(
  $$insert into public.whatsapp_connections (workspace_id, phone_number_id) values (md5('home')::uuid, 'connections-2')$$,
  'WA002', null, 'neither can the owner of the database');
select throws_ok(
  $$update public.whatsapp_connections set workspace_id = md5('home')::uuid where id = md5('away number')::uuid$$,
  'WA002', null, 'nor does a number slip in from another workspace');
select lives_ok(
  $$update public.whatsapp_connections set workspace_id = workspace_id where id = md5('home number')::uuid$$,
  'a number that stays where it is takes no second place');
update public.workspaces set connection_limit = 2 where id = md5('home')::uuid;
select lives_ok(
  $$insert into public.whatsapp_connections (workspace_id, phone_number_id) values (md5('home')::uuid, 'connections-2')$$,
  'with a higher limit a second number fits');
select throws_ok(
  $$insert into public.whatsapp_connections (workspace_id, phone_number_id)
    values (md5('home')::uuid, 'connections-3'), (md5('home')::uuid, 'connections-4')$$,
  'WA002', null, 'and a third does not');
update public.workspaces set connection_limit = 5 where id = md5('home')::uuid;
select throws_ok(
  $$insert into public.whatsapp_connections (workspace_id, phone_number_id)
    select md5('home')::uuid, 'connections-many-' || n from generate_series(1, 4) as n$$,
  'WA002', null, 'four at once do not fit where three do');
select throws_ok(
  $$insert into public.whatsapp_connections (workspace_id, phone_number_id) values (md5('home')::uuid, 'connections-away')$$,
  '23505', null, 'one number belongs to one workspace');

-- The credential goes in

select is(
  pg_temp.by('owner', 'select public.set_connection_credential(md5($$home number$$)::uuid, $$first key$$)'), null,
  'an owner sets the credential');
select is(
  pg_temp.by('admin', 'select public.set_connection_credential(md5($$home number$$)::uuid, $$second key$$)'), null,
  'an admin replaces it');
select is(
  pg_temp.by('agent', 'select public.set_connection_credential(md5($$home number$$)::uuid, $$x$$)'), 'WA004', 'an agent cannot');
select is(
  pg_temp.by('stranger', 'select public.set_connection_credential(md5($$home number$$)::uuid, $$x$$)'), 'WA004', 'a stranger cannot');
select is(
  pg_temp.by('stranger', 'select public.set_connection_credential(gen_random_uuid(), $$x$$)'), 'WA004',
  'and gets the answer that an unknown number gives');
select is(
  pg_temp.by('anon', 'select public.set_connection_credential(md5($$home number$$)::uuid, $$x$$)'), '42501', 'anon cannot');
select is(
  pg_temp.by('agent', 'select private.set_connection_credential(md5($$home number$$)::uuid, $$x$$)'), 'WA004',
  'the function behind it asks the same question');
select is(
  pg_temp.by('owner', 'select public.set_connection_credential(md5($$home number$$)::uuid, $$  $$)'), 'WA006', 'an empty one is refused');
select is(
  pg_temp.by('owner', 'select public.set_connection_credential(md5($$home number$$)::uuid, null)'), 'WA006', 'and so is none');

-- and never comes out

select is(
  pg_temp.by('service_role', 'select public.get_connection_credential(md5($$home number$$)::uuid)'), 'second key',
  'the backend reads what was set last');
select is(
  pg_temp.by('service_role', 'select public.get_connection_credential(md5($$away number$$)::uuid)'), null, 'and nothing where none is set');
select is(
  pg_temp.by('owner', 'select public.get_connection_credential(md5($$home number$$)::uuid)'), '42501', 'an owner cannot read it back');
select is(
  pg_temp.by('owner', 'select private.connection_credential(md5($$home number$$)::uuid)'), '42501', 'nor by the function behind it');
select is(
  pg_temp.by('anon', 'select public.get_connection_credential(md5($$home number$$)::uuid)'), '42501', 'anon cannot');
select is(pg_temp.by('owner', 'select count(*) from private.connection_credentials'), '42501', 'nor see where it lies');
select is(pg_temp.by('owner', 'select count(*) from vault.decrypted_secrets'), '42501', 'nor look into Vault');
select is(
  pg_temp.by('service_role', 'select count(*) from private.connection_credentials'), '42501', 'the backend has the function and no more');
select is(
  (select count(*) from public.whatsapp_connections as connection where connection::text like '%second key%'), 0::bigint,
  'no column of the number holds it');
select is(
  (select count(*) from vault.secrets where secret like '%second key%'), 0::bigint, 'in Vault it is not in plain text');

-- A new credential resumes what waited for one, and only that.

update public.whatsapp_connections set status = 'paused', status_reason = 'credential' where id = md5('home number')::uuid;
select is(pg_temp.by('owner', 'select public.set_connection_credential(md5($$home number$$)::uuid, $$third key$$)'), null, 'a third credential');
select results_eq(
  $$select status, status_reason from public.whatsapp_connections where id = md5('home number')::uuid$$,
  $$values ('active', null::text)$$, 'resumes the number that was paused for its credential');
update public.whatsapp_connections set status = 'paused', status_reason = 'payment' where id = md5('home number')::uuid;
select is(pg_temp.by('owner', 'select public.set_connection_credential(md5($$home number$$)::uuid, $$fourth key$$)'), null, 'a fourth credential');
select results_eq(
  $$select status from public.whatsapp_connections where id = md5('home number')::uuid$$,
  $$values ('paused')$$, 'does not resume one that was paused for something else');

delete from public.whatsapp_connections where id = md5('home number')::uuid;
select is(
  (select count(*) from vault.secrets where name = 'whatsapp_connection_' || md5('home number')::uuid), 0::bigint,
  'the secret goes with its number');
select is(
  (select count(*) from private.connection_credentials where connection_id = md5('home number')::uuid), 0::bigint,
  'and so does the reference to it');

select * from finish();
rollback;
