-- Files that a workspace keeps for so many days: who says so, what goes, and what is still needed.
begin;
select plan(19);

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
values (md5('home number')::uuid, md5('home')::uuid, 'retention-home'), (md5('away number')::uuid, md5('away')::uuid, 'retention-away');
insert into public.conversations (id, workspace_id, connection_id, phone)
values (md5('home thread')::uuid, md5('home')::uuid, md5('home number')::uuid, '972501');
insert into public.messages (workspace_id, conversation_id, direction, type, content)
values (md5('home')::uuid, md5('home thread')::uuid, 'inbound', 'text', '{"body": "hello"}');
insert into public.messages (id, workspace_id, connection_id, direction, status, type, content, wamid, media_status, media_path, occurred_at)
select md5(name)::uuid, md5(place)::uuid, md5(place || ' number')::uuid, 'inbound', 'received', 'image', '{}', name, 'stored',
  md5(place)::uuid || '/' || md5('home thread')::uuid || '/' || md5(name)::uuid || '.png', now() - make_interval(days => age)
from (values ('home', 'oldest', 40), ('home', 'old', 31), ('home', 'young', 29), ('away', 'theirs', 400)) as file (place, name, age);
insert into storage.objects (bucket_id, name, metadata, created_at, updated_at)
select 'whatsapp-media', md5(place)::uuid || '/' || name, '{"mimetype": "image/png", "size": 1}', now() - make_interval(days => age), now() - make_interval(days => age)
from (values ('home', md5('home thread')::uuid || '/' || md5('old')::uuid || '.png', 31), ('home', 'outgoing/young.png', 29), ('home', 'outgoing/old.png', 31),
  ('home', 'outgoing/queued.png', 31), ('home', 'outgoing/header.png', 31), ('home', 'outgoing/sent.png', 31), ('home', 'outgoing.png', 31),
  ('away', 'outgoing/old.png', 31)) as file (place, name, age);
insert into public.messages (workspace_id, conversation_id, type, content, client_reference)
select md5('home')::uuid, md5('home thread')::uuid, type, replace(content, 'HOME', md5('home')::uuid::text)::jsonb, reference
from (values ('image', '{"path": "HOME/outgoing/queued.png"}', 'queued'), ('image', '{"path": "HOME/outgoing/sent.png"}', 'sent'),
  ('template', '{"name": "a", "components": [{"type": "header", "parameters": [{"type": "image", "image": {"path": "HOME/outgoing/header.png"}}]}]}', 'header'))
  as message (type, content, reference);
delete from public.outbox where message_id = (select id from public.messages where client_reference = 'sent' and workspace_id = md5('home')::uuid);

create function pg_temp.swept(most integer default 100) returns integer language sql as $$
  select public.sweep_media_retention(most)
$$;
create function pg_temp.stored() returns text language sql as $$
  select string_agg(wamid, ', ' order by wamid) from public.messages where workspace_id = md5('home')::uuid and media_status = 'stored' and media_path is not null
$$;
create function pg_temp.read(name text) returns text language sql as $$
  select replace(replace(replace(replace(name, md5('home')::uuid::text, 'HOME'), md5('home thread')::uuid::text, 'THREAD'),
    md5('oldest')::uuid::text, 'oldest'), md5('old')::uuid::text, 'old')
$$;
create function pg_temp.queued() returns text language sql as $$
  select string_agg(pg_temp.read(prefix) || ' ' || cause, ', ' order by pg_temp.read(prefix) collate "C") from private.media_removals where workspace_id = md5('home')::uuid
$$;
create function pg_temp.claimed() returns text language sql as $$
  select string_agg(pg_temp.read(name), ', ' order by pg_temp.read(name) collate "C") from public.claim_removals(100) as removal, unnest(names) as name
$$;
-- One sweep of ten: how many are queued, and how far it came.
create function pg_temp.walked() returns text language plpgsql as $$
begin
  perform public.sweep_media_retention(10);
  -- Time stands still within a transaction.
  update private.retention_walks set next_at = now() where next_at < now() + interval '1 minute';
  return (select concat_ws(' ', count(*), (select nullif(replace(reached, md5('home')::uuid || '/outgoing/', ''), '') from private.retention_walks where workspace_id = md5('home')::uuid))
    from private.media_removals where workspace_id = md5('home')::uuid);
end
$$;

select is(pg_temp.by('service_role', 'select public.sweep_media_retention(0)'), '0', 'the backend sweeps');
select is(pg_temp.swept(), 0, 'who has set no limit keeps everything');
select is(pg_temp.by('owner', 'update public.workspaces set media_retention_days = 30'), '1', 'the owner sets one');
select is(pg_temp.swept(1), 1, 'a batch is no larger than asked for');
update private.retention_walks set next_at = now();
select is(pg_temp.stored(), 'old, young', 'the oldest goes first');
select is(pg_temp.swept(), 1, 'the next is due at once');
select is(pg_temp.stored(), 'young', 'what is younger stays');
select results_eq(
  $$select media_status, media_error ->> 'code', media_error ->> 'title' is not null from public.messages where wamid = 'old'$$,
  $$values ('expired', 'retention', true)$$, 'the message stays and says why it has no file');
select is(
  pg_temp.by('agent', format('select public.retry_media(%L)', (select id from public.messages where wamid = 'old'))), 'WA020',
  'nobody asks for it again, only to lose it again');
select is(
  pg_temp.queued(), 'HOME/THREAD/old expired, HOME/THREAD/oldest expired, HOME/outgoing/old.png expired, HOME/outgoing/sent.png expired',
  'files and outgoing files that are old are to go; not those that a message still to be sent names, wherever it does');
select is(pg_temp.claimed(), 'HOME/THREAD/old.png, HOME/outgoing/old.png, HOME/outgoing/sent.png', 'even if a message that was sent names one');
select is(pg_temp.swept(), 0, 'then nobody looks for a while');
update private.retention_walks set next_at = now();
update public.messages set occurred_at = now() - interval '31 days' where wamid = 'young';
select is(pg_temp.swept(), 1, 'until what was young is old');
select is(pg_temp.stored(), null, 'and gone');

-- A long drawer is walked in stretches

delete from private.media_removals;
update storage.objects set updated_at = now() where name like md5('home')::uuid || '/outgoing/%';
insert into storage.objects (bucket_id, name, metadata, created_at, updated_at)
select 'whatsapp-media', md5('home')::uuid || '/outgoing/' || to_char(n, 'FM00'), '{"mimetype": "image/png", "size": 1}', now() - interval '1 year', now() - interval '1 year'
from generate_series(1, 24) as n;
update private.retention_walks set next_at = now();
select is(pg_temp.walked(), '10 10', 'ten at a time');
select is(pg_temp.walked(), '20 20', 'the walk goes on where it was');
select is(pg_temp.walked(), '24', 'and ends');
select is(pg_temp.by('agent', 'select count(*) from private.retention_walks'), '42501', 'which is nobody''s business');
select is((select count(*) from private.media_removals where workspace_id = md5('away')::uuid), 0::bigint, 'the neighbour has lost nothing');

select * from finish();
rollback;
