-- As before, but for the wait for the disk: a quiet project's recordings are told of at once.

create or replace function public.record_inbound(
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
  -- recorded there. But where few come nobody's commit flushes the log soon after, and until it is flushed Realtime tells
  -- nobody, neither the worker of a file nor a browser of a message: 0.2 to 0.6 s (wal_writer_delay).
  if jsonb_array_length(messages) + jsonb_array_length(statuses) > 8 then
    perform set_config('synchronous_commit', 'off', true);
  end if;
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
