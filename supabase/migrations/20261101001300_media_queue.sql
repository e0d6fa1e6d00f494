-- Files to be fetched from the provider: one lean row per file, written with its message, gone when the file is stored.
create table public.media_downloads (
  message_id uuid primary key,
  workspace_id uuid not null,
  connection_id uuid not null,
  -- Decided with the row, so that whoever deletes the message knows where its file will be, an extension aside.
  object_name text not null,
  media_id text not null,
  sha256 text,
  -- The provider forgets: 7 days for the media id.
  deadline timestamptz not null,
  available_at timestamptz not null default now(),
  attempts integer not null default 0,
  lease_token uuid,
  lease_expires_at timestamptz,
  foreign key (workspace_id, message_id) references public.messages (workspace_id, id) on delete cascade
);
create index media_downloads_ready on public.media_downloads (deadline, message_id) where lease_token is null;
create index media_downloads_leased on public.media_downloads (lease_expires_at) where lease_token is not null;
create index media_downloads_message on public.media_downloads (workspace_id, message_id);
comment on table public.media_downloads is 'Files that still have to be fetched. Its rows ring the worker through Realtime.';
alter table public.media_downloads enable row level security;
grant select, insert, update, delete on public.media_downloads to service_role;

create function private.object_name(workspace_id uuid, conversation_id uuid, message_id uuid) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return workspace_id || '/' || coalesce(conversation_id::text, 'none') || '/' || message_id;
end
$$;
comment on function private.object_name(uuid, uuid, uuid) is 'Where the file of a message goes in the bucket, an extension aside. It stays there when the thread is merged or deleted.';
grant execute on function private.object_name(uuid, uuid, uuid) to service_role;

create function public.claim_media(max_files integer default 4, lease_seconds integer default 300)
returns table (
  message_id uuid, lease_token uuid, workspace_id uuid, connection_id uuid, provider text, phone_number_id text,
  object_name text, media_id text, type text, mime_type text, sha256 text, deadline timestamptz, attempts integer)
language sql set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
  with claimed as (
    update public.media_downloads as item set
      lease_token = gen_random_uuid(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      attempts = item.attempts + 1
    where item.message_id in (
      select waiting.message_id
      from public.media_downloads as waiting
      join public.whatsapp_connections as connection
        on connection.id = waiting.connection_id and connection.status = 'active'
      where waiting.lease_token is null and waiting.available_at <= now()
      order by waiting.deadline, waiting.message_id
      limit max_files
      for update of waiting skip locked)
    returning item.*
  ), downloading as (
    update public.messages as message set media_status = 'downloading'
    from claimed where message.id = claimed.message_id
    returning message.*
  )
  select claimed.message_id, claimed.lease_token, claimed.workspace_id, claimed.connection_id, connection.provider,
    connection.phone_number_id, claimed.object_name, claimed.media_id, downloading.type, downloading.media_mime_type,
    claimed.sha256, claimed.deadline, claimed.attempts
  from claimed
  join downloading on downloading.id = claimed.message_id
  join public.whatsapp_connections as connection on connection.id = claimed.connection_id
  order by claimed.deadline
$$;
comment on function public.claim_media(integer, integer) is 'Leases files to fetch, the soonest to vanish first. Each comes with the token its record must show.';
grant execute on function public.claim_media(integer, integer) to service_role;

create function public.record_media(results jsonb) returns integer
language plpgsql set search_path = ''
as $$
declare
  held uuid[];
begin
  -- results: [{message_id, lease_token, outcome: stored|retry|failed|expired|corrupt, path?, mime_type?, size?, sha256?,
  --            width?, height?, duration?, retry_after?, error?}]
  -- The queue's row is locked before the message, as everywhere.
  held := array(
    select item.message_id
    from public.media_downloads as item
    join jsonb_to_recordset(results) as result (message_id uuid, lease_token uuid)
      on item.message_id = result.message_id and item.lease_token = result.lease_token
    order by item.message_id
    for update of item);

  update public.messages as message set
    media_status = case when result.outcome = 'retry' then 'pending' else result.outcome end,
    media_path = coalesce(result.path, message.media_path),
    media_mime_type = coalesce(result.mime_type, message.media_mime_type),
    media_size = coalesce(result.size, message.media_size),
    media_sha256 = coalesce(result.sha256, message.media_sha256),
    media_width = coalesce(result.width, message.media_width),
    media_height = coalesce(result.height, message.media_height),
    media_duration = coalesce(result.duration, message.media_duration),
    media_error = case when result.outcome = 'stored' then null else result.error end
  from jsonb_to_recordset(results)
    as result (message_id uuid, outcome text, path text, mime_type text, size bigint, sha256 text, width integer,
      height integer, duration real, error jsonb)
  where message.id = result.message_id and message.id = any (held);

  update public.media_downloads as item set
    lease_token = null, lease_expires_at = null, available_at = now() + make_interval(secs => result.retry_after)
  from jsonb_to_recordset(results) as result (message_id uuid, outcome text, retry_after double precision)
  where item.message_id = result.message_id and item.message_id = any (held) and result.outcome = 'retry';

  delete from public.media_downloads as item
  using jsonb_to_recordset(results) as result (message_id uuid, outcome text)
  where item.message_id = result.message_id and item.message_id = any (held) and result.outcome <> 'retry';
  return cardinality(held);
end
$$;
comment on function public.record_media(jsonb) is 'Records what became of leased downloads. A result with an old token changes nothing.';
grant execute on function public.record_media(jsonb) to service_role;

create function public.release_media(leases jsonb) returns integer
language sql set search_path = ''
as $$
  with released as (
    update public.media_downloads set lease_token = null, lease_expires_at = null, attempts = attempts - 1
    where message_id in (
      select item.message_id
      from public.media_downloads as item
      join jsonb_to_recordset(leases) as lease (message_id uuid, lease_token uuid)
        on item.message_id = lease.message_id and item.lease_token = lease.lease_token
      order by item.message_id
      for update of item)
    returning message_id
  ), pending as (
    update public.messages set media_status = 'pending' where id in (select message_id from released)
  )
  select count(*)::integer from released
$$;
comment on function public.release_media(jsonb) is 'Gives leased downloads back; costs no attempt.';
grant execute on function public.release_media(jsonb) to service_role;

create function public.extend_media(leases jsonb, lease_seconds integer default 300) returns integer
language plpgsql set search_path = ''
as $$
declare
  extended integer;
begin
  update public.media_downloads as item set lease_expires_at = now() + make_interval(secs => lease_seconds)
  from (
    select held.message_id
    from public.media_downloads as held
    join jsonb_to_recordset(leases) as lease (message_id uuid, lease_token uuid)
      on held.message_id = lease.message_id and held.lease_token = lease.lease_token
    order by held.message_id
    for update of held
  ) as lease
  where item.message_id = lease.message_id;
  get diagnostics extended = row_count;
  return extended;
end
$$;
comment on function public.extend_media(jsonb, integer) is 'The heartbeat: whoever still holds these leases keeps them for so much longer.';
grant execute on function public.extend_media(jsonb, integer) to service_role;

create function public.next_media() returns double precision
language plpgsql stable set search_path = ''
as $$
begin
  return (
    select case when count(*) > 0 then greatest(0, extract(epoch from min(waiting.available_at) - clock_timestamp())) end
    from public.media_downloads as waiting
    join public.whatsapp_connections as connection on connection.id = waiting.connection_id and connection.status = 'active'
    where waiting.lease_token is null);
end
$$;
comment on function public.next_media() is 'In how many seconds a claim may find something; null when nothing waits.';
grant execute on function public.next_media() to service_role;

create function public.sweep_media() returns integer
language sql set search_path = ''
as $$
  -- Fetching twice harms nobody, so an expired lease simply waits again; past its deadline a file is gone for good.
  with expired as (
    update public.media_downloads set lease_token = null, lease_expires_at = null
    where message_id in (
      select message_id from public.media_downloads where lease_token is not null and lease_expires_at <= now()
      order by message_id for update skip locked)
    returning message_id
  ), gone as (
    delete from public.media_downloads
    where message_id in (
      select message_id from public.media_downloads where deadline <= now() and lease_token is null
      order by message_id for update skip locked)
    returning message_id
  ), shown as (
    update public.messages set
      media_status = case when id in (select message_id from gone) then 'expired' else 'pending' end,
      media_error = case when id in (select message_id from gone)
        then jsonb_build_object('code', 'expired', 'title', 'The provider no longer has this file') else media_error end
    where id in (select message_id from expired union select message_id from gone)
  )
  select count(*)::integer from (select message_id from expired union select message_id from gone) as swept
$$;
comment on function public.sweep_media() is 'Frees downloads whose worker died and ends those whose file the provider has forgotten.';
grant execute on function public.sweep_media() to service_role;
