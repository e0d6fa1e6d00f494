-- Objects whose message or workspace is gone leave the bucket: queued with the deletion, removed through Storage's API.

-- SQL may not delete objects; the worker does. A prefix is one of three things:
--   {workspace}/{conversation}/{message}  the file of a message, whatever its extension;
--   {workspace}/outgoing/…                one object that was uploaded to be sent, by its whole name;
--   {workspace}/                          everything of a workspace that is gone.
create table private.media_removals (
  prefix text primary key,
  -- No foreign key: it may be gone.
  workspace_id uuid not null,
  cause text not null check (cause in ('deleted', 'expired')),
  available_at timestamptz not null default now(),
  watch_until timestamptz not null default now(),
  attempts integer not null default 0,
  lease_token uuid,
  error jsonb
);
create index media_removals_waiting on private.media_removals (available_at);
comment on table private.media_removals is 'Prefixes of object names in whatsapp-media that must vanish. A row leaves when no object is left under it.';
comment on column private.media_removals.cause is 'deleted with its message or workspace, or expired by the workspace''s retention.';
comment on column private.media_removals.available_at is 'When it may be claimed; while it is leased, when the lease runs out.';
comment on column private.media_removals.watch_until is 'Until when somebody who does not know of the deletion may still put an object there.';
alter table private.media_removals enable row level security;
grant select, insert, update, delete on private.media_removals to service_role;

-- Who else names an outgoing file: whole contents only, since a file within a template or a header is one for many
-- messages; it stays when such a message is deleted, and leaves by retention.
create index messages_outgoing_path on public.messages (workspace_id, (content ->> 'path'))
  where direction = 'outbound' and content ->> 'path' is not null;

create function private.queue_removal(
  prefix text, workspace_id uuid, cause text default 'deleted', available_at timestamptz default now(), watch_until timestamptz default now())
returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  insert into private.media_removals as known (prefix, workspace_id, cause, available_at, watch_until)
  values (queue_removal.prefix, queue_removal.workspace_id, queue_removal.cause, queue_removal.available_at, queue_removal.watch_until)
  on conflict on constraint media_removals_pkey do update set
    cause = case when excluded.cause = 'expired' then 'expired' else known.cause end,
    available_at = case when known.lease_token is null then least(known.available_at, excluded.available_at) else known.available_at end,
    watch_until = greatest(known.watch_until, excluded.watch_until);
  return true;
end
$$;
comment on function private.queue_removal(text, uuid, text, timestamptz, timestamptz) is 'Says that nothing may be left under a prefix.';
grant execute on function private.queue_removal(text, uuid, text, timestamptz, timestamptz) to service_role;

create function private.object_stem(path text) returns text
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return regexp_replace(path, '\.[^/]*$', '');
end
$$;
comment on function private.object_stem(text) is 'The name of a message''s file without its extension.';
grant execute on function private.object_stem(text) to service_role;

-- Definers: whoever deletes, and be it a cascade, need not know this queue. A workspace that goes has one entry for all.
create function private.remove_message_files() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.queue_removal(file.prefix, file.workspace_id)
  from (
    select private.object_stem(media_path) as prefix, workspace_id
    from removed_messages where starts_with(media_path, workspace_id || '/')
    union
    select content ->> 'path', workspace_id
    from removed_messages where direction = 'outbound' and starts_with(content ->> 'path', workspace_id || '/outgoing/')
    order by prefix
  ) as file
  where exists (select from public.workspaces where id = file.workspace_id and deleted_at is null);
  return null;
end
$$;
create trigger remove_message_files after delete on public.messages
  referencing old table as removed_messages
  for each statement execute function private.remove_message_files();

create function private.remove_download_files() returns trigger
language plpgsql security definer set search_path = ''
-- By index, whatever the table was like when the session first came by.
set enable_seqscan = off
as $$
begin
  -- Somebody may be at it, does not know yet, and stores the file: now, or a dead lease's holder that is not dead. So
  -- its place is looked at soon after the lease, and once more when no transfer can still be going on.
  perform private.queue_removal(file.object_name, file.workspace_id,
    available_at => coalesce(file.lease_expires_at, now()) + interval '1 minute',
    watch_until => coalesce(file.lease_expires_at, now()) + interval '1 hour')
  from (
    select object_name, workspace_id, lease_expires_at from removed_downloads as item
    where starts_with(object_name, workspace_id || '/')
      and not exists (select from public.messages where id = item.message_id)
    order by object_name
  ) as file
  where exists (select from public.workspaces where id = file.workspace_id and deleted_at is null);
  return null;
end
$$;
create trigger remove_download_files after delete on public.media_downloads
  referencing old table as removed_downloads
  for each statement execute function private.remove_download_files();

create function private.remove_workspace_files() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- What members and workers have begun to upload ends within a day: so long an upload's address is good.
  perform private.queue_removal(id || '/', id, available_at => now() + interval '30 seconds', watch_until => now() + interval '25 hours')
  from removed_workspaces;
  return null;
end
$$;
create trigger remove_workspace_files after delete on public.workspaces
  referencing old table as removed_workspaces
  for each statement execute function private.remove_workspace_files();

-- retry_media may ask for a file again whose old object is about to be removed.
create function private.await_removals() returns trigger
language plpgsql security definer set search_path = ''
-- By index, whatever the table was like when the session first came by.
set enable_seqscan = off
as $$
begin
  -- A claim of this moment is waited for; what it has not leased is needed again.
  delete from private.media_removals as removal using queued_downloads as item
  where removal.prefix = item.object_name and removal.lease_token is null;
  -- What it has leased may go at any moment until then: the file comes after it.
  update public.media_downloads as item set available_at = removal.available_at + interval '1 minute'
  from queued_downloads as queued join private.media_removals as removal on removal.prefix = queued.object_name
  where item.message_id = queued.message_id;
  return null;
end
$$;
create trigger await_removals after insert on public.media_downloads
  referencing new table as queued_downloads
  for each statement execute function private.await_removals();

create function private.objects_under(prefix text, most integer) returns setof text
language plpgsql stable set search_path = ''
-- By the index of Storage on (bucket_id, name collate "C").
set enable_seqscan = off
as $$
declare
  -- `.` and `/` follow each other: so the last is the name itself, and the name with an extension.
  highest text := case when prefix like '%/' then left(prefix, -1) || '0'
    when split_part(prefix, '/', 2) = 'outgoing' then prefix || E'\x01' else prefix || '/' end;
begin
  return query
  select object.name
  from storage.objects as object
  where object.bucket_id = 'whatsapp-media' and object.name collate "C" >= prefix and object.name collate "C" < highest
    and (right(prefix, 1) = '/' or substr(object.name, length(prefix) + 1) ~ '^(\.[^/]*)?$')
  order by object.name collate "C"
  limit most;
end
$$;
comment on function private.objects_under(text, integer) is 'The first names of objects that a prefix means, in the order of their bytes.';
grant execute on function private.objects_under(text, integer) to service_role;
