-- Files of the bucket that WhatsApp holds already: uploaded once per number, then named by their id in every message.
create table private.uploaded_media (
  workspace_id uuid not null,
  connection_id uuid not null,
  -- Storage's own limit for a name.
  path text not null check (octet_length(path) <= 1024),
  version text not null,
  media_id text not null,
  uploaded_at timestamptz not null default now(),
  primary key (connection_id, path),
  foreign key (workspace_id, connection_id) references public.whatsapp_connections (workspace_id, id)
    on delete cascade on update cascade
);
create index uploaded_media_age on private.uploaded_media (uploaded_at);
comment on table private.uploaded_media is 'The newest upload of each file to each number. WhatsApp keeps one for 30 days; here it is good for 29.';
comment on column private.uploaded_media.version is 'Which bytes were uploaded, and as what: an object that is overwritten gets another.';
alter table private.uploaded_media enable row level security;
grant select, insert, update, delete on private.uploaded_media to service_role;

create function public.get_uploaded_media(connection_id uuid, path text, version text) returns text
language sql stable set search_path = ''
as $$
  select known.media_id
  from private.uploaded_media as known
  where known.connection_id = get_uploaded_media.connection_id and known.path = get_uploaded_media.path
    and known.version = get_uploaded_media.version and known.uploaded_at > now() - interval '29 days'
$$;
comment on function public.get_uploaded_media(uuid, text, text) is 'The id under which WhatsApp holds this version of a file for this number; null when it has to be uploaded.';
grant execute on function public.get_uploaded_media(uuid, text, text) to service_role;

create function public.record_uploaded_media(connection_id uuid, path text, version text, media_id text) returns integer
language plpgsql set search_path = ''
as $$
#variable_conflict use_column
declare
  recorded integer;
begin
  insert into private.uploaded_media as known (workspace_id, connection_id, path, version, media_id)
  select connection.workspace_id, connection.id, record_uploaded_media.path, record_uploaded_media.version, record_uploaded_media.media_id
  from public.whatsapp_connections as connection where connection.id = record_uploaded_media.connection_id
  on conflict (connection_id, path) do update set
    version = excluded.version, media_id = excluded.media_id, uploaded_at = excluded.uploaded_at;
  get diagnostics recorded = row_count;
  return recorded;
end
$$;
comment on function public.record_uploaded_media(uuid, text, text, text) is 'Remembers an upload in the place of any older one of the same path.';
grant execute on function public.record_uploaded_media(uuid, text, text, text) to service_role;

create function public.release_uploaded_media(connection_id uuid, media_ids text[]) returns boolean
language plpgsql set search_path = ''
as $$
#variable_conflict use_column
begin
  -- A young upload is not gone: the refusal means something else, and a campaign of such must not upload each time.
  delete from private.uploaded_media as known
  where known.connection_id = release_uploaded_media.connection_id and known.media_id = any (media_ids)
    and known.uploaded_at < now() - interval '10 minutes';
  return found or not exists (
    select from private.uploaded_media as known
    where known.connection_id = release_uploaded_media.connection_id and known.media_id = any (media_ids));
end
$$;
comment on function public.release_uploaded_media(uuid, text[]) is
  'Forgets ids that WhatsApp says it does not know; whether uploading anew is worth a try.';
grant execute on function public.release_uploaded_media(uuid, text[]) to service_role;

create function private.forget_uploaded_media() returns void
language plpgsql set search_path = ''
as $$
begin
  delete from private.uploaded_media as known where known.uploaded_at <= now() - interval '29 days';
end
$$;
comment on function private.forget_uploaded_media() is 'Removes what WhatsApp is about to forget.';
grant execute on function private.forget_uploaded_media() to service_role;
