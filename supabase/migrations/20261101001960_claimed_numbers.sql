-- Members may write any number down (add_connection). Until a provider has shown that it is theirs, that is a claim,
-- and keeps nobody out who comes with the number's own key.

create table private.claimed_numbers (
  workspace_id uuid not null,
  connection_id uuid primary key,
  claimed_at timestamptz not null default now(),
  foreign key (workspace_id, connection_id) references public.whatsapp_connections (workspace_id, id)
    on delete cascade on update cascade
);
create index claimed_numbers_connection on private.claimed_numbers (workspace_id, connection_id);
comment on table private.claimed_numbers is 'Numbers that a member has written down; whether a provider has shown them since, private.is_claim tells.';
alter table private.claimed_numbers enable row level security;
grant select, insert, update, delete on private.claimed_numbers to service_role;

create function private.note_claim() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  if not private.is_backend() then
    insert into private.claimed_numbers (workspace_id, connection_id) values (new.workspace_id, new.id);
  end if;
  return null;
end
$$;
comment on function private.note_claim() is 'Remembers that a number was written down by a member.';
create trigger note_claim after insert on public.whatsapp_connections
  for each row execute function private.note_claim();

create function private.is_claim(connection_id uuid) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  -- The backend stores no key without having asked whose it is, and a worker that looks at a number's health with a
  -- member's key takes no other number's.
  return exists (
    select from private.claimed_numbers as claimed
    join public.whatsapp_connections as connection on connection.id = claimed.connection_id
    where claimed.connection_id = is_claim.connection_id and not connection.provider_notices ? 'health'
      and not exists (
        select from private.connection_credentials as stored
        where stored.connection_id = connection.id and stored.from_backend));
end
$$;
comment on function private.is_claim(uuid) is 'Whether nothing but a member''s word makes a number a workspace''s.';
grant execute on function private.is_claim(uuid) to service_role;

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
      and connection.workspace_id is distinct from release_claims.workspace_id and private.is_claim(connection.id)
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
