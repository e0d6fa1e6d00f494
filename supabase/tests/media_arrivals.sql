-- Files that come: live, of the phones app, out of its history, without an id.
begin;
select plan(25);

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
values (md5('home number')::uuid, md5('home')::uuid, 'arrivals-home'), (md5('away number')::uuid, md5('away')::uuid, 'arrivals-away');

create function pg_temp.receive(name text, fields jsonb default '{}') returns integer language sql as $$
  select public.record_inbound('[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'arrivals-home', 'wamid', name,
    'wa_id', '972501234567', 'type', 'image', 'content', '{}'::jsonb, 'occurred_at', now() - interval '1 hour', 'media_id', name) || fields), '[]')
$$;
-- What a message says of its file, and for how long it may still be fetched.
create function pg_temp.state(name text) returns text language sql as $$
  select concat_ws(' ', message.type, message.media_status, message.media_error ->> 'code', item.media_id, item.deadline - now())
  from public.messages as message left join public.media_downloads as item on item.message_id = message.id
  where message.wamid = name
$$;

-- How long there is

select pg_temp.receive('live');
select is(pg_temp.state('live'), 'image pending live 6 days 23:00:00', 'a picture may be fetched for seven days after it was sent');
select is(
  (select object_name from public.media_downloads where media_id = 'live'),
  (select workspace_id || '/' || conversation_id || '/' || id from public.messages where wamid = 'live'), 'and it is known where it will lie');
select pg_temp.receive('late', jsonb_build_object('occurred_at', now() - interval '20 days'));
select is(pg_temp.state('late'), 'image pending late 00:10:00', 'what was told late gets a try');
select pg_temp.receive('early', jsonb_build_object('occurred_at', now() + interval '20 days'));
select is(pg_temp.state('early'), 'image pending early 7 days', 'a clock that is ahead keeps nothing longer');
update public.whatsapp_connections set media_lifetime = '60 minutes' where id = md5('home number')::uuid;
select pg_temp.receive('brief', jsonb_build_object('occurred_at', now() - interval '20 minutes'));
select is(pg_temp.state('brief'), 'image pending brief 00:40:00', 'a number without storage at Meta keeps files for an hour');
select throws_ok(
  $$update public.whatsapp_connections set media_lifetime = '0' where id = md5('home number')::uuid$$, '23514', null, 'no number keeps them for no time');
select is(
  pg_temp.by('owner', $$update public.whatsapp_connections set media_lifetime = '1 day'$$), '42501', 'nor does a member say how long');
update public.whatsapp_connections set media_lifetime = '7 days' where id = md5('home number')::uuid;

-- Every type

select is(
  (select string_agg(pg_temp.receive('a ' || type, jsonb_build_object('type', type))::text, '') from unnest(array['video', 'audio', 'document', 'sticker']) as type),
  '1111', 'films, voices, documents and stickers come');
select is(
  (select count(*) from public.media_downloads where media_id like 'a %'), 4::bigint, 'and are queued like pictures');
select pg_temp.receive('words', '{"type": "text", "content": {"body": "hi"}, "media_id": null}');
select is(pg_temp.state('words'), 'text', 'a text has no file');

-- The phone's app, and its history

select pg_temp.receive('echo', '{"direction": "outbound", "status": "sent", "media_sha256": "c2hh", "media_filename": "a.pdf", "type": "document"}');
select is(pg_temp.state('echo'), 'document pending echo 6 days 23:00:00', 'what the phone''s app sent is fetched, too');
select pg_temp.receive('past', jsonb_build_object('imported', true, 'occurred_at', now() - interval '100 days'));
select is(pg_temp.state('past'), 'image pending past 7 days', 'an old picture''s id is as young as the webhook that tells it');
select pg_temp.receive('ours', jsonb_build_object('imported', true, 'direction', 'outbound', 'status', 'read', 'occurred_at', now() - interval '100 days'));
select is(pg_temp.state('ours'), 'image pending ours 7 days', 'and so is that of one that the business sent');
select pg_temp.receive('place', '{"imported": true, "type": "media_placeholder", "media_id": null}');
select is(pg_temp.state('place'), 'media_placeholder', 'a placeholder has no file and has not failed');
select pg_temp.receive('place', '{"imported": true, "type": "audio"}');
select is(pg_temp.state('place'), 'audio pending place 7 days', 'until its file is told');
select pg_temp.receive('place', '{"imported": true, "type": "media_placeholder", "media_id": null}');
select is(pg_temp.state('place'), 'audio pending place 7 days', 'which no placeholder takes away');

-- Without an id

select is(
  (select string_agg(pg_temp.receive('no ' || type, jsonb_build_object('type', type, 'media_id', null))::text, '')
   from unnest(array['image', 'video', 'audio', 'document', 'sticker']) as type), '11111', 'files come that nobody can ask for');
select is(
  (select string_agg(pg_temp.state('no ' || type), ', ' order by type) from unnest(array['image', 'video', 'audio', 'document', 'sticker']) as type),
  'audio failed no_media_id, document failed no_media_id, image failed no_media_id, sticker failed no_media_id, video failed no_media_id',
  'each says so');
select isnt(
  (select media_error ->> 'title' from public.messages where wamid = 'no image'), null, 'in words, too');
select pg_temp.receive('no echo', '{"direction": "outbound", "status": "sent", "media_id": null}');
select is(pg_temp.state('no echo'), 'image failed no_media_id', 'an echo as well');
select pg_temp.receive('no place', '{"imported": true, "type": "media_placeholder", "media_id": null}'),
  pg_temp.receive('no place', '{"imported": true, "type": "video", "media_id": null}');
select is(pg_temp.state('no place'), 'video failed no_media_id', 'and what takes a placeholder''s place');
select pg_temp.receive('no image', '{"media_id": "after all", "media_mime_type": "image/png"}');
select is(pg_temp.state('no image'), 'image pending after all 6 days 23:00:00', 'told again with its id, it is fetched');
select pg_temp.receive('no image', '{"media_id": null}');
select is(pg_temp.state('no image'), 'image pending after all 6 days 23:00:00', 'and the word before changes nothing any more');
select public.record_inbound('[]', jsonb_agg(jsonb_build_object('phone_number_id', 'arrivals-home', 'wamid', 'both', 'wa_id', '972501234567',
  'type', 'image', 'content', '{}'::jsonb, 'occurred_at', now(), 'media_id', told.id)), '[]')
from (values (null), ('its id')) as told (id);
select is(pg_temp.state('both'), 'image pending its id 7 days', 'told both ways at once, it is fetched');

-- What members send

insert into public.messages (workspace_id, conversation_id, type, content)
select workspace_id, conversation_id, 'image', '{"link": "https://example.com/a.png"}' from public.messages where wamid = 'live';
select is(
  (select coalesce(media_status, 'none') from public.messages where content ? 'link'), 'none', 'a picture that is sent is nothing to be fetched');

select * from finish();
rollback;
