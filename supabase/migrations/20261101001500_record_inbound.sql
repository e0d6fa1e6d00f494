-- Applies what the receiver made of journal events: one call, one transaction, any number of events.

create function private.ensure_connections(events jsonb, default_workspace_id uuid) returns void
language plpgsql set search_path = ''
as $$
declare
  unknown record;
begin
  -- Single-workspace mode: a number nobody has connected belongs to the one workspace there is.
  for unknown in
    select number.phone_number_id, min(number.waba_id) as waba_id, min(number.display_phone_number) as display, min(number.provider) as provider
    from jsonb_array_elements(events) as event
    cross join lateral jsonb_to_recordset(event -> 'numbers')
      as number (phone_number_id text, waba_id text, display_phone_number text, provider text)
    where not exists (
      select from public.whatsapp_connections
      where (phone_number_id = number.phone_number_id or former_ids @> array[number.phone_number_id]) and verified_at is not null)
    group by number.phone_number_id
    order by number.phone_number_id
  loop
    begin
      perform private.release_claims(unknown.phone_number_id, null, default_workspace_id);
      update public.whatsapp_connections as connection set verified_at = now()
      where connection.phone_number_id = unknown.phone_number_id and connection.workspace_id = default_workspace_id;
      if not found then
        insert into public.whatsapp_connections (workspace_id, provider, phone_number_id, waba_id, display_phone_number)
        values (default_workspace_id, unknown.provider, unknown.phone_number_id, unknown.waba_id, unknown.display)
        on conflict (phone_number_id) do nothing;
      end if;
    exception when sqlstate 'WA002' or sqlstate 'WA035' or foreign_key_violation then
      null; -- No room for another number, or no such workspace: its events stay unrouted.
    end;
  end loop;
end
$$;
comment on function private.ensure_connections(jsonb, uuid) is 'Creates connections for unknown numbers in the default workspace.';
grant execute on function private.ensure_connections(jsonb, uuid) to service_role;

create function private.numbers_in(events jsonb, messages jsonb, statuses jsonb, facts jsonb) returns text[]
language plpgsql immutable set search_path = ''
as $$
begin
  -- Events name the numbers of all that came with them, and alike ones are one line: far less to look through.
  if events <> '[]' then
    return array(select distinct id #>> '{}' from jsonb_path_query(events, '$[*].numbers[*].phone_number_id') as id);
  end if;
  return array(
    select id #>> '{}' from jsonb_path_query(messages, '$[*].phone_number_id') as id
    union select id #>> '{}' from jsonb_path_query(statuses, '$[*].phone_number_id') as id
    union select id #>> '{}' from jsonb_path_query(facts, '$[*].phone_number_id') as id);
end
$$;
comment on function private.numbers_in(jsonb, jsonb, jsonb, jsonb) is 'The ids of numbers that the arguments of record_inbound name, each once.';
grant execute on function private.numbers_in(jsonb, jsonb, jsonb, jsonb) to service_role;

create function private.wabas_in(events jsonb, facts jsonb) returns text[]
language plpgsql immutable set search_path = ''
as $$
begin
  return array(
    select id #>> '{}' from jsonb_path_query(events, '$[*].wabas[*]') as id
    union select id #>> '{}' from jsonb_path_query(facts, '$[*] ? (!exists (@.phone_number_id) || @.phone_number_id == null).waba_id') as id);
end
$$;
comment on function private.wabas_in(jsonb, jsonb) is 'The WABAs that the arguments of record_inbound speak of as a whole, each once.';
grant execute on function private.wabas_in(jsonb, jsonb) to service_role;

create function private.take_turns(numbers text[], wabas text[]) returns void
language plpgsql set search_path = ''
set enable_seqscan = off
as $$
begin
  perform pg_advisory_xact_lock(private.turn_of(number.id))
  from (
    select id from public.whatsapp_connections where phone_number_id = any (numbers)
    union select id from public.whatsapp_connections where former_ids && numbers
    union select id from public.whatsapp_connections where waba_id = any (wabas)
    order by id
  ) as number;
  -- Nor is one taken away meanwhile: what comes then would find nobody, and wait for nobody.
  perform from public.whatsapp_connections where phone_number_id = any (numbers) order by id for key share;
end
$$;
comment on function private.take_turns(text[], text[]) is
  'Waits until nobody else records, moves or removes the numbers that are named, by a present or a former id, or by their WABA.';
grant execute on function private.take_turns(text[], text[]) to service_role;

create function private.unknown_of(numbers text[], wabas text[]) returns text[]
language plpgsql stable set search_path = ''
as $$
begin
  return array(
    select number from unnest(numbers) as number
    where not exists (
      select from public.whatsapp_connections
      where (phone_number_id = number or former_ids @> array[number]) and verified_at is not null)
    union
    select waba from unnest(wabas) as waba
    -- What is said of an account that a number has left concerns nobody, and waits for nobody.
    where not exists (
      select from public.whatsapp_connections
      where (waba_id = waba or former_ids @> array[waba]) and verified_at is not null));
end
$$;
comment on function private.unknown_of(text[], text[]) is 'The numbers and WABAs that nobody has connected, or a member by word alone.';
grant execute on function private.unknown_of(text[], text[]) to service_role;

create function private.moved_numbers(numbers text[]) returns jsonb
language plpgsql stable set search_path = ''
set enable_seqscan = off
as $$
begin
  -- An id that is somebody's now is theirs, whoever had it before.
  return (
    select jsonb_object_agg(former.id, connection.phone_number_id)
    from public.whatsapp_connections as connection
    cross join lateral unnest(connection.former_ids) as former (id)
    where connection.former_ids && numbers and former.id = any (numbers)
      and not exists (select from public.whatsapp_connections as present where present.phone_number_id = former.id));
end
$$;
comment on function private.moved_numbers(text[]) is 'Former ids, each with the id that its number has now; null when there is none.';
grant execute on function private.moved_numbers(text[]) to service_role;

create function private.forwarded(items jsonb, moved jsonb) returns jsonb
language plpgsql immutable set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(case when moved ? (item ->> 'phone_number_id')
      then item || jsonb_build_object('phone_number_id', moved -> (item ->> 'phone_number_id')) else item end order by place), '[]')
    from jsonb_array_elements(items) with ordinality as told (item, place));
end
$$;
comment on function private.forwarded(jsonb, jsonb) is 'Messages, reports or facts under the ids that their numbers have now.';
grant execute on function private.forwarded(jsonb, jsonb) to service_role;

create function private.close_events(events jsonb, unknown text[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  update public.webhook_events as event set
    state = case when told.problem is not null then 'failed' when told.missing is not null then 'unrouted' else 'processed' end,
    error = nullif(concat_ws(e'\n', told.problem, 'no connection for ' || array_to_string(told.missing, ', ')), ''),
    missing = told.missing,
    kinds = coalesce(told.kinds, '{}'),
    processed_at = now(),
    lease_expires_at = null
  from (
    select one.id, item.problem, item.kinds,
      case when unknown <> '{}' then (
        select array_agg(named.id order by named.id)
        from (
          select number ->> 'phone_number_id' as id from jsonb_array_elements(item.numbers) as number
          union select jsonb_array_elements_text(item.wabas)
        ) as named
        where named.id = any (unknown)) end as missing
    from jsonb_to_recordset(events) as item (id bigint, ids bigint[], numbers jsonb, wabas jsonb, kinds text[], problem text)
    cross join lateral unnest(coalesce(item.ids, array[item.id])) as one (id)
    -- One by one in this order, by the settings above: a sweep may be closing the same events.
    order by one.id offset 0
  ) as told
  where event.id = told.id;
end
$$;
comment on function private.close_events(jsonb, text[]) is 'Writes into the journal what became of its events, and which of their numbers and WABAs nobody has connected.';
grant execute on function private.close_events(jsonb, text[]) to service_role;

create function private.turn_of(connection_id uuid) returns bigint
language sql immutable parallel safe set search_path = ''
as $$
  select hashtextextended(connection_id::text, 0)
$$;
comment on function private.turn_of(uuid) is 'The advisory lock of a number: recordings take turns, and whoever must not meet one waits for it.';
grant execute on function private.turn_of(uuid) to service_role;

create function private.await_recordings() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- All numbers of the workspaces, in the one order: what hangs on a contact is locked in no order at all.
  perform pg_advisory_xact_lock_shared(private.turn_of(number.id))
  from (
    select id from public.whatsapp_connections
    where workspace_id = any (case when tg_level = 'ROW' then array[old.workspace_id] else array(select private.user_workspace_ids()) end)
    order by id
  ) as number;
  return old;
end
$$;
-- Before anything is locked: whose contacts a member deletes is known by then.
create trigger await_recordings before delete on public.contacts
  for each statement when (coalesce(current_setting('wabase.merging_contacts', true), 'off') <> 'on')
  execute function private.await_recordings();
-- A backend may delete anybody's. It has locked its first row by now, and may be one of a deadlock that Postgres ends.
create trigger await_recordings_of before delete on public.contacts
  for each row when (coalesce(current_setting('wabase.merging_contacts', true), 'off') <> 'on')
  execute function private.await_recordings();
comment on function private.await_recordings() is
  'A contact is deleted between recordings of its workspace''s numbers, never during one: they would wait for each other''s rows.';

-- Whoever holds a thread or a number for long holds up its own messages, and nobody else's: the receiver divides what could
-- not be recorded at once, and it can only once Postgres has let go of what the attempt held itself.
create function public.record_inbound(
  events jsonb, messages jsonb, statuses jsonb, default_workspace_id uuid default null, facts jsonb default '[]')
returns integer
language plpgsql set search_path = '' set lock_timeout = '3s'
-- Planned once a session, this and what it calls. Sets of one are what a quiet project records, and an array is taken for
-- longer than they are: each statement would be planned anew for each call, which was half of what it cost.
set plan_cache_mode = force_generic_plan
as $$
declare
  numbers text[] := private.numbers_in(events, messages, statuses, facts);
  wabas text[] := private.wabas_in(events, facts);
  moved jsonb;
  unknown text[];
  arrived private.inbound_message[];
  reports private.inbound_status[];
begin
  -- events: [{ids, numbers: [{phone_number_id, waba_id, display_phone_number, provider}], wabas, kinds, problem?}], or id for ids
  -- messages, statuses, facts: the fields of private.inbound_message, private.inbound_status and private.inbound_fact
  -- No wait for the disk: the journal is on it, and if the machine stops before this is, its events are still to be
  -- recorded there.
  perform set_config('synchronous_commit', 'off', true);
  if default_workspace_id is not null then
    perform private.ensure_connections(events, default_workspace_id);
  end if;
  -- Recordings of one number take turns. They would meet at its threads and people anyway, each holding what the other
  -- waits for. First of all, for a number moves in a turn of its own: what is looked up from here on stays as it is.
  perform private.take_turns(numbers, wabas);
  moved := private.moved_numbers(numbers);
  if moved is not null then
    messages := private.forwarded(messages, moved);
    statuses := private.forwarded(statuses, moved);
    facts := private.forwarded(facts, moved);
  end if;
  -- Before the items are looked at: what is connected a moment later is set aside and applied again, never passed over.
  unknown := private.unknown_of(numbers, wabas);
  arrived := private.arrived_messages(messages);
  reports := private.arrived_statuses(statuses);
  if arrived <> '{}' then
    perform private.record_messages(arrived);
  end if;
  if reports <> '{}' then
    perform private.record_statuses(reports);
  end if;
  if facts <> '[]' then
    perform private.record_facts(facts);
  end if;
  if facts <> '[]' or exists (
      select from unnest(reports) where error is not null and (private.tells_of_templates(error) or private.tells_of_number(error))) then
    perform private.ask_after_inbound(facts, reports);
  end if;
  perform private.close_events(events, unknown);
  return jsonb_array_length(messages);
end
$$;
comment on function public.record_inbound(jsonb, jsonb, jsonb, uuid, jsonb) is
  'Applies normalised events in one transaction and closes them in the journal. Applying anything twice changes nothing.';
grant execute on function public.record_inbound(jsonb, jsonb, jsonb, uuid, jsonb) to service_role;
