-- Files on their way out: what WhatsApp holds already, and who has not begun to send.
begin;
select plan(30);

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
values (md5('home number')::uuid, md5('home')::uuid, 'uploads-home'), (md5('away number')::uuid, md5('away')::uuid, 'uploads-away');
insert into public.conversations (id, workspace_id, connection_id, phone)
values (md5('dana')::uuid, md5('home')::uuid, md5('home number')::uuid, '972501');
insert into public.messages (workspace_id, conversation_id, direction, type, content)
values (md5('home')::uuid, md5('dana')::uuid, 'inbound', 'text', '{"body": "hello"}');

create function pg_temp.known(version text, place text default 'home', path text default 'photo') returns text language sql as $$
  select public.get_uploaded_media(md5(place || ' number')::uuid, md5(place)::uuid || '/outgoing/' || path, version)
$$;
create function pg_temp.uploaded(version text, media_id text, place text default 'home', path text default 'photo') returns integer language sql as $$
  select public.record_uploaded_media(md5(place || ' number')::uuid, md5(place)::uuid || '/outgoing/' || path, version, media_id)
$$;
create function pg_temp.gone(variadic media_ids text[]) returns boolean language sql as $$
  select public.release_uploaded_media(md5('home number')::uuid, media_ids)
$$;
create function pg_temp.ages(age interval) returns void language sql as $$
  update private.uploaded_media set uploaded_at = now() - age where workspace_id = md5('home')::uuid
$$;

-- Who may

select is(pg_temp.by('service_role', 'select public.record_uploaded_media(md5($$home number$$)::uuid, md5($$home$$)::uuid || $$/outgoing/photo$$, $$1$$, $$100$$)'), '1', 'the backend remembers an upload');
select is(pg_temp.by('service_role', 'select public.get_uploaded_media(md5($$home number$$)::uuid, md5($$home$$)::uuid || $$/outgoing/photo$$, $$1$$)'), '100', 'and finds it');
select is(pg_temp.by('service_role', 'select public.release_uploaded_media(md5($$home number$$)::uuid, array[$$none$$])'), 'true', 'and forgets');
select is(pg_temp.by('service_role', 'select public.sweep_outbound() >= 0'), 'true', 'and sweeps');
select is(
  (select string_agg(pg_temp.by(actor, call), ' ')
   from unnest(array['owner', 'stranger', 'anon']) as actor,
     unnest(array['select public.get_uploaded_media(null, null, null)', 'select public.record_uploaded_media(null, null, null, null)',
       'select public.release_uploaded_media(null, null)', 'select private.forget_uploaded_media()',
       'select count(*) from private.uploaded_media']) as call),
  trim(repeat('42501 ', 15)), 'members, strangers and anon do nothing of all this');

-- One upload per number and path, the newest

select is(pg_temp.known('2'), null, 'another version has to be uploaded');
select is(pg_temp.known('1', path => 'film'), null, 'so has another file');
select is(pg_temp.known('1', 'away'), null, 'and the same for another number');
select is(pg_temp.uploaded('2', '200'), 1, 'the object has been overwritten and uploaded anew');
select is(pg_temp.known('2') || coalesce(pg_temp.known('1'), ''), '200', 'the old version is forgotten');
select is(
  public.record_uploaded_media(md5('nobody')::uuid, 'path', '1', '1'), 0, 'a number that is gone remembers nothing');

-- For 29 days

select pg_temp.ages('29 days' - interval '1 second');
select is(pg_temp.known('2'), '200', 'an upload is good for 29 days');
select pg_temp.ages('29 days');
select is(pg_temp.known('2'), null, 'and not for longer');
select public.sweep_outbound();
select is_empty($$select from private.uploaded_media where workspace_id = md5('home')::uuid$$, 'then it is swept');

-- What WhatsApp does not know

select pg_temp.uploaded('1', '300'), pg_temp.uploaded('1', '400', path => 'film');
select is(pg_temp.gone('300'), false, 'an id of just now is not gone: another upload would change nothing');
select is(pg_temp.known('1'), '300', 'and it stays');
select pg_temp.ages('1 hour');
select is(pg_temp.gone('300'), true, 'an older one may be');
select is(pg_temp.known('1'), null, 'and is forgotten');
select is(pg_temp.known('1', path => 'film'), '400', 'but no other');
select is(pg_temp.gone('300'), true, 'who sees it a moment later tries again as well');

-- A retry by hand trusts nothing that was uploaded before

insert into public.messages (id, workspace_id, conversation_id, type, content)
values (md5('header')::uuid, md5('home')::uuid, md5('dana')::uuid, 'interactive', jsonb_build_object('type', 'location_request_message',
  'body', '{"text": "Where?"}'::jsonb, 'action', '{"name": "send_location"}'::jsonb, 'deep', jsonb_build_array(jsonb_build_object('path', md5('home')::uuid || '/outgoing/film'))));
select public.cancel_message(md5('header')::uuid);
select public.retry_message(md5('header')::uuid);
select is(pg_temp.known('1', path => 'film'), null, 'its files are uploaded anew, wherever it names them');

-- Preparing: the lease of a message that has not begun

create temporary table lease as select message_id, lease_token from public.claim_outbound(10, 0) where workspace_id = md5('home')::uuid;
create function pg_temp.extended(seconds integer, preparing boolean default null) returns integer language sql as $$
  select public.extend_outbound(jsonb_agg(to_jsonb(lease)), seconds, preparing) from lease
$$;
create function pg_temp.state() returns text language sql as $$
  select concat_ws(' ', message.status, case when item.preparing then 'preparing' end, case when item.lease_token is not null then 'leased' end,
    case when item.uncertain_since is not null then 'in doubt' end, case when item.ready_at is not null then 'ready' end)
  from public.messages as message join public.outbox as item on item.message_id = message.id where message.id = md5('header')::uuid
$$;
select is(pg_temp.state(), 'sending leased', 'whoever is claimed may be on the wire');
select is(pg_temp.extended(0, true), 1, 'unless its worker says that it prepares files');
select is(pg_temp.extended(0), 1, 'which a heartbeat does not change');
select is(pg_temp.state(), 'sending preparing leased', 'it is preparing');
select cmp_ok(public.sweep_outbound(), '>=', 1, 'the worker dies');
select is(pg_temp.state(), 'queued ready', 'and the message waits again, without a doubt');
select is(pg_temp.extended(60, false), 0, 'its worker, if it comes back, is told that it has lost it');
truncate lease;
insert into lease select message_id, lease_token from public.claim_outbound(10, 0) where workspace_id = md5('home')::uuid;
select pg_temp.extended(0, true), pg_temp.extended(0, false), public.sweep_outbound();
select is(pg_temp.state(), 'uncertain in doubt', 'who has begun to send before it dies leaves a doubt');

-- A number that goes takes its uploads along

select pg_temp.uploaded('1', '500', 'away');
delete from public.whatsapp_connections where id = md5('away number')::uuid;
select is(pg_temp.known('1', 'away'), null, 'a number that goes takes its uploads along');

select * from finish();
rollback;
