-- Files that a workspace does not want to keep for ever: they leave the bucket by age, messages stay and say so.

create index messages_stored on public.messages (workspace_id, occurred_at) where media_path is not null;

create index workspaces_retention on public.workspaces (id) where media_retention_days is not null;

-- Outgoing files have no index by age, so each workspace's are walked by name, a stretch at a time.
create table private.retention_walks (
  workspace_id uuid primary key references public.workspaces (id) on delete cascade,
  reached text not null default '',
  next_at timestamptz not null default now()
);
comment on table private.retention_walks is 'When a workspace''s files are looked at next, and how far the walk over its outgoing ones has come.';
alter table private.retention_walks enable row level security;
grant select, insert, update, delete on private.retention_walks to service_role;

create function private.expire_message_files(workspace_id uuid, cutoff timestamptz, most integer) returns integer
language plpgsql set search_path = ''
-- By index, whatever the table was like when the session first came by.
set enable_seqscan = off
as $$
#variable_conflict use_variable
declare
  old_ones public.messages[];
begin
  old_ones := array(
    select message from public.messages as message
    where message.workspace_id = workspace_id and message.media_path is not null and message.occurred_at < cutoff
    order by message.occurred_at limit most
    for update skip locked);
  update public.messages as message set media_path = null, media_status = 'expired',
    media_error = private.media_error('retention')
  from unnest(old_ones) as old_one where message.id = old_one.id;
  perform private.queue_removal(private.object_stem(media_path), old_one.workspace_id, 'expired')
  from unnest(old_ones) as old_one where starts_with(media_path, old_one.workspace_id || '/') order by media_path;
  return cardinality(old_ones);
end
$$;
comment on function private.expire_message_files(uuid, timestamptz, integer) is 'Takes stored files of messages before the cutoff, the oldest first.';
grant execute on function private.expire_message_files(uuid, timestamptz, integer) to service_role;

create function private.expire_outgoing_files(walk private.retention_walks, cutoff timestamptz, most integer) returns text
language plpgsql set search_path = ''
set enable_seqscan = off
as $$
declare
  names text[];
  waiting text[];
begin
  names := array(
    select object.name from storage.objects as object
    where object.bucket_id = 'whatsapp-media'
      and object.name collate "C" > greatest(walk.workspace_id || '/outgoing/', walk.reached) collate "C"
      and object.name collate "C" < walk.workspace_id || '/outgoing0'
    order by object.name collate "C" limit most);
  waiting := private.paths_waiting(array[walk.workspace_id]);
  perform private.queue_removal(object.name, walk.workspace_id, 'expired')
  from storage.objects as object
  where object.bucket_id = 'whatsapp-media' and object.name = any (names) and object.name <> all (waiting)
    and coalesce(object.updated_at, object.created_at) < cutoff;
  return case when cardinality(names) < most then '' else names[most] end;
end
$$;
comment on function private.expire_outgoing_files(private.retention_walks, timestamptz, integer) is
  'Queues the next outgoing files that nobody has written since the cutoff and no message still to be sent names; answers how far it came, nothing for the end.';
grant execute on function private.expire_outgoing_files(private.retention_walks, timestamptz, integer) to service_role;

create function public.sweep_media_retention(max_files integer default 500) returns integer
language plpgsql set search_path = ''
as $$
declare
  workspace record;
  walk private.retention_walks;
  expired integer;
  swept integer := 0;
  stretch text;
begin
  -- Who was not looked at for longest comes first, so one with a long past does not hold up the others.
  for workspace in
    select tenant.id, now() - make_interval(days => tenant.media_retention_days) as cutoff
    from public.workspaces as tenant left join private.retention_walks as known on known.workspace_id = tenant.id
    where tenant.media_retention_days is not null and coalesce(known.next_at <= now(), true)
    order by known.next_at nulls first limit 100
  loop
    exit when swept >= max_files;
    insert into private.retention_walks (workspace_id) values (workspace.id) on conflict do nothing;
    select * into walk from private.retention_walks as known
    where known.workspace_id = workspace.id and known.next_at <= now() for update skip locked;
    continue when not found;
    expired := private.expire_message_files(workspace.id, workspace.cutoff, max_files - swept);
    stretch := private.expire_outgoing_files(walk, workspace.cutoff, max_files);
    update private.retention_walks as known set reached = stretch,
      next_at = case when stretch = '' and expired < max_files - swept then now() + interval '10 minutes' else now() end
    where known.workspace_id = workspace.id;
    swept := swept + expired;
  end loop;
  return swept;
end
$$;
comment on function public.sweep_media_retention(integer) is
  'Takes files that are older than their workspace keeps them off at most so many messages, and queues their removal.';
grant execute on function public.sweep_media_retention(integer) to service_role;
