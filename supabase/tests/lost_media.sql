-- What becomes of files that were lost: fetched anew while WhatsApp has them, else said to be lost, and never twice.
begin;
select plan(12);

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
create function pg_temp.repaired(name text, problem text) returns text language sql as $$
  select public.record_lost_media(jsonb_build_array(
    jsonb_build_object('message_id', id, 'problem', repaired.problem, 'path', media_path))) #>> '{0,repair}'
  from public.messages where wamid = name
$$;
create function pg_temp.state(name text) returns text language sql as $$
  select concat_ws(' ', message.media_status, case when item.message_id is not null then 'waits' end, message.media_error ->> 'code',
    case when message.media_path is not null then 'shown' end)
  from public.messages as message left join public.media_downloads as item on item.message_id = message.id
  where message.wamid = name
$$;

select pg_temp.file('young', 'stored'), pg_temp.file('old', 'stored'), pg_temp.file('wrong', 'stored', object_size => 4),
  pg_temp.file('forgotten', 'pending'), pg_temp.file('twice', 'stored', true, 4), pg_temp.file('again', 'failed', true);
update public.messages set occurred_at = now() - interval '8 days' where wamid = 'old';

select is(pg_temp.repaired('young', 'missing'), 'queued', 'what WhatsApp still has is fetched anew');
select is(pg_temp.state('young'), 'pending waits', 'and waits, not shown meanwhile');
select is(pg_temp.repaired('young', 'missing'), 'unchanged', 'once');
select is(pg_temp.repaired('old', 'missing'), 'expired', 'what it has no longer is lost');
select is(pg_temp.state('old'), 'expired lost', 'and says so');
select is(pg_temp.repaired('wrong', 'hash'), 'queued', 'what has other bytes is fetched anew');
select is(pg_temp.repaired('forgotten', 'stuck'), 'queued', 'what nobody would have fetched is queued');
select is(pg_temp.state('forgotten'), 'pending waits', 'and waits');
select is(pg_temp.repaired('twice', 'stuck') || ' ' || pg_temp.state('twice'), 'unqueued stored shown', 'what is there leaves the queue');
select is(pg_temp.repaired('again', 'stuck') || ' ' || pg_temp.state('again'), 'queued pending waits', 'what is queued says so');
select is(
  (select string_agg(pg_temp.repaired(name, problem), ' ')
   from (values ('forgotten', 'stuck'), ('twice', 'stuck'), ('again', 'stuck'), ('wrong', 'hash'), ('old', 'missing')) as repair (name, problem)),
  'unchanged unchanged unchanged unchanged unchanged', 'a second time changes nothing');
select is(
  jsonb_array_length(public.verify_media(null, 100, md5('home')::uuid) -> 'differences'), 0, 'nothing differs any more');

select * from finish();
rollback;
