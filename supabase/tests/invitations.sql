-- The ways in: an address is invited and comes, a number is connected. Tokens and ids in wrong hands open nothing.
begin;
select plan(56);

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
select md5(actor)::uuid, actor || '@example.com' from unnest(array['guest', 'other']) as actor;
update auth.users set email = 'Guest@Example.com' where id = md5('guest')::uuid;

create function pg_temp.invite(actor text, email text, role text, place text default 'home') returns text language sql as $$
  select pg_temp.by(actor, format('select public.invite_member(%L, %L, %L) ->> ''token''', md5(place)::uuid, email, role))
$$;
create function pg_temp.accept(actor text, token text) returns text language sql as $$
  select pg_temp.by(actor, format('select public.accept_invitation(%L)', token))
$$;
create temporary table told (name text, token text);

-- Inviting

select is(pg_temp.invite('agent', 'guest@example.com', 'agent'), 'WA034', 'an agent invites nobody');
select is(pg_temp.invite('stranger', 'guest@example.com', 'agent'), 'WA004', 'a stranger nobody');
select is(pg_temp.invite('anon', 'guest@example.com', 'agent'), '42501', 'anon nobody');
select is(pg_temp.invite('admin', 'guest@example.com', 'owner'), 'WA034', 'an admin no owner');
select is(pg_temp.invite('admin', 'guest@example.com', 'king'), 'WA032', 'there are three roles');
select is(pg_temp.invite('admin', 'guest', 'agent'), 'WA032', 'an address is one');
select is(pg_temp.invite('admin', null, 'agent'), 'WA032', 'and no address is none');
select is(pg_temp.invite('admin', repeat('x', 400) || '@example.com', 'agent'), 'WA032', 'nor is a novel');
select is(pg_temp.invite('admin', 'Agent@example.com', 'agent'), 'WA033', 'nobody is invited who is here');
insert into told values ('first', pg_temp.invite('admin', ' Guest@example.com ', 'agent'));
select is((select token ~ '^[0-9a-f]{64}$' from told where name = 'first'), true, 'whoever invites is told a token');
select is(
  (select count(*) from private.invitation_tokens as kept, told where kept::text like '%' || told.token || '%'), 0::bigint,
  'which is kept nowhere');
select is(pg_temp.by('owner', 'select email || role from public.workspace_invitations'), 'guest@example.comagent', 'an owner sees who is awaited');
select is(pg_temp.by('agent', 'select count(*) from public.workspace_invitations'), '0', 'an agent does not');
select is(pg_temp.by('stranger', 'select count(*) from public.workspace_invitations'), '0', 'nor a stranger');
select is(pg_temp.by('anon', 'select count(*) from public.workspace_invitations'), '42501', 'nor anon');
select is(pg_temp.by('guest', 'select count(*) from public.workspace_invitations'), '0', 'nor the guest');
select is(pg_temp.by('owner', 'select count(*) from private.invitation_tokens'), '42501', 'tokens are for nobody');
select is(pg_temp.by('owner', 'update public.workspace_invitations set role = $$owner$$'), '42501', 'an invitation is not rewritten');

-- Accepting

select is(pg_temp.accept('other', (select token from told where name = 'first')), 'WA031', 'a token in wrong hands is none');
select is(pg_temp.accept('guest', 'no such token'), 'WA031', 'a wrong token, too');
select is(pg_temp.accept('guest', null), 'WA031', 'and no token');
select is(pg_temp.accept('anon', (select token from told where name = 'first')), '42501', 'anon is refused');
insert into told values ('second', pg_temp.invite('owner', 'guest@example.com', 'admin'));
select is(pg_temp.accept('guest', (select token from told where name = 'first')), 'WA031', 'a newer invitation ends the older');
update public.workspace_invitations set expires_at = now();
select is(pg_temp.accept('guest', (select token from told where name = 'second')), 'WA031', 'an old one is over');
update public.workspace_invitations set expires_at = now() + interval '1 minute';
select is(pg_temp.accept('guest', (select token from told where name = 'second')), md5('home')::uuid::text, 'in time it leads in');
select is(pg_temp.by('guest', 'select role from public.workspace_members where user_id = auth.uid()'), 'admin', 'as what was said');
select is(pg_temp.accept('guest', (select token from told where name = 'second')), 'WA031', 'once');

-- Withdrawing

insert into told values ('of guest', pg_temp.invite('guest', 'other@example.com', 'agent'));
select is(pg_temp.by('agent', 'delete from public.workspace_invitations'), '0', 'an agent withdraws nothing');
select is(pg_temp.by('stranger', 'delete from public.workspace_invitations'), '0', 'nor does a stranger');
select is(pg_temp.by('admin', 'delete from public.workspace_invitations'), '1', 'an admin does');
select is(pg_temp.accept('other', (select token from told where name = 'of guest')), 'WA031', 'and it leads nowhere');
insert into told values ('owner to be', pg_temp.invite('owner', 'other@example.com', 'owner'));
select is(pg_temp.by('admin', 'delete from public.workspace_invitations'), '0', 'but an admin takes no owner''s place away');
select is(pg_temp.invite('admin', 'other@example.com', 'agent'), 'WA034', 'nor makes it a smaller one');
select is(pg_temp.by('owner', 'delete from public.workspace_invitations'), '1', 'an owner does');

-- What somebody gave out goes with them.

insert into told values ('of the gone', pg_temp.invite('guest', 'other@example.com', 'agent'));
select is(pg_temp.by('owner', 'select public.remove_member(md5($$home$$)::uuid, md5($$guest$$)::uuid)'), '', 'the guest is removed');
select is(pg_temp.accept('other', (select token from told where name = 'of the gone')), 'WA031', 'and their invitations with them');
insert into told values ('of the demoted', pg_temp.invite('admin', 'other@example.com', 'agent'));
select is(pg_temp.by('owner', 'select public.change_member_role(md5($$home$$)::uuid, md5($$admin$$)::uuid, $$agent$$)'), '', 'the admin is one no more');
select is(pg_temp.accept('other', (select token from told where name = 'of the demoted')), 'WA031', 'nor are their invitations');
insert into told values ('for one who is here', pg_temp.invite('owner', 'other@example.com', 'agent'));
insert into public.workspace_members (workspace_id, user_id, role) values (md5('home')::uuid, md5('other')::uuid, 'admin');
select is(pg_temp.accept('other', (select token from told where name = 'for one who is here')), 'WA033', 'who has come another way stays what they are');
delete from public.workspace_members where user_id = md5('other')::uuid;
select is(pg_temp.accept('other', (select token from told where name = 'for one who is here')), 'WA031', 'and once removed does not come back by it');

-- Numbers

create function pg_temp.add(actor text, provider text, number text, waba text default null, place text default 'home') returns text language sql as $$
  select pg_temp.by(actor, format('select public.add_connection(%L, %L, %L, %L) is not null', md5(place)::uuid, provider, number, waba))
$$;
select is(pg_temp.add('agent', 'meta', '100001'), 'WA034', 'an agent connects no number');
select is(pg_temp.add('stranger', 'meta', '100001'), 'WA004', 'a stranger none here');
select is(pg_temp.add('anon', 'meta', '100001'), '42501', 'anon none');
select is(pg_temp.add('owner', 'pigeon', '100001'), 'WA032', 'a provider is one of two');
select is(pg_temp.add('owner', 'meta', 'a number'), 'WA032', 'an id is an id');
select is(pg_temp.add('owner', 'meta', null), 'WA032', 'and no id is none');
select is(pg_temp.add('stranger', 'meta', '100001', '7', 'away'), 'true', 'everybody connects their own');
select is(pg_temp.add('owner', 'meta', '100001'), 'WA035', 'a number belongs to one workspace');
select is(pg_temp.add('owner', 'meta', '100002', '7'), 'WA035', 'and so does an account');
update public.workspace_members set role = 'admin' where user_id = md5('admin')::uuid;
select is(pg_temp.add('admin', '360dialog', '100002', '8'), 'true', 'an admin connects one');
select results_eq(
  $$select status, status_reason from public.whatsapp_connections where phone_number_id = '100002'$$,
  $$values ('paused', 'credential')$$, 'which waits for its key');
select is(pg_temp.add('owner', 'meta', '100003'), 'WA002', 'a second does not fit');
select is(pg_temp.add('service_role', 'meta', '100003'), 'WA002', 'whoever asks');
select is(pg_temp.by('admin', 'update public.whatsapp_connections set send_read_receipts = true'), '1', 'an admin sets it up');
select is(pg_temp.by('agent', 'update public.whatsapp_connections set send_read_receipts = false'), '0', 'an agent does not');
select is(
  pg_temp.by('stranger', 'update public.whatsapp_connections set send_read_receipts = false where workspace_id = md5($$home$$)::uuid'), '0',
  'nor does a stranger');

select * from finish();
rollback;
