-- A number that moves to another provider, account or id, and one that is let go: its threads stay where they are.

create function private.reserve_former_ids() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- After the row: whoever waited for the same id at the unique index sees what came before.
  if exists (
    select from public.whatsapp_connections as other
    where other.former_ids @> array[new.phone_number_id] and other.id <> new.id) then
    raise exception 'the number cannot be connected here' using errcode = 'WA035', detail = 'phone_number_id',
      hint = 'What still comes under a former id belongs to the number that had it.';
  end if;
  return null;
end
$$;
create trigger reserve_former_ids after insert or update of phone_number_id on public.whatsapp_connections
  for each row execute function private.reserve_former_ids();
comment on function private.reserve_former_ids() is
  'Nobody gets another''s late messages by connecting the id that its number has left. WA035.';

create function private.need_place(
  connection_id uuid, provider text, phone_number_id text, waba_id text, display_phone_number text) returns void
language plpgsql stable set search_path = ''
as $$
begin
  if provider is null or provider not in ('360dialog', 'meta') then
    perform private.refuse_field('provider', '360dialog or meta');
  elsif phone_number_id is null or phone_number_id !~ '^[A-Za-z0-9_-]{1,64}$' then
    perform private.refuse_field('phone_number_id', 'the number''s id at WhatsApp, digits');
  elsif waba_id !~ '^[A-Za-z0-9_-]{1,64}$' then
    perform private.refuse_field('waba_id', 'the account''s id at WhatsApp, digits');
  elsif display_phone_number !~ '^\+?[0-9 ().-]{3,40}$' then
    perform private.refuse_field('display_phone_number', 'a phone number');
  end if;
  if exists (
    select from public.whatsapp_connections as other
    where other.id <> need_place.connection_id and other.phone_number_id = need_place.phone_number_id) then
    raise exception 'the number cannot be connected here' using errcode = 'WA035', detail = 'phone_number_id',
      hint = 'A number belongs to one workspace.';
  end if;
end
$$;
comment on function private.need_place(uuid, text, text, text, text) is 'Raises WA032 or WA035 where a number cannot move to.';
grant execute on function private.need_place(uuid, text, text, text, text) to service_role;

create function public.record_migration(
  connection_id uuid, provider text, phone_number_id text, credential text, waba_id text default null,
  display_phone_number text default null)
returns boolean
language plpgsql set search_path = ''
as $$
#variable_conflict use_variable
declare
  known public.whatsapp_connections;
begin
  -- Recordings of the number are waited for: none sees it under both ids.
  perform pg_advisory_xact_lock(private.turn_of(connection_id));
  select * into known from public.whatsapp_connections as connection where connection.id = connection_id for update;
  if not found then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
  perform private.need_place(connection_id, provider, phone_number_id, waba_id, display_phone_number);
  perform private.set_connection_credential(connection_id, credential);
  if (known.provider, known.phone_number_id) = (provider, phone_number_id) and known.waba_id is not distinct from waba_id then
    return false;
  end if;
  update public.whatsapp_connections as connection set
    provider = record_migration.provider,
    phone_number_id = record_migration.phone_number_id,
    waba_id = record_migration.waba_id,
    display_phone_number = coalesce(record_migration.display_phone_number, known.display_phone_number),
    former_ids = array(
      select distinct former.id from unnest(known.former_ids || known.phone_number_id || known.waba_id) as former (id)
      where former.id is not null and former.id is distinct from phone_number_id and former.id is distinct from waba_id
      order by former.id),
    -- Nothing is sent before its webhooks come here; what it was stopped for otherwise, it stays stopped for.
    status = 'paused',
    status_reason = case when known.status = 'paused' and known.status_reason <> 'credential'
      then known.status_reason else 'migration' end,
    quality_rating = null,
    last_error = null
  where connection.id = connection_id;
  -- Files that WhatsApp was given belong to the former number.
  delete from private.uploaded_media as known_file where known_file.connection_id = record_migration.connection_id;
  return true;
end
$$;
comment on function public.record_migration(uuid, text, text, text, text, text) is
  'Moves a number to another provider, account or id, with its new credential; paused as `migration` until it is resumed. Threads, messages and templates stay; answers whether it was elsewhere before. WA004, WA006, WA032, WA035.';
grant execute on function public.record_migration(uuid, text, text, text, text, text) to service_role;

create function public.sweep_migration(connection_id uuid, max_conversations integer default 10000) returns integer
language plpgsql set search_path = ''
as $$
#variable_conflict use_variable
declare
  number public.whatsapp_connections;
  swept integer;
begin
  perform pg_advisory_xact_lock(private.turn_of(connection_id));
  select * into number from public.whatsapp_connections as connection where connection.id = connection_id;
  update public.conversations as thread set phone_number_id = number.phone_number_id
  where thread.id in (
    select late.id from public.conversations as late
    where late.workspace_id = number.workspace_id and late.connection_id = number.id
      and late.phone_number_id <> number.phone_number_id
    order by late.id limit max_conversations for no key update);
  get diagnostics swept = row_count;
  -- At once what sweep_inbound would find by and by: an event and the move, written blind to each other.
  perform public.release_inbound(array(
    select event.id from public.webhook_events as event
    where event.state in ('unrouted', 'failed') and event.missing && array[number.phone_number_id, number.waba_id]));
  return swept;
end
$$;
comment on function public.sweep_migration(uuid, integer) is
  'Writes a moved number''s id into its threads, at most so many; answers how many. Releases what has come under the new id meanwhile.';
grant execute on function public.sweep_migration(uuid, integer) to service_role;

create function private.release_connection(connection_id uuid) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  before text;
begin
  select status into before from public.whatsapp_connections as connection
  where connection.id = release_connection.connection_id for no key update;
  if not found then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
  update public.whatsapp_connections as connection set status = 'disconnected', status_reason = 'operator', last_error = null
  where connection.id = release_connection.connection_id;
  delete from private.connection_credentials as stored where stored.connection_id = release_connection.connection_id;
  return before <> 'disconnected';
end
$$;
comment on function private.release_connection(uuid) is 'Disconnects a number and forgets its credential. WA004.';
grant execute on function private.release_connection(uuid) to service_role;

create function public.release_connection(connection_id uuid) returns boolean
language plpgsql set search_path = ''
as $$
begin
  return private.release_connection(connection_id);
end
$$;
comment on function public.release_connection(uuid) is
  'Disconnects a number: nothing is sent any more, its credential is forgotten, its threads stay; answers whether it was connected. WA004.';
grant execute on function public.release_connection(uuid) to service_role;
