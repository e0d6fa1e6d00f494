-- Files named by path: there at all, and of a type and size that WhatsApp takes; whoever sends, and nobody else's.
begin;
select plan(50);

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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id) values (md5('number')::uuid, md5('home')::uuid, 'files-home');
insert into public.conversations (id, workspace_id, connection_id, phone) values (md5('dana')::uuid, md5('home')::uuid, md5('number')::uuid, '972501');
insert into public.messages (workspace_id, conversation_id, direction, type, content)
values (md5('home')::uuid, md5('dana')::uuid, 'inbound', 'text', '{"body": "hello"}');

-- One object at a time, and what becomes of a message of a kind that names it.
create function pg_temp.sends(kind text, name text, mime_type text, size bigint default 1, extra jsonb default '{}') returns text language plpgsql as $$
declare
  field text;
begin
  update storage.objects set name = md5('home')::uuid || '/outgoing/' || sends.name,
    metadata = jsonb_strip_nulls(jsonb_build_object('mimetype', mime_type, 'size', size))
  where id = md5('object')::uuid;
  perform private.check_content(kind, jsonb_build_object('path', md5('home')::uuid || '/outgoing/' || sends.name) || extra, md5('home')::uuid);
  return null;
exception when others then
  get stacked diagnostics field = pg_exception_detail;
  return sqlstate || ' ' || field;
end
$$;
insert into storage.objects (id, bucket_id, name) values (md5('object')::uuid, 'whatsapp-media', 'anything');

-- Types

select is(pg_temp.sends(kind, name, mime_type), answer, concat_ws(' ', kind, name, mime_type)) from (values
  ('image', 'a.jpg', 'image/jpeg', null), ('image', 'a', 'image/png', null), ('image', 'a.jpg', 'image/jpg', null),
  ('image', 'a.webp', 'image/webp', 'WA022 path'), ('image', 'a.gif', 'image/gif', 'WA022 path'), ('image', 'a.jpg', 'text/html', 'WA022 path'),
  ('image', 'a.JPG', 'application/octet-stream', null), ('image', 'a', 'application/octet-stream', 'WA022 path'), ('image', 'a.png', null, null),
  ('image', '.png', null, 'WA022 path'),
  ('video', 'a.mp4', 'video/mp4', null), ('video', 'a.3gp', 'Video/3GPP', null), ('video', 'a.mov', 'video/quicktime', 'WA022 path'),
  ('audio', 'a.ogg', 'audio/ogg', null), ('audio', 'a.opus', 'audio/opus', null), ('audio', 'a.ogg', 'audio/ogg; codecs=opus', null),
  ('audio', 'a.ogg', 'audio/ogg; codecs=vorbis', 'WA022 path'), ('audio', 'a.mp3', 'audio/mp3', null), ('audio', 'a.wav', 'audio/wav', 'WA022 path'),
  ('audio', 'a.opus', 'binary/octet-stream', null),
  ('sticker', 'a.webp', 'image/webp', null), ('sticker', 'a.png', 'image/png', 'WA022 path'),
  ('document', 'a.pdf', 'application/pdf', null), ('document', 'a.txt', 'text/plain; charset=utf-8', null), ('document', 'a.jpg', 'image/jpeg', null),
  ('document', 'a.docx', 'application/octet-stream', null), ('document', 'a.html', 'text/html', 'WA022 path'), ('document', 'a.zip', 'application/zip', 'WA022 path')
) as file (kind, name, mime_type, answer);
select is(pg_temp.sends('audio', 'note', 'application/octet-stream', extra => '{"voice": true}'), null, 'a voice note of no told type is Opus');
select is(pg_temp.sends('audio', 'note', 'application/octet-stream'), 'WA022 path', 'any other sound has to say what it is');

-- Sizes

select is(pg_temp.sends(kind, 'a', mime_type, size + more), case more when 1 then 'WA023 path' end, kind || ' of ' || size + more || ' bytes')
from (values ('image', 'image/png', 5242880), ('video', 'video/mp4', 16777216), ('audio', 'audio/aac', 16777216),
  ('sticker', 'image/webp', 512000), ('document', 'application/pdf', 104857600)) as limits (kind, mime_type, size), generate_series(0, 1) as more;
select is(pg_temp.sends('document', 'a.pdf', 'application/pdf', 0), 'WA023 path', 'nothing at all is no file');
select is(pg_temp.sends('image', 'a.png', 'image/png', null), null, 'an object that does not say its size passes');

-- What is not there, and what is somebody else's

insert into storage.objects (bucket_id, name, metadata) values
  ('whatsapp-media', md5('home')::uuid || '/outgoing/mine.png', '{"mimetype": "image/png", "size": 1}'),
  ('whatsapp-media', md5('away')::uuid || '/outgoing/theirs.png', '{"mimetype": "image/png", "size": 1}');
create function pg_temp.sent(actor text, path text) returns text language sql as $$
  select pg_temp.by(actor, format('insert into public.messages (conversation_id, type, content) values (md5($a$dana$a$)::uuid, $a$image$a$, %L)', jsonb_build_object('path', path)))
$$;
select is(pg_temp.sent('agent', md5('home')::uuid || '/outgoing/mine.png'), '1', 'an agent sends what lies there');
select is(pg_temp.sent('service_role', md5('home')::uuid || '/outgoing/mine.png'), '1', 'so does the backend');
select is(pg_temp.sent('agent', md5('home')::uuid || '/outgoing/none.png'), 'WA021', 'but nothing that does not');
select is(
  pg_temp.sent('agent', md5('away')::uuid || '/outgoing/theirs.png') || ' ' || pg_temp.sent('agent', md5('away')::uuid || '/outgoing/none.png'),
  'WA014 WA014', 'of another workspace''s files one does not even learn whether they are there');
select is(
  pg_temp.by('agent', format('insert into public.messages (conversation_id, type, content) values (md5($a$dana$a$)::uuid, $a$interactive$a$, %L)',
    jsonb_build_object('type', 'button', 'body', '{"text": "a"}'::jsonb, 'action', '{"buttons": [{"type": "reply", "reply": {"id": "1", "title": "a"}}]}'::jsonb,
      'header', jsonb_build_object('type', 'video', 'video', jsonb_build_object('path', md5('home')::uuid || '/outgoing/mine.png'))))),
  'WA022', 'a header is looked at as well');
insert into private.media_removals (prefix, workspace_id, cause, lease_token)
values (md5('home')::uuid || '/outgoing/mine.png', md5('home')::uuid, 'deleted', gen_random_uuid());
select is(pg_temp.sent('agent', md5('home')::uuid || '/outgoing/mine.png'), 'WA021', 'what is being removed is as good as gone');
update private.media_removals set lease_token = null where workspace_id = md5('home')::uuid;
select is(pg_temp.sent('agent', md5('home')::uuid || '/outgoing/mine.png'), '1', 'what only waits for it is wanted again');
select is(
  pg_temp.by('anon', 'select private.check_file($$a$$, $$image$$, false, $$path$$)'), '42501', 'anon may not ask');

select * from finish();
rollback;
