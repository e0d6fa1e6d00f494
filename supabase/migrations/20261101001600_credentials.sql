-- A number's key: written by owner and admin, kept in Vault, read by the backend only.
create function private.set_connection_credential(connection_id uuid, credential text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  known uuid;
begin
  perform from public.whatsapp_connections as connection
  where connection.id = set_connection_credential.connection_id
    and (private.is_backend() or connection.workspace_id in (select private.user_managed_workspace_ids()))
  for no key update;
  if not found then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
  -- It goes into a header: a line break that came along when it was copied would end that.
  credential := btrim(credential, E' \t\r\n');
  if credential is null or credential !~ '^[ -~]+$' or char_length(credential) > 4096 then
    raise exception 'the credential is no key' using errcode = 'WA006', detail = 'credential',
      hint = 'The 360dialog API key or Meta''s access token: 1 to 4096 characters, ASCII, one line.';
  end if;
  select secret_id into known from private.connection_credentials as stored
  where stored.connection_id = set_connection_credential.connection_id;
  if known is null then
    insert into private.connection_credentials (connection_id, secret_id)
    values (connection_id, vault.create_secret(credential, 'whatsapp_connection_' || connection_id));
  else
    perform vault.update_secret(known, credential);
    update private.connection_credentials set updated_at = now() where secret_id = known;
  end if;
  -- The backend stores no key without having asked the provider whose it is.
  update public.whatsapp_connections as connection set verified_at = now()
  where connection.id = set_connection_credential.connection_id and connection.verified_at is null and private.is_backend();
  update public.whatsapp_connections as connection set status = 'active', status_reason = null
  where connection.id = set_connection_credential.connection_id
    and connection.status = 'paused' and connection.status_reason = 'credential';
end
$$;
grant execute on function private.set_connection_credential(uuid, text) to authenticated, service_role;

create function public.set_connection_credential(connection_id uuid, credential text) returns void
language sql set search_path = ''
as $$
  select private.set_connection_credential(connection_id, credential)
$$;
comment on function public.set_connection_credential(uuid, text) is
  'Stores a number''s API key (360dialog) or access token (Meta) in Vault. Owner and admin; never gives it back. WA004, WA006.';
grant execute on function public.set_connection_credential(uuid, text) to authenticated, service_role;

create function private.connection_credential(connection_id uuid) returns text
language sql stable security definer set search_path = ''
as $$
  select secret.decrypted_secret
  from private.connection_credentials as stored
  join vault.decrypted_secrets as secret on secret.id = stored.secret_id
  where stored.connection_id = connection_credential.connection_id
$$;
grant execute on function private.connection_credential(uuid) to service_role;

create function public.get_connection_credential(connection_id uuid) returns text
language sql stable set search_path = ''
as $$
  select private.connection_credential(connection_id)
$$;
comment on function public.get_connection_credential(uuid) is 'The credential of a connection for the backend; null when none is set.';
grant execute on function public.get_connection_credential(uuid) to service_role;

create function private.forget_credential() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  delete from vault.secrets where id = old.secret_id;
  return null;
end
$$;
create trigger forget_credential after delete on private.connection_credentials
  for each row execute function private.forget_credential();
