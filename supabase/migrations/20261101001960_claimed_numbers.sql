-- Members may write any number down (add_connection). Until a provider has shown that it is theirs (verified_at), that is a
-- claim: nothing is heard of the number, and nobody is kept out who comes with its own key.

create function private.release_number(connection_id uuid) returns text
language plpgsql security definer set search_path = ''
as $$
declare
  number text;
begin
  -- Recordings of the number are waited for, as when it moves.
  perform pg_advisory_xact_lock(private.turn_of(connection_id));
  perform private.release_connection(connection_id);
  select connection.phone_number_id into number from public.whatsapp_connections as connection
  where connection.id = release_number.connection_id;
  update public.whatsapp_connections as connection
  set phone_number_id = 'released ' || connection.id, waba_id = null, former_ids = '{}'
  where connection.id = release_number.connection_id;
  return number;
end
$$;
comment on function private.release_number(uuid) is 'Disconnects a number and gives its ids up; answers the one it had. WA004.';
grant execute on function private.release_number(uuid) to service_role;

create function public.release_number(connection_id uuid) returns text
language plpgsql set search_path = ''
as $$
begin
  return private.release_number(connection_id);
end
$$;
comment on function public.release_number(uuid) is
  'Disconnects a number and gives its ids up, so that any workspace may connect it; threads stay where they are. Answers the id it had. WA004.';
grant execute on function public.release_number(uuid) to service_role;

create function private.release_claims(phone_number_id text, waba_id text, workspace_id uuid) returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  claim record;
  released integer := 0;
begin
  for claim in
    select connection.id, connection.phone_number_id = release_claims.phone_number_id as of_number
    from public.whatsapp_connections as connection
    where (connection.phone_number_id = release_claims.phone_number_id or connection.waba_id = release_claims.waba_id)
      and connection.workspace_id is distinct from release_claims.workspace_id and connection.verified_at is null
    order by connection.id
  loop
    if claim.of_number then
      perform private.release_number(claim.id);
    else
      -- Another number, said to be of this account: what is not so is the account.
      update public.whatsapp_connections as connection set waba_id = null where connection.id = claim.id;
    end if;
    released := released + 1;
  end loop;
  return released;
end
$$;
comment on function private.release_claims(text, text, uuid) is 'What members of other workspaces have only written down of a number and its account is undone; answers of how many numbers.';
grant execute on function private.release_claims(text, text, uuid) to service_role;

create function public.release_claims(phone_number_id text, waba_id text default null, workspace_id uuid default null) returns integer
language plpgsql set search_path = ''
as $$
begin
  return private.release_claims(phone_number_id, waba_id, workspace_id);
end
$$;
comment on function public.release_claims(text, text, uuid) is
  'For whoever has shown a provider''s key of a number: other workspaces that have only written it or its account down lose it. workspace_id: whose it is to be. Answers of how many numbers.';
grant execute on function public.release_claims(text, text, uuid) to service_role;
