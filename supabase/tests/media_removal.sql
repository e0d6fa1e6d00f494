-- Files whose message or workspace is gone: what is queued for removal, what is resolved, and what is never removed.
begin;
select plan(49);

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
values (md5('home number')::uuid, md5('home')::uuid, 'removal-home'), (md5('away number')::uuid, md5('away')::uuid, 'removal-away');
insert into public.conversations (id, workspace_id, connection_id, phone)
select md5(place || ' thread')::uuid, md5(place)::uuid, md5(place || ' number')::uuid, '972501' from unnest(array['home', 'away']) as place;
insert into public.messages (workspace_id, conversation_id, direction, type, content)
select md5(place)::uuid, md5(place || ' thread')::uuid, 'inbound', 'text', '{"body": "hello"}' from unnest(array['home', 'away']) as place;

-- A message `cat` of home has its file at HOME/THREAD/cat; words stand for ids.
create function pg_temp.written(name text) returns text language sql as $$
  select replace(replace(replace(replace(replace(replace(name, 'HOME', md5('home')::uuid::text), 'AWAY', md5('away')::uuid::text),
    'THREAD', md5('home thread')::uuid::text), 'cat', md5('cat')::uuid::text), 'dog', md5('dog')::uuid::text), 'fox', md5('fox')::uuid::text)
$$;
create function pg_temp.read(name text) returns text language sql as $$
  select replace(replace(replace(replace(replace(replace(name, md5('home')::uuid::text, 'HOME'), md5('away')::uuid::text, 'AWAY'),
    md5('home thread')::uuid::text, 'THREAD'), md5('cat')::uuid::text, 'cat'), md5('dog')::uuid::text, 'dog'), md5('fox')::uuid::text, 'fox')
$$;
create function pg_temp.lies(variadic names text[]) returns void language sql as $$
  insert into storage.objects (bucket_id, name, metadata)
  select 'whatsapp-media', pg_temp.written(name), '{"mimetype": "image/png", "size": 1}' from unnest(names) as name
$$;
create function pg_temp.goes(variadic names text[]) returns void language sql as $$
  select set_config('storage.allow_delete_query', 'true', true);
  delete from storage.objects where bucket_id = 'whatsapp-media' and name in (select pg_temp.written(name) from unnest(names) as name)
$$;
create function pg_temp.receives(name text, path text, received_at timestamptz default now()) returns void language sql as $$
  insert into public.messages (id, workspace_id, conversation_id, direction, type, content, media_status, media_path, occurred_at)
  values (md5(name)::uuid, md5('home')::uuid, md5('home thread')::uuid, 'inbound', 'image', '{}', 'stored', pg_temp.written(path), received_at)
$$;
create function pg_temp.sends(name text, kind text, content text) returns void language sql as $$
  insert into public.messages (id, workspace_id, conversation_id, type, content)
  values (md5(name)::uuid, md5('home')::uuid, md5('home thread')::uuid, kind, pg_temp.written(content)::jsonb)
$$;
create function pg_temp.waits(name text, leased interval default null) returns void language sql as $$
  insert into public.media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline, lease_token, lease_expires_at)
  values (md5(name)::uuid, md5('home')::uuid, md5('home number')::uuid, pg_temp.written('HOME/THREAD/' || name), '1', now() + interval '7 days',
    case when leased is not null then gen_random_uuid() end, now() + leased)
$$;
create function pg_temp.deletes(variadic names text[]) returns void language sql as $$
  delete from public.messages where id in (select md5(name)::uuid from unnest(names) as name)
$$;
create function pg_temp.queued() returns text language sql as $$
  select string_agg(pg_temp.read(prefix) || case when lease_token is not null then ' leased' else '' end, ', ' order by pg_temp.read(prefix) collate "C")
  from private.media_removals where workspace_id in (md5('home')::uuid, md5('away')::uuid)
$$;
create function pg_temp.now_due() returns void language sql as $$
  update private.media_removals set available_at = now()
$$;
create function pg_temp.claimed(most integer default 100) returns text language sql as $$
  select string_agg(pg_temp.read(name), ', ' order by pg_temp.read(name) collate "C")
  from public.claim_removals(most) as removal, unnest(names) as name
$$;
create function pg_temp.recorded(removed integer, error text default null) returns integer language sql as $$
  select public.record_removals(jsonb_agg(jsonb_build_object('prefix', prefix, 'lease_token', lease_token, 'removed', removed,
    'error', case when recorded.error is not null then jsonb_build_object('code', recorded.error) end)))
  from private.media_removals where lease_token is not null
$$;

-- Who may

select is(pg_temp.by('service_role', 'select count(*) from public.claim_removals(0)'), '0', 'the backend claims');
select is(pg_temp.by('service_role', 'select public.sweep_media_retention(0)'), '0', 'and sweeps');
select is(pg_temp.by('service_role', 'select public.record_removals($$[]$$) + public.release_removals($$[]$$)'), '0', 'and records');
select is(
  (select string_agg(pg_temp.by(actor, call), ' ')
   from unnest(array['owner', 'stranger', 'anon']) as actor,
     unnest(array['select public.claim_removals()', 'select public.record_removals($$[]$$)', 'select public.release_removals($$[]$$)',
       'select public.next_removals()', 'select public.sweep_media_retention()', 'select count(*) from private.media_removals',
       'select private.queue_removal($$a$$, null)']) as call),
  trim(repeat('42501 ', 21)), 'members, strangers and anon do nothing of all this');

-- A message takes its file along, and nothing that is only called like it

select pg_temp.lies('HOME/THREAD/cat', 'HOME/THREAD/cat.png', 'HOME/THREAD/cat.tar.gz', 'HOME/THREAD/cat-1', 'HOME/THREAD/cat0', 'HOME/THREAD/cat/x',
  'HOME/THREAD/dog.png', 'AWAY/THREAD/cat.png');
select pg_temp.receives('cat', 'HOME/THREAD/cat.png'), pg_temp.receives('dog', 'HOME/THREAD/dog.png');
select is(pg_temp.queued(), null, 'nothing is to go');
select pg_temp.deletes('cat');
select is(pg_temp.queued(), 'HOME/THREAD/cat', 'the file of a message that is deleted is, in the same transaction');
select ok(public.next_removals() = 0, 'and at once');
select is(pg_temp.claimed(), 'HOME/THREAD/cat, HOME/THREAD/cat.png, HOME/THREAD/cat.tar.gz', 'under any extension, and no longer name');
select is(pg_temp.claimed(), null, 'nobody else gets it meanwhile');
select cmp_ok(public.next_removals(), '>', 50::double precision, 'unless its worker dies');
select is(pg_temp.recorded(3), 1, 'its worker says that it is gone');
select is(pg_temp.queued(), 'HOME/THREAD/cat', 'which is believed when no object is left');
select is(pg_temp.claimed(), 'HOME/THREAD/cat, HOME/THREAD/cat.png, HOME/THREAD/cat.tar.gz', 'else it is tried again');
select pg_temp.goes('HOME/THREAD/cat', 'HOME/THREAD/cat.png', 'HOME/THREAD/cat.tar.gz'), pg_temp.recorded(0);
select is(pg_temp.queued(), null, 'who has gone without us is gone as well');

-- Storage away

select pg_temp.deletes('dog');
select is(pg_temp.claimed(), 'HOME/THREAD/dog.png', 'Storage is asked');
select pg_temp.recorded(0, 'Unavailable');
select results_eq(
  $$select attempts, available_at - now(), error ->> 'code' from private.media_removals where workspace_id = md5('home')::uuid$$,
  $$values (1, interval '2 seconds', 'Unavailable')$$, 'it is away: the next try comes later, and says why');
update private.media_removals set attempts = 40 where workspace_id = md5('home')::uuid;
select pg_temp.now_due(), pg_temp.claimed(), pg_temp.recorded(0, 'Unavailable');
select results_eq(
  $$select available_at - now() from private.media_removals where workspace_id = md5('home')::uuid$$, $$values (interval '1 hour')$$, 'an hour later at most, and never not at all');
select pg_temp.now_due(), pg_temp.claimed(), pg_temp.recorded(0);
select is((select error ->> 'code' from private.media_removals where workspace_id = md5('home')::uuid), 'left', 'what Storage leaves without a word is no success');
select pg_temp.now_due(), pg_temp.claimed();
select is(
  (select public.release_removals(jsonb_agg(jsonb_build_object('message_id', null, 'lease_token', lease_token))) from private.media_removals
   where workspace_id = md5('home')::uuid), 1, 'a worker that is stopped gives it back');
select is(pg_temp.claimed(), 'HOME/THREAD/dog.png', 'for the next');
select pg_temp.now_due();
select is(pg_temp.claimed(), 'HOME/THREAD/dog.png', 'and so does one that has died');
select pg_temp.goes('HOME/THREAD/dog.png'), pg_temp.now_due();
select is(pg_temp.claimed(), null, 'nothing is left');
select is(pg_temp.queued(), null, 'so nothing is to do');

-- The living keep their files

select pg_temp.lies('HOME/THREAD/cat.png'), pg_temp.receives('cat', 'HOME/THREAD/cat.png'), private.queue_removal(pg_temp.written('HOME/THREAD/cat'), md5('home')::uuid);
select is(pg_temp.claimed(), null, 'the file of a living message is not removed');
select is(pg_temp.queued(), null, 'whoever asked for it');
select private.queue_removal(pg_temp.written('HOME/'), md5('home')::uuid);
select is(pg_temp.claimed() || pg_temp.queued(), null, 'nor is all of a living workspace');
update public.messages set media_path = null, media_status = 'expired' where id = md5('cat')::uuid;
select private.queue_removal(pg_temp.written('HOME/THREAD/cat'), md5('home')::uuid, 'expired');
select pg_temp.waits('cat');
select is(pg_temp.queued(), null, 'a file that is fetched again is wanted again');
delete from public.media_downloads where message_id = md5('cat')::uuid;
select private.queue_removal(pg_temp.written('HOME/THREAD/cat'), md5('home')::uuid, 'expired');
select is(pg_temp.claimed(), 'HOME/THREAD/cat.png', 'one that is being removed');
select pg_temp.waits('cat');
select results_eq(
  $$select item.available_at > now() + interval '1 minute' from public.media_downloads as item where item.message_id = md5('cat')::uuid$$,
  $$values (true)$$, 'is fetched when that is over');
select pg_temp.now_due();
select is(pg_temp.claimed(), null, 'by then nobody removes it any more');
update public.messages set conversation_id = null, media_status = 'stored', media_path = pg_temp.written('HOME/THREAD/cat.png') where id = md5('cat')::uuid;
delete from public.media_downloads where message_id = md5('cat')::uuid;
select is(pg_temp.queued(), null, 'a download that ends leaves its file');

-- A file that is being fetched

insert into public.messages (id, workspace_id, conversation_id, direction, type, content)
values (md5('fox')::uuid, md5('home')::uuid, md5('home thread')::uuid, 'inbound', 'image', '{}');
select pg_temp.waits('fox', interval '5 minutes'), pg_temp.deletes('fox');
select results_eq(
  $$select pg_temp.read(prefix), available_at - now(), watch_until - now() from private.media_removals where workspace_id = md5('home')::uuid$$,
  $$values ('HOME/THREAD/fox', interval '6 minutes', interval '65 minutes')$$, 'is looked for when its worker should be done, and once more');
select pg_temp.now_due();
select is(pg_temp.claimed(), null, 'nothing has come yet');
select is(
  (select available_at - now() from private.media_removals where workspace_id = md5('home')::uuid), interval '1 hour', 'it may still');
select pg_temp.lies('HOME/THREAD/fox.jpg'), pg_temp.now_due();
select is(pg_temp.claimed(), 'HOME/THREAD/fox.jpg', 'and does');
select pg_temp.goes('HOME/THREAD/fox.jpg'), pg_temp.recorded(1);
select is(pg_temp.queued(), 'HOME/THREAD/fox', 'somebody may even come later');
update private.media_removals set watch_until = now(), available_at = now() where workspace_id = md5('home')::uuid;
select is(pg_temp.claimed(), null, 'or nobody');
select is(pg_temp.queued(), null, 'then it is over');

-- What was uploaded to be sent

select pg_temp.lies('HOME/outgoing/a.png', 'HOME/outgoing/a.png.png', 'HOME/outgoing/b.png');
select pg_temp.sends('dog', 'image', '{"path": "HOME/outgoing/a.png"}'), pg_temp.sends('fox', 'image', '{"path": "HOME/outgoing/a.png"}');
select pg_temp.deletes('dog');
select is(pg_temp.claimed(), null, 'a file that another message names as well stays');
select pg_temp.deletes('fox');
select is(pg_temp.claimed(), 'HOME/outgoing/a.png', 'until the last one goes; it alone');
select pg_temp.goes('HOME/outgoing/a.png'), pg_temp.recorded(1);
select pg_temp.sends('dog', 'image', '{"path": "HOME/outgoing/b.png"}'), pg_temp.sends('fox', 'template',
  '{"name": "a", "components": [{"type": "header", "parameters": [{"type": "image", "image": {"path": "HOME/outgoing/b.png"}}]}]}');
select pg_temp.deletes('dog');
select is(pg_temp.claimed(), null, 'one that a template still needs stays, too');
select pg_temp.deletes('fox');
select is(pg_temp.queued(), null, 'and a template takes no file along: it is one for many');

-- A conversation keeps its messages

select pg_temp.receives('dog', 'HOME/THREAD/dog.png');
delete from public.conversations where id = md5('home thread')::uuid;
select is(pg_temp.queued(), null, 'a conversation that is deleted keeps its messages and their files');

-- A workspace takes everything along

select pg_temp.lies('HOME/THREAD/dog.png', 'HOME/none/dog'), pg_temp.waits('dog', interval '5 minutes');
delete from public.workspaces where id = md5('home')::uuid;
select is(pg_temp.queued(), 'HOME/', 'a workspace that goes has one entry for all');
select is(pg_temp.claimed(), null, 'not while somebody is still writing');
select pg_temp.now_due();
select is(pg_temp.claimed(3), 'HOME/THREAD/cat-1, HOME/THREAD/cat.png, HOME/THREAD/dog.png', 'a page at a time');
select pg_temp.goes('HOME/THREAD/cat-1', 'HOME/THREAD/cat.png', 'HOME/THREAD/dog.png'), pg_temp.recorded(3);
select is(
  pg_temp.claimed(), 'HOME/THREAD/cat/x, HOME/THREAD/cat0, HOME/none/dog, HOME/outgoing/a.png.png, HOME/outgoing/b.png', 'all of it, outgoing files as well');
select pg_temp.goes('HOME/THREAD/cat/x', 'HOME/THREAD/cat0', 'HOME/none/dog', 'HOME/outgoing/a.png.png', 'HOME/outgoing/b.png'), pg_temp.recorded(5);
select is(pg_temp.queued(), 'HOME/', 'and it is watched for a day');
select is((select count(*) from storage.objects where name like md5('away')::uuid || '/%'), 1::bigint, 'the neighbour has lost nothing');

select * from finish();
rollback;
