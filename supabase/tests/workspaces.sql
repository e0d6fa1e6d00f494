-- The tenant: its members see it, nobody else does, and it takes everything of its own along when it goes.
begin;
select plan(32);

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

-- The helper itself tells refusals from answers.
select is(pg_temp.by('agent', 'select auth.uid()'), md5('agent')::uuid::text, 'an actor has an identity');
select is(pg_temp.by('agent', 'select current_user'), 'authenticated', 'an actor has the role of signed-in users');
select is(pg_temp.by('service_role', 'select current_user'), 'service_role', 'the backend has its own');
select is(pg_temp.by('agent', 'select 1 / 0'), '22012', 'a refusal answers with its SQLSTATE');
select is(current_user::text, 'postgres', 'afterwards we are ourselves again');

-- Seeing

select is(pg_temp.by('owner', 'select string_agg(name, $$,$$) from public.workspaces'), 'Home', 'an owner sees the workspace');
select is(pg_temp.by('agent', 'select string_agg(name, $$,$$) from public.workspaces'), 'Home', 'an agent sees the workspace');
select is(pg_temp.by('stranger', 'select string_agg(name, $$,$$) from public.workspaces'), 'Away', 'a stranger sees another one');
select is(pg_temp.by('nobody', 'select count(*) from public.workspaces'), '0', 'who is in no workspace sees none');
select is(pg_temp.by('anon', 'select count(*) from public.workspaces'), '42501', 'anon is refused');
select is(
  pg_temp.by('service_role', 'select count(*) from public.workspaces where id in (md5($$home$$)::uuid, md5($$away$$)::uuid)'),
  '2', 'the backend sees all');

select is(pg_temp.by('agent', 'select count(*) from public.workspace_members'), '3', 'an agent sees the three members');
select is(pg_temp.by('stranger', 'select count(*) from public.workspace_members'), '1', 'a stranger sees the members of another one');
select is(pg_temp.by('anon', 'select count(*) from public.workspace_members'), '42501', 'anon is refused');
select is(
  pg_temp.by('agent', 'select id from private.user_workspace_ids() as id'), md5('home')::uuid::text,
  'policies know the agent''s workspace');
select is(
  pg_temp.by('agent', 'select count(*) from private.user_managed_workspace_ids()'), '0', 'an agent manages none');
select is(
  pg_temp.by('admin', 'select count(*) from private.user_managed_workspace_ids()'), '1', 'an admin manages one');

-- Changing: membership is the way into everything, so no user writes it directly.

select is(
  pg_temp.by('owner', 'update public.workspaces set connection_limit = 100'), '42501',
  'an owner cannot raise the connection limit');
select is(pg_temp.by('owner', 'update public.workspaces set media_retention_days = 30'), '1', 'but may say how long files are kept');
select is(pg_temp.by('admin', 'update public.workspaces set media_retention_days = null'), '1', 'an admin, too');
select is(pg_temp.by('agent', 'update public.workspaces set media_retention_days = 1'), '0', 'an agent may not');
select is(
  pg_temp.by('stranger', 'update public.workspaces set media_retention_days = 1 where id = md5($$home$$)::uuid'), '0', 'nor may a stranger');
select is(pg_temp.by('anon', 'update public.workspaces set media_retention_days = 1'), '42501', 'nor anon');
select is(pg_temp.by('owner', 'update public.workspaces set media_retention_days = 0'), 'WA014', 'and a day it is at least');
select is(
  pg_temp.by('agent', 'update public.workspace_members set role = $$owner$$'), '42501', 'an agent cannot become owner');
select is(
  pg_temp.by('stranger', 'insert into public.workspace_members values (md5($$home$$)::uuid, md5($$stranger$$)::uuid, $$agent$$)'),
  '42501', 'a stranger cannot join');
select is(
  pg_temp.by('anon', 'insert into public.workspaces (name) values ($$mine$$)'), '42501', 'anon cannot found one');
select is(
  pg_temp.by('service_role', 'insert into public.workspace_members values (md5($$away$$)::uuid, md5($$agent$$)::uuid, $$agent$$)'),
  '1', 'the backend adds a member');
select is(
  pg_temp.by('agent', 'select count(*) from public.workspaces'), '2', 'who is a member of two sees both');
select throws_ok(
  $$update public.workspace_members set role = 'king' where user_id = md5('agent')::uuid$$, '23514', null,
  'there are three roles');

-- Leaving

insert into public.whatsapp_connections (id, workspace_id, phone_number_id)
values (md5('number')::uuid, md5('home')::uuid, 'workspaces-home');
insert into public.contacts (workspace_id, phone) values (md5('home')::uuid, '+972501234567');
insert into public.conversations (id, workspace_id, connection_id, phone, assigned_to)
values (md5('thread')::uuid, md5('home')::uuid, md5('number')::uuid, '972501234567', md5('agent')::uuid);
insert into public.messages (workspace_id, conversation_id, direction, type, content)
values (md5('home')::uuid, md5('thread')::uuid, 'inbound', 'text', '{"body": "hello"}');
insert into public.messages (workspace_id, conversation_id, type, content)
values (md5('home')::uuid, md5('thread')::uuid, 'text', '{"body": "yes?"}');

delete from auth.users where id = md5('agent')::uuid;
select results_eq(
  $$select assigned_to from public.conversations where id = md5('thread')::uuid$$, $$values (null::uuid)$$,
  'a thread outlives the agent it was assigned to');
select lives_ok(
  $$delete from public.workspaces where id = md5('home')::uuid$$,
  'a workspace goes with its numbers, threads, messages and queue');

select * from finish();
rollback;
