-- A file that a message names by path: it has to lie in the bucket, and WhatsApp has to take its type and size.

-- What WhatsApp takes of each kind (Meta's media reference). A document may be any type that can be uploaded at all.
create function private.sendable_types(kind text) returns text[]
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return case kind
    when 'image' then '{image/jpeg,image/png}'::text[]
    when 'video' then '{video/mp4,video/3gpp}'::text[]
    when 'audio' then '{audio/aac,audio/amr,audio/mpeg,audio/mp4,audio/ogg; codecs=opus}'::text[]
    when 'sticker' then '{image/webp}'::text[]
    else '{text/plain,application/pdf,application/msword,application/vnd.ms-excel,application/vnd.ms-powerpoint}'::text[]
      || '{application/vnd.openxmlformats-officedocument.wordprocessingml.document}'::text[]
      || '{application/vnd.openxmlformats-officedocument.spreadsheetml.sheet}'::text[]
      || '{application/vnd.openxmlformats-officedocument.presentationml.presentation}'::text[]
      || private.sendable_types('image') || private.sendable_types('video')
      || private.sendable_types('audio') || private.sendable_types('sticker')
  end;
end
$$;
comment on function private.sendable_types(text) is 'The content types that WhatsApp takes of a kind of file.';
grant execute on function private.sendable_types(text) to authenticated, service_role;

create function private.sendable_bytes(kind text) returns bigint
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return case kind when 'sticker' then 500 when 'image' then 5 * 1024 when 'document' then 100 * 1024 else 16 * 1024 end * 1024::bigint;
end
$$;
comment on function private.sendable_bytes(text) is 'The largest file of a kind that WhatsApp takes.';
grant execute on function private.sendable_bytes(text) to authenticated, service_role;

create function private.sent_type(path text, told text, voice boolean) returns text
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  bare text := lower(btrim(split_part(told, ';', 1)));
  parameters text := lower(substr(told, length(split_part(told, ';', 1)) + 1));
  extension text := lower(coalesce(substring(path from '[^/\\](\.[^./\\]+)$'), ''));
begin
  if bare in ('', 'application/octet-stream', 'binary/octet-stream') then
    bare := case
      when voice or extension = '.opus' then 'audio/opus'
      when extension = '.aac' then 'audio/aac'
      when extension = '.amr' then 'audio/amr'
      when extension in ('.mp3', '.mpga') then 'audio/mpeg'
      when extension = '.m4a' then 'audio/mp4'
      when extension in ('.ogg', '.oga') then 'audio/opus'
      when extension in ('.jpg', '.jpeg') then 'image/jpeg'
      when extension = '.png' then 'image/png'
      when extension = '.webp' then 'image/webp'
      when extension = '.mp4' then 'video/mp4'
      when extension in ('.3gp', '.3gpp') then 'video/3gpp'
      when extension = '.txt' then 'text/plain'
      when extension = '.pdf' then 'application/pdf'
      when extension = '.doc' then 'application/msword'
      when extension = '.xls' then 'application/vnd.ms-excel'
      when extension = '.ppt' then 'application/vnd.ms-powerpoint'
      when extension = '.docx' then 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
      when extension = '.xlsx' then 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
      when extension = '.pptx' then 'application/vnd.openxmlformats-officedocument.presentationml.presentation'
      else coalesce(nullif(bare, ''), 'application/octet-stream') end;
  end if;
  return case
    when bare in ('audio/ogg', 'application/ogg') and parameters like '%codecs%' and parameters not like '%opus%' then bare
    when bare in ('audio/ogg', 'audio/opus', 'application/ogg') then 'audio/ogg; codecs=opus'
    when bare = 'audio/mp3' then 'audio/mpeg'
    when bare in ('audio/m4a', 'audio/x-m4a') then 'audio/mp4'
    when bare = 'image/jpg' then 'image/jpeg'
    else bare end;
end
$$;
comment on function private.sent_type(text, text, boolean) is 'The content type under which the worker gives a file to WhatsApp: whatsapp/upload.py says the same, and a test compares.';
grant execute on function private.sent_type(text, text, boolean) to authenticated, service_role;

-- Definer: whoever sends need not be able to read the bucket. The caller has made sure that the path is the workspace's.
create function private.check_file(path text, kind text, voice boolean, field text) returns boolean
language plpgsql stable security definer set search_path = ''
-- By index, whatever the table was like when the session first came by.
set enable_seqscan = off
as $$
declare
  told jsonb;
  sent_as text;
  types text[];
begin
  select coalesce(object.metadata, '{}') into told
  from storage.objects as object where object.bucket_id = 'whatsapp-media' and object.name = path
    -- Whoever is deleting it at this moment will not wait for a message.
    and not exists (select from private.media_removals as removal where removal.prefix = path and removal.lease_token is not null);
  if not found then
    return private.refuse_content('WA021', field, 'an object that lies in the bucket whatsapp-media');
  end if;
  sent_as := private.sent_type(path, coalesce(told ->> 'mimetype', ''), voice);
  types := private.sendable_types(kind);
  if sent_as <> all (types) then
    return private.refuse_content('WA022', field, format('one of: %s; it is %s', array_to_string(types, ', '), sent_as));
  elsif (told ->> 'size')::numeric not between 1 and private.sendable_bytes(kind) then
    return private.refuse_content('WA023', field, format('1 to %s bytes; it has %s', private.sendable_bytes(kind), told ->> 'size'));
  end if;
  return true;
end
$$;
comment on function private.check_file(text, text, boolean, text) is 'An object of the bucket that WhatsApp takes as this kind of file.';
grant execute on function private.check_file(text, text, boolean, text) to authenticated, service_role;
