-- What people do with a file: ask for it once more, and see where it is.
begin;
select plan(37);

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
values (md5('home number')::uuid, md5('home')::uuid, 'hands-media-home'), (md5('away number')::uuid, md5('away')::uuid, 'hands-media-away');

create function pg_temp.receive(name text, fields jsonb default '{}') returns integer language sql as $$
  select public.record_inbound('[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'hands-media-home', 'wamid', name,
    'wa_id', '972501234567', 'type', 'image', 'content', '{}'::jsonb, 'occurred_at', now() - interval '6 days 23 hours 30 minutes',
    'media_id', name, 'media_sha256', 'announced') || fields), '[]')
$$;
create function pg_temp.ended(name text, outcome text, result jsonb default '{"error": {"code": "why"}}') returns integer language sql as $$
  select public.record_media(jsonb_agg(jsonb_build_object('message_id', message_id, 'lease_token', lease_token, 'outcome', outcome) || result))
  from public.claim_media(10) where media_id = name
$$;
create function pg_temp.retry(actor text, name text) returns text language sql as $$
  select pg_temp.by(actor, format('select public.retry_media(%L)', coalesce((select id from public.messages where wamid = name), md5(name)::uuid)))
$$;
create function pg_temp.state(name text) returns text language sql as $$
  select concat_ws(' ', message.media_status, message.media_error ->> 'code', item.attempts, item.sha256, item.deadline - now())
  from public.messages as message left join public.media_downloads as item on item.message_id = message.id
  where message.wamid = name
$$;

-- Once more

select pg_temp.receive('lost');
select is(pg_temp.retry('agent', 'lost'), 'WA008', 'what waits is not asked for a second time');
select is(pg_temp.ended('lost', 'failed'), 1, 'a file fails');
select is(pg_temp.state('lost'), 'failed why', 'and says why');
select is(pg_temp.retry('stranger', 'lost'), 'WA004', 'it is none of a stranger''s business');
select is(pg_temp.retry('stranger', 'no such message'), 'WA004', 'who learns nothing from that');
select is(pg_temp.retry('agent', 'no such message'), 'WA004', 'unknown to an agent as well');
select is(pg_temp.retry('anon', 'lost'), '42501', 'anon asks for nothing');
select is(pg_temp.state('lost'), 'failed why', 'nothing has happened');
select is(pg_temp.retry('agent', 'lost'), '', 'an agent asks once more');
select is(pg_temp.state('lost'), 'pending 0 announced 01:00:00', 'it waits as if new, for an hour at least');
select is(pg_temp.retry('agent', 'lost'), 'WA008', 'once');
select is(pg_temp.ended('lost', 'expired'), 1, 'WhatsApp has forgotten it');
select is(pg_temp.retry('admin', 'lost'), '', 'an admin may ask again');
select is(pg_temp.ended('lost', 'corrupt'), 1, 'it comes broken');
select is(pg_temp.retry('owner', 'lost'), '', 'and an owner');
select is(pg_temp.ended('lost', 'failed'), 1, 'it fails');
select is(pg_temp.retry('service_role', 'lost'), '', 'and the backend');
update public.media_downloads set deadline = now() where media_id = 'lost';
select cmp_ok(public.sweep_media(), '>=', 1, 'an hour passes');
select is(pg_temp.state('lost'), 'expired expired', 'it is gone');
select is(pg_temp.retry('agent', 'lost'), '', 'one more try');
select is(pg_temp.ended('lost', 'stored', '{"path": "w/c/m.jpg", "size": 3, "sha256": "proven"}'), 1, 'and here it is');
select is(pg_temp.state('lost'), 'stored', 'whole');
select is(pg_temp.retry('agent', 'lost'), 'WA008', 'what is stored is not asked for');

select pg_temp.receive('young', jsonb_build_object('occurred_at', now()));
select is(pg_temp.ended('young', 'failed') || pg_temp.retry('agent', 'young'), '1', 'a young file fails and is asked for');
select is(pg_temp.state('young'), 'pending 0 announced 7 days', 'for as long as its number''s provider keeps it');
select is((select count(*) from public.claim_media(10) where media_id = 'young'), 1::bigint, 'it is claimed');
select is(pg_temp.retry('agent', 'young'), 'WA008', 'what is on its way is not asked for');

-- Nothing to ask for

select pg_temp.receive('no id', '{"media_id": null}'), pg_temp.receive('words', '{"type": "text", "content": {"body": "hi"}, "media_id": null}');
select is(pg_temp.retry('agent', 'no id'), 'WA020', 'a file that nobody can name');
select is(pg_temp.state('no id'), 'failed no_media_id', 'stays as it is');
select is(pg_temp.retry('agent', 'words'), 'WA020', 'a text has none');
select is(pg_temp.retry('stranger', 'words'), 'WA004', 'which is none of a stranger''s business');
select pg_temp.receive('echo', '{"direction": "outbound", "status": "sent"}');
select is(pg_temp.ended('echo', 'failed') || pg_temp.retry('agent', 'echo'), '1', 'what the phone''s app sent is asked for as well');

-- Where it is

select is(
  pg_temp.by('agent', 'select media_url(message) from public.messages as message where wamid = $$lost$$'),
  '/storage/v1/object/authenticated/whatsapp-media/w/c/m.jpg', 'a member is told where a file is');
select is(
  pg_temp.by('agent', 'select coalesce(media_url(message), $$nowhere$$) from public.messages as message where wamid = $$young$$'), 'nowhere', 'once it is there');
select is(
  pg_temp.by('agent', 'select string_agg(message.media_url, $$ $$) from public.messages as message'),
  '/storage/v1/object/authenticated/whatsapp-media/w/c/m.jpg', 'as a column that is computed');
select is(pg_temp.by('stranger', 'select string_agg(message.media_url, $$ $$) from public.messages as message'), null, 'a stranger is told nothing');
select is(pg_temp.by('anon', 'select string_agg(message.media_url, $$ $$) from public.messages as message'), '42501', 'nor is anon');

select * from finish();
rollback;
