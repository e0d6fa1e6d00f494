-- A number joins by the provider's own signup: the backend acts in the name of a user, and with no more than that user's rights.

-- A member may write anybody's phone down beside a number of their own: whose it is, is known where the backend has stored
-- the key.
alter table private.connection_credentials add column from_backend boolean not null default false;
comment on column private.connection_credentials.from_backend is
  'Whether the backend has ever stored it, which asks the provider first; a member''s word alone is nobody else''s obstacle.';

create function private.note_backend() returns trigger
language plpgsql set search_path = ''
as $$
begin
  new.from_backend := new.from_backend or private.is_backend();
  return new;
end
$$;
create trigger note_backend before insert or update on private.connection_credentials
  for each row execute function private.note_backend();

create function private.get_onboarding(
  workspace_id uuid, user_id uuid, phone_number_id text, waba_id text, display_phone_number text)
returns text
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_variable
declare
  allowed integer;
  role text;
begin
  -- The lock first, as in enter_workspace: whoever changes members or numbers at once takes turns.
  select tenant.connection_limit into allowed from public.workspaces as tenant
  where tenant.id = workspace_id and tenant.deleted_at is null
  for no key update;
  select member.role into role from public.workspace_members as member
  where member.workspace_id = get_onboarding.workspace_id and member.user_id = get_onboarding.user_id;
  if allowed is null or role is null then
    raise exception 'no such workspace' using errcode = 'WA004';
  elsif role not in ('owner', 'admin') then
    perform private.refuse_role();
  end if;
  -- A phone is told from another by its digits. Who has it is not said, only that it is not to be had.
  if exists (
    select from public.whatsapp_connections as other
    where other.workspace_id <> get_onboarding.workspace_id and other.verified_at is not null
      and (other.phone_number_id = get_onboarding.phone_number_id
        or regexp_replace(other.display_phone_number, '\D', '', 'g') = regexp_replace(get_onboarding.display_phone_number, '\D', '', 'g')
          and exists (
            select from private.connection_credentials as stored where stored.connection_id = other.id and stored.from_backend))) then
    raise exception 'the number cannot be connected here' using errcode = 'WA035', detail = 'phone_number_id';
  end if;
  if waba_id is not null then
    perform pg_advisory_xact_lock(hashtextextended('waba ' || waba_id, 0));
    if exists (
      select from public.whatsapp_connections as other
      where other.waba_id = get_onboarding.waba_id and other.workspace_id <> get_onboarding.workspace_id
        and other.verified_at is not null) then
      raise exception 'the account cannot be connected here' using errcode = 'WA035', detail = 'waba_id';
    end if;
  end if;
  -- One that is here already takes no further place; nor is one asked about before there is a number.
  if (phone_number_id is not null or display_phone_number is not null)
    and not exists (
      select from public.whatsapp_connections as own
      where own.workspace_id = get_onboarding.workspace_id
        and (own.phone_number_id = get_onboarding.phone_number_id
          or regexp_replace(own.display_phone_number, '\D', '', 'g') = regexp_replace(get_onboarding.display_phone_number, '\D', '', 'g')))
    and (select count(*) from public.whatsapp_connections as own where own.workspace_id = get_onboarding.workspace_id) >= allowed then
    raise exception 'the workspace may connect % WhatsApp number(s)', allowed
      using errcode = 'WA002', hint = 'Raise workspaces.connection_limit or remove a connection.';
  end if;
  return role;
end
$$;
grant execute on function private.get_onboarding(uuid, uuid, text, text, text) to service_role;

create function public.get_onboarding(
  workspace_id uuid, user_id uuid, phone_number_id text default null, waba_id text default null,
  display_phone_number text default null)
returns text
language plpgsql set search_path = ''
as $$
begin
  return private.get_onboarding(workspace_id, user_id, phone_number_id, waba_id, display_phone_number);
end
$$;
comment on function public.get_onboarding(uuid, uuid, text, text, text) is
  'Whether a user may connect a number to a workspace, as far as is known of it; answers the user''s role. Backend. WA002, WA004, WA034, WA035.';
grant execute on function public.get_onboarding(uuid, uuid, text, text, text) to service_role;

create function private.record_onboarding(
  workspace_id uuid, user_id uuid, provider text, phone_number_id text, waba_id text, display_phone_number text,
  credential text)
returns uuid
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_variable
declare
  known uuid;
begin
  -- By the id alone: that two numbers show the same digits is no reason to leave one without a place.
  perform private.get_onboarding(workspace_id, user_id, phone_number_id, waba_id, null);
  -- The provider has shown whose it is: what others have only written down is nothing beside that.
  perform private.release_claims(phone_number_id, waba_id, workspace_id);
  -- The second run of the same signup, or a number that comes back: the same connection, with the newer key.
  update public.whatsapp_connections as connection
  set provider = record_onboarding.provider,
    waba_id = coalesce(record_onboarding.waba_id, connection.waba_id),
    display_phone_number = coalesce(record_onboarding.display_phone_number, connection.display_phone_number),
    status = case connection.status when 'disconnected' then 'paused' else connection.status end,
    status_reason = case connection.status when 'disconnected' then 'credential' else connection.status_reason end
  where connection.workspace_id = record_onboarding.workspace_id
    and connection.phone_number_id = record_onboarding.phone_number_id
  returning connection.id into known;
  if known is null then
    known := private.add_connection(workspace_id, provider, phone_number_id, waba_id, display_phone_number);
  end if;
  perform private.set_connection_credential(known, credential);
  return known;
end
$$;
grant execute on function private.record_onboarding(uuid, uuid, text, text, text, text, text) to service_role;

create function public.record_onboarding(
  workspace_id uuid, user_id uuid, provider text, phone_number_id text, waba_id text, display_phone_number text,
  credential text)
returns uuid
language plpgsql set search_path = ''
as $$
begin
  return private.record_onboarding(
    workspace_id, user_id, provider, phone_number_id, waba_id, display_phone_number, credential);
end
$$;
comment on function public.record_onboarding(uuid, uuid, text, text, text, text, text) is
  'Connects a number in the name of a user, its key into Vault, in one step; the same number again is the same connection. Backend. WA002, WA004, WA006, WA032, WA034, WA035.';
grant execute on function public.record_onboarding(uuid, uuid, text, text, text, text, text) to service_role;
