-- Delivery reports as the receiver normalised them: kept, and applied to the messages we know.

create type private.inbound_status as (
  event_id bigint, phone_number_id text, wamid text, status text, participant text, occurred_at timestamptz,
  callback_data text, errors jsonb, error jsonb, details jsonb, workspace_id uuid, connection_id uuid);

create function private.message_of(callback_data text) returns uuid
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return case when callback_data ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[0-9]{1,6})?$' then left(callback_data, 36)::uuid end;
end
$$;
comment on function private.message_of(text) is 'Whose echo it is, see private.callback_data; null when it is none of ours.';
grant execute on function private.message_of(text) to service_role;

create function private.arrived_statuses(statuses jsonb) returns private.inbound_status[]
language plpgsql stable set search_path = ''
set enable_seqscan = off
as $$
begin
  -- The first of those that say the same, in the one order in which everybody takes them. Also of one second only one is
  -- first, and the same one to whoever meets them elsewhere: record_statuses has this order, too.
  return array(
    select row(s.event_id, s.phone_number_id, s.wamid, s.status, s.participant, s.occurred_at, s.callback_data, s.errors, s.error,
      s.details, s.workspace_id, s.connection_id)::private.inbound_status
    from (
      select distinct on (connection.id, told.wamid collate "C", told.status collate "C", coalesce(told.participant, '') collate "C")
        told.event_id, told.phone_number_id, told.wamid, told.status, coalesce(told.participant, '') as participant,
        coalesce(told.occurred_at, private.received_at(told.event_id)) as occurred_at, told.callback_data, told.errors, told.error,
        coalesce(told.details, '{}') as details, connection.workspace_id, connection.id as connection_id
      from jsonb_populate_recordset(null::private.inbound_status, arrived_statuses.statuses) as told
      join public.whatsapp_connections as connection on connection.phone_number_id = told.phone_number_id and connection.verified_at is not null
      -- By bytes: a language's order costs ten times as much and says nothing here.
      order by connection.id, told.wamid collate "C", told.status collate "C", coalesce(told.participant, '') collate "C",
        occurred_at, told.errors is null, told.errors, details, told.callback_data is null, told.callback_data collate "C"
    ) as s);
end
$$;
comment on function private.arrived_statuses(jsonb) is 'The reports of record_inbound, with the connection that each belongs to.';
grant execute on function private.arrived_statuses(jsonb) to service_role;

create function private.correct_statuses(reports private.inbound_status[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  -- Of two that say the same one was kept: an event speaks only of what it has told itself.
  update public.message_statuses as known set
    occurred_at = report.occurred_at, errors = report.errors, error = report.error, details = report.details,
    callback_data = report.callback_data
  from unnest(reports) as report
  where known.connection_id = report.connection_id and known.wamid = report.wamid and known.status = report.status
    and known.participant = report.participant and known.event_id = report.event_id
    and (known.occurred_at, known.errors, known.error, known.details, known.callback_data)
      is distinct from (report.occurred_at, report.errors, report.error, report.details, report.callback_data);
end
$$;
comment on function private.correct_statuses(private.inbound_status[]) is
  'Reports of replayed events as they are read today.';
grant execute on function private.correct_statuses(private.inbound_status[]) to service_role;

create function private.record_statuses(reports private.inbound_status[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  concerned uuid[];
  nameless boolean;
  fresh integer;
begin
  insert into public.message_statuses as known (
    workspace_id, connection_id, wamid, status, participant, occurred_at, callback_data, errors, error, details, event_id)
  select report.workspace_id, report.connection_id, report.wamid, report.status, report.participant, report.occurred_at,
    report.callback_data, report.errors, report.error, report.details, report.event_id
  from unnest(reports) as report
  -- The first of two that say the same, whichever comes first: the order of arrived_statuses.
  on conflict (connection_id, wamid, status, participant) do update set
    occurred_at = excluded.occurred_at, callback_data = excluded.callback_data, errors = excluded.errors, error = excluded.error,
    details = excluded.details, event_id = excluded.event_id
  where (excluded.occurred_at, excluded.errors is null, coalesce(excluded.errors, 'null'), excluded.details,
      excluded.callback_data is null, coalesce(excluded.callback_data, '') collate "C")
    < (known.occurred_at, known.errors is null, coalesce(known.errors, 'null'), known.details,
      known.callback_data is null, coalesce(known.callback_data, '') collate "C");
  get diagnostics fresh = row_count;
  if fresh < cardinality(reports) then
    perform private.correct_statuses(reports);
  end if;

  select array_remove(array_agg(distinct message.id), null), bool_or(message.id is null and report.callback_data is not null)
  into concerned, nameless
  from unnest(reports) as report
  left join public.messages as message on message.connection_id = report.connection_id and message.wamid = report.wamid;
  if nameless then
    -- A send whose answer was lost has no wamid: our own id, echoed by WhatsApp, tells which message it was.
    concerned := concerned || array(
      select distinct message.id
      from unnest(reports) as report
      join public.messages as message
        on message.id = private.message_of(report.callback_data) and message.connection_id = report.connection_id
      where message.direction = 'outbound');
  end if;
  if concerned = '{}' then
    return;
  end if;
  perform private.hold_messages(concerned);
  if nameless then
    update public.messages as message set wamid = report.wamid
    from unnest(reports) as report
    where message.id = any (concerned) and message.wamid is null and message.connection_id = report.connection_id
      -- The echo of an attempt before the last retry by hand says nothing about this one.
      and report.callback_data = private.callback_data(message);
  end if;
  perform private.apply_statuses(concerned);
end
$$;
comment on function private.record_statuses(private.inbound_status[]) is 'Stores delivery reports and applies them to the messages we know.';
grant execute on function private.record_statuses(private.inbound_status[]) to service_role;
