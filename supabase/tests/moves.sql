-- A number that moves keeps its threads and what still comes under its former id; one that is let go keeps its threads.
begin;
select plan(46);

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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id, waba_id)
values (md5('home number')::uuid, md5('home')::uuid, 'moves-old', 'moves-account'), (md5('away number')::uuid, md5('away')::uuid, 'moves-away', null);
update public.workspaces set connection_limit = 2 where id = md5('away')::uuid;

create function pg_temp.move(actor text, provider text, number text, credential text default 'key', waba text default null) returns text
language sql as $$
  select pg_temp.by(actor, format('select public.record_migration(%L, %L, %L, %L, %L)', md5('home number')::uuid, provider, number, credential, waba))
$$;
create function pg_temp.told(number text, wamid text) returns jsonb language sql as $$
  select jsonb_build_array(jsonb_build_object('phone_number_id', number, 'wamid', wamid, 'wa_id', '972501234567', 'type', 'text',
    'content', jsonb_build_object('body', wamid), 'occurred_at', now() - interval '1 hour'))
$$;
-- A body of one number, recorded as the receiver does; gives the state of its event.
create function pg_temp.arrive(number text, messages jsonb, statuses jsonb default '[]', wabas jsonb default '[]', facts jsonb default '[]') returns text
language plpgsql as $$
declare
  event bigint := (public.receive_inbound(e'360dialog\x1f' || number || e'\x1f\x1f{}'))[1];
begin
  perform public.record_inbound(
    jsonb_build_array(jsonb_build_object('id', event, 'wabas', wabas, 'numbers', case when wabas = '[]' then
      jsonb_build_array(jsonb_build_object('phone_number_id', number, 'provider', '360dialog')) else '[]' end)),
    messages, statuses, null, facts || '[]');
  return (select state from public.webhook_events where id = event);
end
$$;
create function pg_temp.home() returns public.whatsapp_connections language sql as $$
  select * from public.whatsapp_connections where id = md5('home number')::uuid
$$;

-- Who may, and where to

select is(pg_temp.move('owner', 'meta', 'moves-new'), '42501', 'an owner does not move a number');
select is(pg_temp.move('anon', 'meta', 'moves-new'), '42501', 'nor does anon');
select is(pg_temp.move('service_role', 'other', 'moves-new'), 'WA032', 'there are two providers');
select is(pg_temp.move('service_role', 'meta', 'moves new'), 'WA032', 'an id has no blanks');
select is(pg_temp.move('service_role', 'meta', 'moves-new', 'key', 'a b'), 'WA032', 'an account''s neither');
select is(pg_temp.move('service_role', 'meta', 'moves-new', ' '), 'WA006', 'nothing moves without a credential');
select is(pg_temp.move('service_role', 'meta', 'moves-away'), 'WA035', 'another''s id is not taken');
select is(
  pg_temp.by('service_role', 'select public.record_migration(gen_random_uuid(), $$meta$$, $$x$$, $$key$$)'), 'WA004', 'nor an unknown number moved');
select is((pg_temp.home()).phone_number_id, 'moves-old', 'a refused move changes nothing');

-- The move

select is(pg_temp.arrive('moves-old', pg_temp.told('moves-old', 'wamid.moves-1')), 'processed', 'a customer writes before it');
select is(pg_temp.arrive('moves-new', pg_temp.told('moves-new', 'wamid.moves-2')), 'unrouted', 'and already under the new id');
insert into private.uploaded_media (workspace_id, connection_id, path, version, media_id)
values (md5('home')::uuid, md5('home number')::uuid, 'a', '1', '2');
select is(pg_temp.move('service_role', 'meta', 'moves-new', 'token', 'moves-other-account'), 'true', 'a number moves');
select is(
  row((pg_temp.home()).provider, (pg_temp.home()).phone_number_id, (pg_temp.home()).waba_id, (pg_temp.home()).former_ids)::text,
  '(meta,moves-new,moves-other-account,"{moves-account,moves-old}")', 'to its new place, and its former ids are kept');
select is(
  row((pg_temp.home()).status, (pg_temp.home()).status_reason)::text, '(paused,migration)', 'it sends nothing until it is resumed');
select is(private.connection_credential(md5('home number')::uuid), 'token', 'it has its new credential');
select is((select count(*) from private.uploaded_media where connection_id = md5('home number')::uuid), 0::bigint, 'files that the former number had are uploaded anew');
select is(
  (select state from public.webhook_events where phone_number_id = 'moves-new'), 'received', 'what came under the new id is applied by itself');
select is(pg_temp.move('service_role', 'meta', 'moves-new', 'token 2', 'moves-other-account'), 'false', 'once more it is there already');
select is(private.connection_credential(md5('home number')::uuid), 'token 2', 'and the credential is the newer one');

-- Its threads

select is((select phone_number_id from public.conversations where workspace_id = md5('home')::uuid), 'moves-old', 'a thread bears the former id');
select is(
  pg_temp.by('service_role', 'select public.sweep_migration(md5($$home number$$)::uuid)'), '1', 'until it is told');
select is((select phone_number_id from public.conversations where workspace_id = md5('home')::uuid), 'moves-new', 'then the new one');
select is(pg_temp.by('service_role', 'select public.sweep_migration(md5($$home number$$)::uuid)'), '0', 'and there is no more to tell');
select is(pg_temp.by('owner', 'select public.sweep_migration(md5($$home number$$)::uuid)'), '42501', 'an owner has nothing to do with it');

-- What still comes under the former id

select is(pg_temp.arrive('moves-old', pg_temp.told('moves-old', 'wamid.moves-3')), 'processed', 'a late message is applied');
select is(
  (select count(distinct conversation_id) || ' ' || count(*) from public.messages where workspace_id = md5('home')::uuid), '1 2',
  'in the thread of its person');
select is(
  pg_temp.arrive('moves-old', '[]', '[{"phone_number_id": "moves-old", "wamid": "wamid.moves-out", "status": "delivered"}]'), 'processed', 'so is a late report');
select is(
  (select connection_id from public.message_statuses where wamid = 'wamid.moves-out'), md5('home number')::uuid, 'which is the number''s');
select is(pg_temp.arrive('moves-old', '[]', '[]', '["moves-account"]'), 'processed', 'the account it has left waits for nobody');
select is(pg_temp.arrive('moves-strange', pg_temp.told('moves-strange', 'wamid.moves-4')), 'unrouted', 'a strange id is still strange');

-- and nobody else gets it

select is(
  pg_temp.by('stranger', 'select public.add_connection(md5($$away$$)::uuid, $$meta$$, $$moves-old$$)'), 'WA035', 'a stranger cannot connect the former id');
select throws_ok(
  $$insert into public.whatsapp_connections (workspace_id, phone_number_id) values (md5('away')::uuid, 'moves-old')$$, 'WA035', null,
  'nor is a row written for one');
select throws_ok(
  $$update public.whatsapp_connections set phone_number_id = 'moves-old' where id = md5('away number')::uuid$$, 'WA035', null, 'nor a number moved there');

-- Back, and stopped for something else

update public.whatsapp_connections set status = 'paused', status_reason = 'payment' where id = md5('home number')::uuid;
select is(pg_temp.move('service_role', '360dialog', 'moves-old', 'key', 'moves-account'), 'true', 'it moves back');
select is(
  row((pg_temp.home()).status_reason, (pg_temp.home()).former_ids)::text, '(payment,"{moves-new,moves-other-account}")',
  'what it was stopped for it stays stopped for, and the former ids have changed places');
select is(pg_temp.arrive('moves-new', pg_temp.told('moves-new', 'wamid.moves-5')), 'processed', 'now the other id is the former one');

-- Let go

select is(pg_temp.by('owner', 'select public.release_connection(md5($$home number$$)::uuid)'), '42501', 'an owner does not let a number go');
select is(pg_temp.by('service_role', 'select public.release_connection(gen_random_uuid())'), 'WA004', 'nor anybody an unknown one');
select is(pg_temp.by('service_role', 'select public.release_connection(md5($$home number$$)::uuid)'), 'true', 'the backend does');
select is(
  row((pg_temp.home()).status, (pg_temp.home()).status_reason)::text, '(disconnected,operator)', 'it is disconnected');
select is(private.connection_credential(md5('home number')::uuid), null, 'its credential is forgotten');
select is((select count(*) from vault.secrets where name = 'whatsapp_connection_' || md5('home number')::uuid), 0::bigint, 'in Vault, too');
select is((select count(*) from public.messages where workspace_id = md5('home')::uuid), 3::bigint, 'its messages stay');
select is(pg_temp.by('service_role', 'select public.release_connection(md5($$home number$$)::uuid)'), 'false', 'once more changes nothing');

select is(pg_temp.by('owner', 'select public.delete_workspace(md5($$home$$)::uuid)'), '', 'a workspace that is deleted');
select lives_ok(
  $$insert into public.whatsapp_connections (workspace_id, phone_number_id) values (md5('away')::uuid, 'moves-new')$$, 'lets the former ids go');

select * from finish();
rollback;
