-- A number joins a workspace by the hand of its owner or admin. It waits until it has its credential.
create function private.add_connection(
  workspace_id uuid, provider text, phone_number_id text, waba_id text, display_phone_number text)
returns uuid
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_variable
declare
  made uuid;
begin
  perform private.enter_workspace(workspace_id, array['owner', 'admin']);
  if provider is null or provider not in ('360dialog', 'meta') then
    perform private.refuse_field('provider', '360dialog or meta');
  elsif phone_number_id is null or phone_number_id !~ '^[A-Za-z0-9_-]{1,64}$' then
    perform private.refuse_field('phone_number_id', 'the number''s id at WhatsApp, digits');
  elsif waba_id !~ '^[A-Za-z0-9_-]{1,64}$' then
    perform private.refuse_field('waba_id', 'the account''s id at WhatsApp, digits');
  elsif display_phone_number !~ '^\+?[0-9 ().-]{3,40}$' then
    perform private.refuse_field('display_phone_number', 'a phone number');
  end if;
  -- What WhatsApp says of an account is told to all its numbers: nobody listens by naming another's account.
  if waba_id is not null and not private.is_backend() then
    perform pg_advisory_xact_lock(hashtextextended('waba ' || waba_id, 0));
    if exists (
      select from public.whatsapp_connections as other
      where other.waba_id = add_connection.waba_id and other.workspace_id <> add_connection.workspace_id) then
      raise exception 'the account cannot be connected here' using errcode = 'WA035', detail = 'waba_id';
    end if;
  end if;
  insert into public.whatsapp_connections as connection (
    workspace_id, provider, phone_number_id, waba_id, display_phone_number, status, status_reason, verified_at)
  values (workspace_id, provider, phone_number_id, waba_id, display_phone_number, 'paused', 'credential',
    case when private.is_backend() then now() end)
  on conflict on constraint whatsapp_connections_phone_number_id_key do nothing
  returning connection.id into made;
  if made is null then
    raise exception 'the number cannot be connected here' using errcode = 'WA035', detail = 'phone_number_id',
      hint = 'A number belongs to one workspace.';
  end if;
  return made;
end
$$;
grant execute on function private.add_connection(uuid, text, text, text, text) to authenticated, service_role;

create function public.add_connection(
  workspace_id uuid, provider text, phone_number_id text, waba_id text default null, display_phone_number text default null)
returns uuid
language plpgsql set search_path = ''
as $$
begin
  return private.add_connection(workspace_id, provider, phone_number_id, waba_id, display_phone_number);
end
$$;
comment on function public.add_connection(uuid, text, text, text, text) is
  'Connects a WhatsApp number, which is paused until set_connection_credential; answers the connection''s id. Owner and admin. WA002, WA004, WA032, WA034, WA035.';
grant execute on function public.add_connection(uuid, text, text, text, text) to authenticated, service_role;
