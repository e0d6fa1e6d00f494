-- What differs between files, their messages, their queue and the bucket: found page by page, and nothing changed by looking.
begin;
select plan(26);

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
values (md5('home number')::uuid, md5('home')::uuid, 'verify-home'), (md5('away number')::uuid, md5('away')::uuid, 'verify-away');
-- A message that says `status` of its file, whether it is queued, and the size of the object that is there, if any.
create function pg_temp.file(name text, status text, queued boolean default false, object_size integer default null, place text default 'home')
returns void language sql as $$
  insert into public.messages (id, workspace_id, connection_id, direction, status, type, content, wamid, media_id, media_status, media_path,
    media_size, media_sha256, occurred_at)
  values (md5(name)::uuid, md5(place)::uuid, md5(place || ' number')::uuid, 'inbound', 'received', 'image', '{}', name, name, file.status,
    case when file.status = 'stored' then private.object_name(md5(place)::uuid, null, md5(name)::uuid) || '.png' end, 4, md5(name), now());
  insert into public.media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline)
  select md5(name)::uuid, md5(place)::uuid, md5(place || ' number')::uuid,
    private.object_name(md5(place)::uuid, null, md5(name)::uuid), name, now() + interval '1 day'
  where queued;
  insert into storage.objects (bucket_id, name, metadata)
  select 'whatsapp-media', private.object_name(md5(place)::uuid, null, md5(name)::uuid) || '.png', jsonb_build_object('size', object_size)
  where object_size is not null;
$$;
create function pg_temp.object(path text, bucket text default 'whatsapp-media', written_at timestamptz default now() - interval '2 hours')
returns void language sql as $$
  insert into storage.objects (bucket_id, name, metadata, created_at, updated_at) values (bucket, path, '{"size": 9}', written_at, written_at)
$$;
-- The differences that a function for messages or objects finds in a workspace, in pages of so many.
create function pg_temp.found(walk text, place text, max_rows integer) returns setof jsonb language plpgsql as $$
declare
  page jsonb := '{}';
begin
  loop
    execute format('select public.%I($1, $2, $3)', walk) into page using page ->> 'after', max_rows, md5(place)::uuid;
    exit when page ->> 'after' is null;
    return query select * from jsonb_array_elements(page -> 'differences');
  end loop;
end
$$;
create function pg_temp.messages(place text default 'home', max_rows integer default 100) returns text language sql as $$
  select string_agg(concat_ws(' ', wamid, found ->> 'problem', found ->> 'recorded', found ->> 'found'), ', ' order by wamid, found ->> 'problem')
  from pg_temp.found('verify_media', place, max_rows) as found join public.messages on id = (found ->> 'message_id')::uuid
$$;
create function pg_temp.objects(place text default 'home', max_rows integer default 100) returns text language sql as $$
  select string_agg(line, ', ' order by line)
  from pg_temp.found('verify_media_objects', place, max_rows) as found
  cross join lateral concat_ws(' ', replace(found ->> 'path', md5(place)::uuid::text, place), found ->> 'problem', found ->> 'found') as line
$$;

-- Who may

select is(
  (select string_agg(pg_temp.by(actor, call), ' ')
   from unnest(array['owner', 'stranger', 'anon']) as actor,
     unnest(array['select public.verify_media(null, 10)', 'select public.verify_media_objects(null, 10)', 'select public.record_lost_media($$[]$$)']) as call),
  trim(repeat('42501 ', 9)), 'members, strangers and anon do nothing of all this');
select is(
  pg_temp.by('service_role', format('select public.verify_media(null, 10, %L)', md5('home')::uuid)),
  '{"after": null, "files": [], "checked": 0, "differences": []}', 'the backend looks: there is nothing yet');
select is(
  pg_temp.by('service_role', format('select public.verify_media_objects(null, 10, %L)', md5('home')::uuid)),
  '{"after": null, "checked": 0, "differences": []}', 'nor any object');
select is(pg_temp.by('service_role', 'select public.record_lost_media($$[]$$)'), '[]', 'no losses are no trouble');

-- Messages

select pg_temp.file('good', 'stored', object_size => 4), pg_temp.file('waits', 'pending', true), pg_temp.file('fetched', 'downloading', true),
  pg_temp.file('gone', 'expired'), pg_temp.file('given up', 'failed'), pg_temp.file('bad', 'corrupt');
select is(pg_temp.messages(), null, 'what is as it should be is no difference');
select pg_temp.file('half', 'stored', object_size => 3), pg_temp.file('lost', 'stored');
select is(pg_temp.messages(), 'half size 4 3, lost missing 4', 'a file that is shorter and one that is not there');
select pg_temp.file('forgotten', 'pending'), pg_temp.file('dropped', 'downloading'), pg_temp.file('twice', 'stored', true, 4),
  pg_temp.file('again', 'failed', true);
select is(
  pg_temp.messages(),
  'again stuck failed queued, dropped stuck downloading not queued, forgotten stuck pending not queued, half size 4 3, lost missing 4, '
    || 'twice stuck stored queued', 'a file that nobody will fetch, and one that has ended and would be fetched');
select is(pg_temp.messages(max_rows => 1), pg_temp.messages(), 'page by page the same');
select is(pg_temp.messages(max_rows => 3), pg_temp.messages(), 'whatever the page');
select is(pg_temp.messages('away'), null, 'and nothing of it in another workspace');
select pg_temp.file('theirs', 'stored', place => 'away');
select is(pg_temp.messages('away'), 'theirs missing 4', 'which has its own');
select is(
  (select count(*)::integer from jsonb_array_elements(public.verify_media(null, 1000000) -> 'differences') as found
   where (found ->> 'workspace_id')::uuid in (md5('home')::uuid, md5('away')::uuid)), 7, 'all workspaces at once');
select is(
  (select string_agg(file ->> 'path', ',' order by file ->> 'path')
   from jsonb_array_elements(public.verify_media(null, 100, md5('home')::uuid) -> 'files') as file),
  (select string_agg(media_path, ',' order by media_path) from public.messages where wamid in ('good', 'twice')),
  'what is there and as long as it should be can be hashed');
insert into public.messages (workspace_id, connection_id, direction, status, type, content)
values (md5('home')::uuid, md5('home number')::uuid, 'inbound', 'received', 'text', '{}');
select is(public.verify_media(null, 100, md5('home')::uuid) ->> 'checked', '12', 'messages without a file are not looked at');
update public.messages set media_path = null where wamid = 'good';
select matches(pg_temp.messages(), 'good missing 4', 'a file that is stored nowhere is missing');
update public.messages set media_path = private.object_name(workspace_id, null, id) || '.png' where wamid = 'good';

-- Objects

select is(pg_temp.objects(), null, 'what a message names is nobody''s orphan');
select pg_temp.object(md5('home')::uuid || '/none/' || md5('nobody')::uuid || '.png'), pg_temp.object(md5('home')::uuid || '/letter.txt');
select is(pg_temp.objects(), format('home/letter.txt orphan 9, home/none/%s.png orphan 9', md5('nobody')::uuid), 'what no message names is an orphan');
select is(pg_temp.objects(max_rows => 1), pg_temp.objects(), 'page by page the same');
select is(pg_temp.objects('away'), null, 'and nothing of it in another workspace');
insert into storage.buckets (id, name, public) values ('verify-story', 'verify-story', false);
select pg_temp.object(private.object_name(md5('home')::uuid, null, md5('waits')::uuid) || '.png'),
  pg_temp.object(md5('home')::uuid || '/none/' || md5('just now')::uuid, written_at => now()),
  pg_temp.object(md5('home')::uuid || '/outgoing/offer.pdf'), pg_temp.object(md5('home')::uuid || '/none/elsewhere', 'verify-story');
select is(
  pg_temp.objects(), format('home/letter.txt orphan 9, home/none/%s.png orphan 9', md5('nobody')::uuid),
  'but not what a worker is about to record, what is to be sent, or another bucket''s');
select pg_temp.object(private.object_name(md5('home')::uuid, null, md5('good')::uuid) || '.jpg');
select matches(pg_temp.objects(), md5('good')::uuid || '.jpg orphan', 'a second file of a message that names another is an orphan');
select pg_temp.object(md5('home')::uuid || '/outgoing');
select matches(pg_temp.objects(), 'home/outgoing orphan', 'a file in place of a folder is no outgoing one');
select pg_temp.object(md5('nowhere')::uuid || '/outgoing/offer.pdf'), pg_temp.object(md5('nowhere')::uuid || '/none/' || md5('x')::uuid);
select is(
  pg_temp.objects('nowhere'), format('nowhere/none/%s orphan 9, nowhere/outgoing/offer.pdf orphan 9', md5('x')::uuid),
  'of a workspace that is gone all are orphans');
select pg_temp.object(md5('away')::uuid || '/none/' || md5('x')::uuid), pg_temp.object(md5('away')::uuid || '/outgoing/offer.pdf');
delete from public.workspaces where id = md5('away')::uuid;
select is(pg_temp.objects('away'), null, 'but for what the worker is about to remove');
select pg_temp.object('verify.txt'), pg_temp.object(upper(md5('home')::uuid::text) || '/none/verify.txt'), pg_temp.object('verify/none/verify.txt');
select is(
  (select string_agg(found ->> 'problem', ' ') from jsonb_array_elements(public.verify_media_objects(null, 1000000) -> 'differences') as found
   where found ->> 'path' ilike '%verify.txt'), 'stray stray stray', 'and what is in no workspace''s folder has strayed');

-- Repairing what is no longer so

select is(
  (select string_agg(repair ->> 'repair', ' ') from jsonb_array_elements(public.record_lost_media(jsonb_build_array(
    jsonb_build_object('message_id', md5('good')::uuid, 'problem', 'missing', 'path', private.object_name(md5('home')::uuid, null, md5('good')::uuid) || '.png'),
    jsonb_build_object('message_id', md5('good')::uuid, 'problem', 'hash', 'path', 'another'),
    jsonb_build_object('message_id', md5('waits')::uuid, 'problem', 'stuck'),
    jsonb_build_object('message_id', md5('nobody')::uuid, 'problem', 'missing')))) as repair),
  'unchanged unchanged unchanged unchanged', 'what is no longer so is let be');

select * from finish();
rollback;
