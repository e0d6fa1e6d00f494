-- Applies what the receiver made of journal events: one call, one transaction, any number of events.

create type private.inbound_message as (
  event_id bigint, phone_number_id text, wamid text, wa_id text, bsuid text, parent_bsuid text, profile_name text,
  type text, content jsonb, reply_to_wamid text, occurred_at timestamptz,
  media_id text, media_mime_type text, media_sha256 text, media_filename text);

create type private.inbound_status as (
  event_id bigint, phone_number_id text, wamid text, status text, participant text, occurred_at timestamptz,
  callback_data text, errors jsonb, details jsonb);

create function private.received_at(event_id bigint) returns timestamptz
language sql stable set search_path = ''
as $$
  select received_at from public.webhook_events where id = received_at.event_id
$$;
comment on function private.received_at(bigint) is 'Stands in where the provider named no time that makes sense.';
grant execute on function private.received_at(bigint) to service_role;

create function private.record_messages(arrived private.inbound_message[]) returns void
language plpgsql set search_path = ''
as $$
declare
  people private.person[];
begin
  people := array(
    select distinct row(connection.workspace_id, connection.id, connection.phone_number_id, m.wa_id,
      private.phone_key(m.wa_id), m.bsuid, m.parent_bsuid, m.profile_name, null::uuid)::private.person
    from unnest(arrived) as m
    join public.whatsapp_connections as connection on connection.phone_number_id = m.phone_number_id);
  people := private.ensure_conversations(people);
  perform private.ensure_contacts(people);
  -- Arrival numbers are given out under the conversation's lock, so mark_as_read draws a clean line.
  perform private.update_conversations(people);

  with fresh as (
    insert into public.messages (
      workspace_id, connection_id, conversation_id, wamid, direction, status, type, content, reply_to_wamid, occurred_at,
      media_id, media_mime_type, media_sha256, media_filename, media_status)
    select distinct on (p.connection_id, m.wamid)
      p.workspace_id, p.connection_id, p.conversation_id, m.wamid, 'inbound', 'received', m.type, m.content,
      m.reply_to_wamid, coalesce(m.occurred_at, private.received_at(m.event_id)), m.media_id, m.media_mime_type, m.media_sha256, m.media_filename,
      case when m.media_id is not null then 'pending' end
    from unnest(arrived) with ordinality as m
    join unnest(people) as p
      on p.phone_number_id = m.phone_number_id
      and p.wa_id is not distinct from m.wa_id and p.bsuid is not distinct from m.bsuid
    order by p.connection_id, m.wamid, m.ordinality
    on conflict (workspace_id, connection_id, wamid) do nothing
    returning id, workspace_id, connection_id, media_id, media_sha256, occurred_at
  )
  insert into public.media_downloads (message_id, workspace_id, connection_id, media_id, sha256, deadline)
  select id, workspace_id, connection_id, media_id, media_sha256, occurred_at + interval '7 days'
  from fresh where media_id is not null;
end
$$;
comment on function private.record_messages(private.inbound_message[]) is 'Stores messages that are not stored yet, with their people, threads and files to fetch.';

create function private.record_statuses(reports private.inbound_status[]) returns void
language plpgsql set search_path = ''
as $$
declare
  concerned uuid[];
begin
  insert into public.message_statuses (
    workspace_id, connection_id, wamid, status, participant, occurred_at, callback_data, errors, details)
  select distinct on (connection.id, report.wamid, report.status, report.participant)
    connection.workspace_id, connection.id, report.wamid, report.status, report.participant,
    coalesce(report.occurred_at, private.received_at(report.event_id)), report.callback_data, report.errors, coalesce(report.details, '{}')
  from unnest(reports) as report
  join public.whatsapp_connections as connection on connection.phone_number_id = report.phone_number_id
  order by connection.id, report.wamid, report.status, report.participant, report.occurred_at
  on conflict do nothing;

  -- A send whose answer was lost has no wamid: our own id, echoed by WhatsApp, tells which message it was.
  concerned := array(
    select message.id
    from unnest(reports) as report
    join public.whatsapp_connections as connection on connection.phone_number_id = report.phone_number_id
    join public.messages as message
      on message.workspace_id = connection.workspace_id and message.connection_id = connection.id
      and message.wamid = report.wamid
    union
    select message.id
    from unnest(reports) as report
    join public.whatsapp_connections as connection on connection.phone_number_id = report.phone_number_id
    join public.messages as message
      on message.id = private.as_uuid(report.callback_data) and message.workspace_id = connection.workspace_id
      and message.connection_id = connection.id and message.direction = 'outbound');
  -- All of them in the order that everybody keeps, see apply_statuses.
  perform from public.outbox where message_id = any (concerned) order by message_id for update;
  perform from public.messages where id = any (concerned) order by id for no key update;

  update public.messages as message set wamid = report.wamid
  from unnest(reports) as report
  join public.whatsapp_connections as connection on connection.phone_number_id = report.phone_number_id
  where message.id = any (concerned) and message.id = private.as_uuid(report.callback_data)
    and message.connection_id = connection.id and message.wamid is null;
  perform private.apply_statuses(concerned);
end
$$;
comment on function private.record_statuses(private.inbound_status[]) is 'Stores delivery reports and applies them to the messages we know.';

create function private.as_uuid(text) returns uuid
language sql immutable parallel safe set search_path = ''
as $$
  select case when $1 ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then $1::uuid end
$$;

create function public.record_inbound(events jsonb, messages jsonb, statuses jsonb, default_workspace_id uuid default null)
returns integer
language plpgsql set search_path = ''
as $$
declare
  numbers jsonb;
begin
  -- events: [{id, numbers: [{phone_number_id, waba_id, display_phone_number, provider}], problem?}]
  -- messages, statuses: the fields of private.inbound_message and private.inbound_status
  select jsonb_agg(number) into numbers from jsonb_array_elements(events) as event, jsonb_array_elements(event -> 'numbers') as number;
  if default_workspace_id is not null then
    perform private.ensure_connections(coalesce(numbers, '[]'), default_workspace_id);
  end if;
  if messages <> '[]' then
    perform private.record_messages(array(select m from jsonb_populate_recordset(null::private.inbound_message, messages) as m));
  end if;
  if statuses <> '[]' then
    perform private.record_statuses(array(select s from jsonb_populate_recordset(null::private.inbound_status, statuses) as s));
  end if;

  -- In one order: a sweep may be applying the same events in another.
  perform from public.webhook_events where id in (select (item ->> 'id')::bigint from jsonb_array_elements(events) as item)
  order by id for no key update;
  update public.webhook_events as event set
    state = case
      when told.problem is not null then 'failed' when told.unknown is not null then 'unrouted' else 'processed' end,
    error = nullif(concat_ws(e'\n', told.problem, 'no connection for ' || told.unknown), ''),
    processed_at = now(),
    lease_expires_at = null
  from (
    select (item ->> 'id')::bigint as id, item ->> 'problem' as problem, (
      select string_agg(distinct number ->> 'phone_number_id', ', ')
      from jsonb_array_elements(item -> 'numbers') as number
      where not exists (
        select from public.whatsapp_connections where phone_number_id = number ->> 'phone_number_id')) as unknown
    from jsonb_array_elements(events) as item
  ) as told
  where event.id = told.id;
  return (select count(*) from jsonb_array_elements(messages));
end
$$;
comment on function public.record_inbound(jsonb, jsonb, jsonb, uuid) is
  'Applies normalised events in one transaction and closes them in the journal. Applying anything twice changes nothing.';
grant execute on function public.record_inbound(jsonb, jsonb, jsonb, uuid) to service_role;
grant execute on function private.record_messages(private.inbound_message[]) to service_role;
grant execute on function private.record_statuses(private.inbound_status[]) to service_role;
grant execute on function private.as_uuid(text) to service_role;
