-- Who belongs to a workspace, as what, and how it ends. An owner always stays; nobody makes themself more.
begin;
select plan(71);

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

insert into auth.users (id, email)
select md5(actor)::uuid, actor || '@example.com' from unnest(array['heir', 'deputy']) as actor;
insert into public.workspace_members (workspace_id, user_id, role) values (md5('home')::uuid, md5('deputy')::uuid, 'admin');

create function pg_temp.change(actor text, whom text, role text, place text default 'home') returns text language sql as $$
  select pg_temp.by(actor, format('select public.change_member_role(%L, %L, %L)', md5(place)::uuid, md5(whom)::uuid, role))
$$;
create function pg_temp.remove(actor text, whom text, place text default 'home') returns text language sql as $$
  select pg_temp.by(actor, format('select public.remove_member(%L, %L)', md5(place)::uuid, md5(whom)::uuid))
$$;
create function pg_temp.role_of(whom text) returns text language sql as $$
  select role from public.workspace_members where workspace_id = md5('home')::uuid and user_id = md5(whom)::uuid
$$;

-- Founding

select is(
  pg_temp.by('heir', 'select public.create_workspace($$  Bakery $$) is not null'), 'true', 'whoever is signed in founds a workspace');
select results_eq(
  $$select tenant.name, tenant.default_language, member.role
    from public.workspace_members as member join public.workspaces as tenant on tenant.id = member.workspace_id
    where member.user_id = md5('heir')::uuid$$,
  $$values ('Bakery', 'he', 'owner')$$, 'and is its owner');
select is(
  (select connection_limit from public.workspaces where name = 'Bakery'), 1, 'with one number');
select is(pg_temp.by('heir', 'select public.create_workspace($$Bar$$, $$en_US$$) is not null'), 'true', 'in a language of its own');
select is(pg_temp.by('heir', 'select public.create_workspace($$ $$)'), 'WA032', 'it needs a name');
select is(pg_temp.by('heir', 'select public.create_workspace(null)'), 'WA032', 'null is none');
select is(pg_temp.by('heir', 'select public.create_workspace(repeat($$x$$, 201))'), 'WA032', 'a short one');
select is(pg_temp.by('heir', 'select public.create_workspace($$x$$, $$not a language$$)'), 'WA032', 'and a language');
select is(pg_temp.by('heir', 'select public.create_workspace($$x$$, null)'), 'WA032', 'any at all');
select is(pg_temp.by('nobody', 'select public.create_workspace($$x$$)'), 'WA004', 'a deleted user''s token founds nothing');
select is(pg_temp.by('anon', 'select public.create_workspace($$x$$)'), '42501', 'nor does anon');

-- Setting up

select is(pg_temp.by('owner', 'update public.workspaces set name = $$Casa$$, default_language = $$es$$, broadcasts = true'), '1', 'an owner renames it');
select is(pg_temp.by('admin', 'update public.workspaces set name = $$Home$$'), '1', 'an admin, too');
select is(pg_temp.by('agent', 'update public.workspaces set name = $$Mine$$'), '0', 'an agent does not');
select is(
  pg_temp.by('stranger', 'update public.workspaces set name = $$Mine$$ where id = md5($$home$$)::uuid'), '0', 'nor a stranger');
select is(pg_temp.by('owner', 'update public.workspaces set deleted_at = now()'), '42501', 'nobody marks one as deleted');

-- Roles

select is(pg_temp.change('agent', 'agent', 'admin'), 'WA034', 'an agent does not rise by their own hand');
select is(pg_temp.change('admin', 'admin', 'owner'), 'WA034', 'nor does an admin');
select is(pg_temp.change('admin', 'agent', 'owner'), 'WA034', 'who makes nobody an owner');
select is(pg_temp.change('admin', 'owner', 'agent'), 'WA034', 'and touches none');
select is(pg_temp.change('stranger', 'agent', 'agent'), 'WA004', 'a stranger changes nobody');
select is(pg_temp.change('stranger', 'nobody', 'agent'), 'WA004', 'and is not told who is a member');
select is(pg_temp.change('stranger', 'agent', 'king'), 'WA004', 'by no word');
select is(pg_temp.change('owner', 'stranger', 'agent'), 'WA004', 'who is no member does not become one');
select is(pg_temp.change('owner', 'agent', 'king'), 'WA032', 'there are three roles');
select is(pg_temp.change('owner', 'agent', null), 'WA032', 'and no role is none');
select is(pg_temp.change('anon', 'agent', 'agent'), '42501', 'anon is refused');
select is(pg_temp.change('admin', 'agent', 'admin'), '', 'an admin makes an agent an admin');
select is(pg_temp.change('admin', 'agent', 'agent'), '', 'and an agent again');
select is(pg_temp.role_of('agent'), 'agent', 'which they are');
select is(pg_temp.change('owner', 'owner', 'agent'), 'WA030', 'the last owner stays owner');
select is(pg_temp.change('owner', 'admin', 'owner'), '', 'an owner makes another');
select is(pg_temp.change('owner', 'owner', 'admin'), '', 'and steps back');
select is(pg_temp.change('admin', 'owner', 'owner'), '', 'until the other gives it back');
select is(pg_temp.change('owner', 'admin', 'admin'), '', 'and is made an admin');
select is(pg_temp.change('service_role', 'agent', 'admin'), '', 'the backend may do what an owner may');
select is(pg_temp.change('service_role', 'agent', 'agent'), '', 'both ways');

-- Removal

select is(pg_temp.remove('agent', 'admin'), 'WA034', 'an agent removes nobody');
select is(pg_temp.remove('admin', 'owner'), 'WA034', 'an admin removes no owner');
select is(pg_temp.remove('stranger', 'agent'), 'WA004', 'a stranger nobody');
select is(pg_temp.remove('owner', 'stranger'), 'WA004', 'nobody is removed who is no member');
select is(pg_temp.remove('anon', 'agent'), '42501', 'anon is refused');
select is(pg_temp.remove('owner', 'owner'), 'WA030', 'the last owner does not leave');
select is(pg_temp.remove('admin', 'deputy'), '', 'an admin removes an admin');
select is(pg_temp.by('deputy', 'select count(*) from public.workspaces'), '0', 'whose access has ended');
select is(pg_temp.remove('deputy', 'deputy'), 'WA004', 'and who has nothing to leave');
select is(pg_temp.remove('agent', 'agent'), '', 'an agent leaves');
select is(pg_temp.role_of('agent'), null, 'and is gone');
select throws_ok(
  $$delete from public.workspace_members where workspace_id = md5('home')::uuid$$, 'WA030', null, 'no other way leads past the last owner');
select throws_ok(
  $$update public.workspace_members set role = 'agent' where workspace_id = md5('home')::uuid$$, 'WA030', null, 'by no statement');
select throws_ok($$delete from auth.users where id = md5('owner')::uuid$$, 'WA030', null, 'not even by deleting the user');
select is(pg_temp.change('owner', 'admin', 'owner'), '', 'with a second owner');
select lives_ok($$delete from auth.users where id = md5('owner')::uuid$$, 'the first may be deleted');
select is(pg_temp.role_of('owner'), null, 'and is no member any more');

-- The end

select is(pg_temp.by('heir', 'select public.delete_workspace(md5($$home$$)::uuid)'), 'WA004', 'a stranger deletes nothing');
select is(pg_temp.by('anon', 'select public.delete_workspace(md5($$home$$)::uuid)'), '42501', 'nor does anon');
insert into public.workspace_members (workspace_id, user_id, role) values (md5('home')::uuid, md5('heir')::uuid, 'admin');
select is(pg_temp.by('heir', 'select public.delete_workspace(md5($$home$$)::uuid)'), 'WA034', 'an admin neither');
select is(pg_temp.by('admin', 'select public.delete_workspace(md5($$home$$)::uuid)'), '', 'the owner does');
select is((select count(*) from public.workspaces where id = md5('home')::uuid), 0::bigint, 'a small one is gone at once');
select is(pg_temp.by('admin', 'select public.delete_workspace(md5($$home$$)::uuid)'), 'WA004', 'and unknown then');

insert into public.whatsapp_connections (id, workspace_id, phone_number_id, waba_id)
values (md5('number')::uuid, md5('away')::uuid, 'members-away', 'members-waba');
select public.set_connection_credential(md5('number')::uuid, 'a key');
insert into public.conversations (id, workspace_id, connection_id, phone)
values (md5('thread')::uuid, md5('away')::uuid, md5('number')::uuid, '972501234567');
insert into public.messages (workspace_id, connection_id, conversation_id, direction, status, type, content, media_path)
select md5('away')::uuid, md5('number')::uuid, md5('thread')::uuid, 'inbound', 'received', 'text', '{"body": "hello"}', md5('away')::uuid || '/none/' || n
from generate_series(1, 10050) as n;
select is(pg_temp.by('stranger', 'select public.delete_workspace(md5($$away$$)::uuid)'), '', 'a large one');
select is(pg_temp.by('stranger', 'select count(*) from public.workspaces'), '0', 'is gone for its members');
select is(
  (select count(*) from vault.secrets where name = 'whatsapp_connection_' || md5('number')::uuid), 0::bigint, 'without keys');
select results_eq(
  $$select status, phone_number_id = 'members-away', waba_id from public.whatsapp_connections where id = md5('number')::uuid$$,
  $$values ('disconnected', false, null::text)$$, 'its number free for others');
select is((select count(*) from public.messages where workspace_id = md5('away')::uuid), 50::bigint, 'and is deleted by and by');
select is(pg_temp.by('service_role', 'select public.sweep_workspaces(20)'), '20', 'in sets');
select is(pg_temp.by('stranger', 'select public.sweep_workspaces(20)'), '42501', 'by the backend');
select is(pg_temp.by('service_role', 'select public.sweep_workspaces(5000)'), '32', 'to the last row');
select is((select count(*) from public.workspaces where id = md5('away')::uuid), 0::bigint, 'which is its own');
select results_eq(
  $$select prefix from private.media_removals where workspace_id = md5('away')::uuid$$,
  $$select md5('away')::uuid || '/'$$, 'its files leave the bucket together');
select is(pg_temp.by('service_role', 'select public.sweep_workspaces()'), '0', 'and nothing is left to do');

select * from finish();
rollback;
