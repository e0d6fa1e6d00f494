-- Who wrote, and to which number: the rows a message hangs on, found or created in sets and under concurrency.

create function private.ensure_connections(numbers jsonb, default_workspace_id uuid) returns void
language plpgsql set search_path = ''
as $$
declare
  unknown record;
begin
  -- Single-workspace mode: a number nobody has connected belongs to the one workspace there is.
  for unknown in
    select number.phone_number_id, min(number.waba_id) as waba_id, min(number.display_phone_number) as display, min(number.provider) as provider
    from jsonb_to_recordset(numbers) as number (phone_number_id text, waba_id text, display_phone_number text, provider text)
    where not exists (select from public.whatsapp_connections where phone_number_id = number.phone_number_id)
    group by number.phone_number_id
    order by number.phone_number_id
  loop
    begin
      insert into public.whatsapp_connections (workspace_id, provider, phone_number_id, waba_id, display_phone_number)
      values (default_workspace_id, unknown.provider, unknown.phone_number_id, unknown.waba_id, unknown.display)
      on conflict (phone_number_id) do nothing;
    exception when sqlstate 'WA002' or foreign_key_violation then
      null; -- No room for another number, or no such workspace: its events stay unrouted.
    end;
  end loop;
end
$$;
comment on function private.ensure_connections(jsonb, uuid) is 'Creates connections for unknown numbers in the default workspace.';
grant execute on function private.ensure_connections(jsonb, uuid) to service_role;

create type private.person as (
  workspace_id uuid, connection_id uuid, phone_number_id text, wa_id text, phone_key text, bsuid text,
  parent_bsuid text, profile_name text, conversation_id uuid);

create function private.identifiers_of(person private.person) returns text[]
language sql immutable set search_path = ''
as $$
  select array_remove(array[person.bsuid, person.phone_key, person.parent_bsuid], null)
$$;

create function private.known_conversation(person private.person) returns uuid
language sql stable set search_path = ''
as $$
  -- By the surest identifier first; but one that was only just won, by this very batch, names no thread yet.
  select known.conversation_id
  from unnest(private.identifiers_of(person)) with ordinality as seen (identifier, place)
  join private.conversation_identifiers as known
    on known.connection_id = person.connection_id and known.identifier = seen.identifier
  order by exists (select from public.conversations where id = known.conversation_id) desc, seen.place
  limit 1
$$;

create function private.find_conversations(people private.person[]) returns private.person[]
language sql stable set search_path = ''
as $$
  select array(
    select row(p.workspace_id, p.connection_id, p.phone_number_id, p.wa_id, p.phone_key, p.bsuid, p.parent_bsuid,
      p.profile_name, private.known_conversation(p))::private.person
    from unnest(people) as p)
$$;

create function private.unite_people(people private.person[]) returns private.person[]
language plpgsql set search_path = ''
as $$
declare
  threads uuid[] := array(select gen_random_uuid() from unnest(people));
  united uuid[];
begin
  -- A phone may be tied to a BSUID and that to a parent BSUID, each by another message: repeat until nothing moves.
  loop
    with seen as (
      select place, (people[place]).connection_id, identifier, threads[place] as thread
      from generate_subscripts(people, 1) as place, unnest(private.identifiers_of(people[place])) as identifier
    ), first_seen as (
      select connection_id, identifier, min(thread::text)::uuid as thread from seen group by connection_id, identifier
    ), moved as (
      select place, min(first_seen.thread::text)::uuid as thread
      from seen join first_seen using (connection_id, identifier) group by place
    )
    select array_agg(coalesce(moved.thread, threads[place]) order by place) into united
    from generate_subscripts(people, 1) as place left join moved using (place);
    exit when united is not distinct from threads;
    threads := united;
  end loop;
  return array(
    select row(p.workspace_id, p.connection_id, p.phone_number_id, p.wa_id, p.phone_key, p.bsuid, p.parent_bsuid,
      p.profile_name, threads[p.place])::private.person
    from unnest(people) with ordinality as p (workspace_id, connection_id, phone_number_id, wa_id, phone_key, bsuid,
      parent_bsuid, profile_name, conversation_id, place));
end
$$;
comment on function private.unite_people(private.person[]) is 'Gives one new thread to all in a batch who share an identifier, directly or through others.';

create function private.ensure_conversations(people private.person[]) returns private.person[]
language plpgsql set search_path = ''
as $$
begin
  -- Whom nobody knows, but somebody else in the batch is known and the same person, goes there; else to a new thread.
  people := array(
    select row(p.workspace_id, p.connection_id, p.phone_number_id, p.wa_id, p.phone_key, p.bsuid, p.parent_bsuid,
      p.profile_name, coalesce(known.id, min(known.id::text) over (partition by p.conversation_id)::uuid, p.conversation_id)
    )::private.person
    from unnest(private.unite_people(people)) as p, private.known_conversation(p) as known (id));

  -- Whoever inserts the identifier first names the conversation; the loser waits here for the winner's commit.
  insert into private.conversation_identifiers (connection_id, identifier, conversation_id)
  select distinct on (p.connection_id, seen.identifier) p.connection_id, seen.identifier, p.conversation_id
  from unnest(people) as p cross join unnest(private.identifiers_of(p)) as seen (identifier)
  order by p.connection_id, seen.identifier, p.conversation_id
  on conflict do nothing;

  people := private.find_conversations(people);

  -- An identifier won by somebody who is known under another one: it names the known thread, for everybody in the batch.
  update private.conversation_identifiers as stray set conversation_id = p.conversation_id
  from unnest(people) as p
  where stray.connection_id = p.connection_id and stray.identifier = any (private.identifiers_of(p))
    and not exists (select from public.conversations where id = stray.conversation_id)
    and exists (select from public.conversations where id = p.conversation_id);
  if found then
    people := private.find_conversations(people);
  end if;

  insert into public.conversations (id, workspace_id, connection_id, phone_number_id, phone, bsuid)
  select distinct on (p.conversation_id)
    p.conversation_id, p.workspace_id, p.connection_id, p.phone_number_id, p.wa_id, p.bsuid
  from unnest(people) as p
  where not exists (select from public.conversations where id = p.conversation_id)
  order by p.conversation_id, p.wa_id nulls last
  on conflict do nothing;
  return people;
end
$$;
comment on function private.ensure_conversations(private.person[]) is 'Finds or creates the thread of each person by any identifier; returns the people with conversation_id filled.';

create function private.ensure_contacts(people private.person[]) returns void
language plpgsql set search_path = ''
as $$
begin
  insert into public.contacts as contact (workspace_id, phone, profile_name)
  select distinct on (p.workspace_id, p.phone_key) p.workspace_id, '+' || p.wa_id, p.profile_name
  from unnest(people) as p
  where p.wa_id ~ '^[1-9][0-9]{4,14}$'
  order by p.workspace_id, p.phone_key, p.profile_name nulls last
  on conflict (workspace_id, phone_key) do update set profile_name = excluded.profile_name
  where excluded.profile_name is not null and contact.profile_name is distinct from excluded.profile_name;
end
$$;
comment on function private.ensure_contacts(private.person[]) is 'Finds or creates the contact behind each phone; a name a person gave is left alone.';

create function private.update_conversations(people private.person[]) returns void
language plpgsql set search_path = ''
as $$
begin
  -- After the contacts, as when a member deletes one, and in one order: batches that share people take turns.
  perform from public.conversations where id in (select p.conversation_id from unnest(people) as p)
  order by id for no key update;

  -- What is learned about somebody known: the phone of a username user, the user id of a phone.
  update public.conversations as thread set
    phone = coalesce(thread.phone, p.wa_id), bsuid = coalesce(thread.bsuid, p.bsuid)
  from unnest(people) as p
  where thread.id = p.conversation_id
    and (thread.phone is null and p.wa_id is not null or thread.bsuid is null and p.bsuid is not null);

  update public.conversations as thread set contact_id = contact.id
  from unnest(people) as p
  join public.contacts as contact on contact.workspace_id = p.workspace_id and contact.phone_key = p.phone_key
  where thread.id = p.conversation_id and thread.contact_id is null;
end
$$;
comment on function private.update_conversations(private.person[]) is
  'Locks the threads of people until the transaction ends, and writes down what is new about whom they are with.';

grant execute on function private.identifiers_of(private.person) to service_role;
grant execute on function private.find_conversations(private.person[]) to service_role;
grant execute on function private.unite_people(private.person[]) to service_role;
grant execute on function private.known_conversation(private.person) to service_role;
grant execute on function private.ensure_conversations(private.person[]) to service_role;
grant execute on function private.ensure_contacts(private.person[]) to service_role;
grant execute on function private.update_conversations(private.person[]) to service_role;
grant select, insert, update, delete on private.conversation_identifiers to service_role;
