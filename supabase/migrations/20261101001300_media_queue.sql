-- Files to be fetched from the provider: one lean row per file, written with its message, gone when the file is stored.
create table public.media_downloads (
  message_id uuid primary key,
  workspace_id uuid not null,
  connection_id uuid not null,
  -- Decided with the row, so that whoever deletes the message knows where its file will be, an extension aside.
  object_name text not null,
  media_id text not null,
  sha256 text,
  deadline timestamptz not null,
  available_at timestamptz,
  attempts integer not null default 0,
  lease_token uuid,
  lease_expires_at timestamptz,
  foreign key (workspace_id, message_id) references public.messages (workspace_id, id) on delete cascade
  -- Rows come and go within a second: dead ones are cleared away early and without pauses.
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
create index media_downloads_ready on public.media_downloads (connection_id, available_at nulls first, deadline, message_id)
  where lease_token is null;
create index media_downloads_deadline on public.media_downloads (deadline) where lease_token is null;
create index media_downloads_leased on public.media_downloads (connection_id, lease_expires_at) where lease_expires_at is not null;
create index media_downloads_message on public.media_downloads (workspace_id, message_id);
comment on table public.media_downloads is 'Files that still have to be fetched. Its rows ring the worker through Realtime.';
comment on column public.media_downloads.deadline is 'When the provider forgets the file. Past it nobody asks any more, and the sweep ends the wait.';
comment on column public.media_downloads.available_at is
  'Not before: an attempt that failed for a while. Null: at any time. A claim makes it null when its time has come; what waits longer is walked through by none.';
comment on column public.media_downloads.attempts is 'How often it has been claimed and not given back.';
alter table public.media_downloads enable row level security;
grant select, insert, update, delete on public.media_downloads to service_role;

-- No foreign key: its check would wait for a workspace that is being deleted, and every other claim behind it.
create table private.media_turns (
  workspace_id uuid not null,
  connection_id uuid not null,
  claimed_at timestamptz not null,
  primary key (workspace_id, connection_id)
);
create index media_turns_age on private.media_turns (claimed_at);
comment on table private.media_turns is 'When files of a number were last claimed: whoever waited longest is served first. Forgotten after an hour.';
alter table private.media_turns enable row level security;
grant select, insert, update, delete on private.media_turns to service_role;

create function private.object_name(workspace_id uuid, conversation_id uuid, message_id uuid) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return workspace_id || '/' || coalesce(conversation_id::text, 'none') || '/' || message_id;
end
$$;
comment on function private.object_name(uuid, uuid, uuid) is 'Where the file of a message goes in the bucket, an extension aside. It stays there when the thread is merged or deleted.';
grant execute on function private.object_name(uuid, uuid, uuid) to service_role;

create function private.arrived_media_status(type text, media_id text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case when arrived_media_status.media_id is not null then 'pending'
    when arrived_media_status.type in ('image', 'video', 'audio', 'document', 'sticker') then 'failed' end;
end
$$;
comment on function private.arrived_media_status(text, text) is
  'The media_status a message arrives with. A picture without an id, which happens, is not one that will still come.';
grant execute on function private.arrived_media_status(text, text) to service_role;

create function private.media_error(code text) returns jsonb
language plpgsql immutable set search_path = ''
as $$
begin
  return jsonb_build_object('code', code, 'title', case code
    when 'no_media_id' then 'WhatsApp told of a file and did not say which'
    when 'expired' then 'The provider no longer has this file'
    when 'retention' then 'The workspace keeps files no longer than this'
    when 'lost' then 'The file was lost in Storage, and WhatsApp keeps it no longer' end);
end
$$;
comment on function private.media_error(text) is 'The media_error of what the database itself finds out: no_media_id, expired, retention, lost.';
grant execute on function private.media_error(text) to service_role;

create function private.queue_media(message_ids uuid[], at_least interval default '10 minutes') returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  insert into public.media_downloads (message_id, workspace_id, connection_id, object_name, media_id, sha256, deadline)
  select message.id, message.workspace_id, message.connection_id,
    private.object_name(message.workspace_id, message.conversation_id, message.id), message.media_id, message.media_sha256,
    -- The ids of a phone's history are as young as the webhook that tells them. What comes late, because the webhook did,
    -- gets a try all the same.
    greatest(now() + at_least,
      case when message.imported then now() else least(message.occurred_at, now()) end + connection.media_lifetime)
  from unnest(message_ids) as one (id)
  join public.messages as message on message.id = one.id
  join public.whatsapp_connections as connection on connection.id = message.connection_id
  where message.media_id is not null
  on conflict (message_id) do nothing;
end
$$;
comment on function private.queue_media(uuid[], interval) is
  'Puts the files of messages into the queue, with the time that their number''s provider keeps them and never less than `at_least`.';
grant execute on function private.queue_media(uuid[], interval) to service_role;
