-- Messages as the receiver normalised them: to their threads, once each, with the files to fetch.

create type private.inbound_message as (
  event_id bigint, phone_number_id text, wamid text, wa_id text, bsuid text, parent_bsuid text, group_id text,
  profile_name text, direction text, status text, imported boolean, type text, content jsonb, reply_to_wamid text,
  occurred_at timestamptz, media_id text, media_mime_type text, media_sha256 text, media_filename text,
  workspace_id uuid, connection_id uuid);

create function private.received_at(event_id bigint) returns timestamptz
language sql stable set search_path = ''
as $$
  select coalesce((select received_at from public.webhook_events where id = received_at.event_id), now())
$$;
comment on function private.received_at(bigint) is 'Stands in where the provider named no time that makes sense.';
grant execute on function private.received_at(bigint) to service_role;

create function private.arrived_messages(messages jsonb) returns private.inbound_message[]
language sql stable set search_path = ''
set enable_seqscan = off
as $$
  -- Each once, in the one order in which everybody takes them. What belongs to a number that nobody has connected is
  -- left out here, and its event set aside.
  select array(
    select row(m.event_id, m.phone_number_id, m.wamid, m.wa_id, m.bsuid, m.parent_bsuid, m.group_id, m.profile_name,
      m.direction, m.status, m.imported, m.type, m.content, m.reply_to_wamid, m.occurred_at, m.media_id, m.media_mime_type,
      m.media_sha256, m.media_filename, m.workspace_id, m.connection_id)::private.inbound_message
    from (
      select distinct on (connection.id, told.wamid, coalesce(told.imported, false), told.type = 'media_placeholder')
        told.event_id, told.phone_number_id, told.wamid, told.wa_id, told.bsuid, told.parent_bsuid, told.group_id,
        told.profile_name, coalesce(told.direction, 'inbound') as direction, coalesce(told.status, 'received') as status,
        coalesce(told.imported, false) as imported, told.type, told.content, told.reply_to_wamid,
        coalesce(told.occurred_at, private.received_at(told.event_id)) as occurred_at, told.media_id, told.media_mime_type,
        told.media_sha256, told.media_filename, connection.workspace_id, connection.id as connection_id
      from jsonb_populate_recordset(null::private.inbound_message, arrived_messages.messages) with ordinality as told
      join public.whatsapp_connections as connection on connection.phone_number_id = told.phone_number_id
      order by connection.id, told.wamid, coalesce(told.imported, false), told.type = 'media_placeholder', told.ordinality
    ) as m)
$$;
comment on function private.arrived_messages(jsonb) is 'The messages of record_inbound, with the connection that each belongs to.';
grant execute on function private.arrived_messages(jsonb) to service_role;

create function private.threads_at_home(arrived private.inbound_message[]) returns uuid[]
language sql stable set search_path = ''
-- Every row is looked up, in the order written, whatever the planner believes about the size of a table.
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  select array(
    select home.id
    from unnest(arrived) with ordinality as m
    left join lateral (
      select thread.id
      from private.conversation_identifiers as known
      join public.conversations as thread on thread.id = known.conversation_id
      where known.connection_id = m.connection_id and known.identifier = coalesce(m.bsuid, m.wa_id, m.parent_bsuid)
        and m.group_id is null and thread.contact_id is not null
        and (m.wa_id is null or m.wa_id = thread.phone) and (m.bsuid is null or m.bsuid = thread.bsuid)
        and (m.parent_bsuid is null or exists (
          select from private.conversation_identifiers as also
          where also.connection_id = m.connection_id and also.identifier = m.parent_bsuid and also.conversation_id = thread.id))
    ) as home on true
    order by m.ordinality)
$$;
comment on function private.threads_at_home(private.inbound_message[]) is
  'The thread of each message, in order, where nothing new is said about its person: nearly all, nearly always. Null for the others.';
grant execute on function private.threads_at_home(private.inbound_message[]) to service_role;

create function private.threads_found(arrived private.inbound_message[]) returns uuid[]
language sql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  select array(
    select (
      select known.conversation_id
      from unnest(case when m.group_id is not null then array['group:' || m.group_id]
        else array[m.bsuid, m.wa_id, m.parent_bsuid] end) with ordinality as seen (identifier, place)
      join private.conversation_identifiers as known
        on known.connection_id = m.connection_id and known.identifier = seen.identifier
      order by seen.place limit 1)
    from unnest(arrived) with ordinality as m
    order by m.ordinality)
$$;
comment on function private.threads_found(private.inbound_message[]) is 'The thread of each message, in order, once all of their people are registered.';
grant execute on function private.threads_found(private.inbound_message[]) to service_role;

create function private.senders_of(arrived private.inbound_message[], threads uuid[]) returns private.person[]
language sql stable set search_path = ''
as $$
  select array(
    select row(m.workspace_id, m.connection_id, min(m.phone_number_id), m.wa_id, m.bsuid, m.group_id, max(m.occurred_at),
      private.identifiers_of(m.connection_id, m.wa_id, m.bsuid, m.parent_bsuid, m.group_id), null::uuid)::private.person
    from unnest(arrived) with ordinality as m
    where threads[m.ordinality] is null
    group by m.workspace_id, m.connection_id, m.wa_id, m.bsuid, m.parent_bsuid, m.group_id)
$$;
comment on function private.senders_of(private.inbound_message[], uuid[]) is 'The people of messages without a thread, each once, with everything they are known by.';
grant execute on function private.senders_of(private.inbound_message[], uuid[]) to service_role;

create function private.ensure_threads(arrived private.inbound_message[]) returns uuid[]
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  threads uuid[];
  newcomers private.person[];
  held bigint;
begin
  loop
    threads := private.threads_at_home(arrived);
    if array_position(threads, null) is not null then
      newcomers := private.with_conversations(private.senders_of(arrived, threads));
      newcomers := private.ensure_conversations(newcomers);
      perform private.ensure_contacts(newcomers);
      -- A merge among them may have moved somebody who was at home.
      threads := private.threads_found(arrived);
    end if;
    perform private.note_profiles(arrived, threads);
    -- Arrival numbers are given out under the conversation's lock, so mark_as_read draws a clean line.
    perform from public.conversations where id = any (threads) order by id for no key update;
    get diagnostics held = row_count;
    -- A thread that somebody deleted or merged a moment ago is looked for again.
    exit when held = (select count(distinct thread) from unnest(threads) as thread);
  end loop;
  return threads;
end
$$;
comment on function private.ensure_threads(private.inbound_message[]) is 'The thread of each message, in order: found or created, and locked until the transaction ends.';
grant execute on function private.ensure_threads(private.inbound_message[]) to service_role;

create function private.note_profiles(arrived private.inbound_message[], threads uuid[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  ids uuid[];
  names text[];
  times timestamptz[];
begin
  -- The newest by the provider's clock. A name that a person of the workspace gave is another column, left alone.
  select array_agg(newest.id), array_agg(newest.profile_name), array_agg(newest.occurred_at) into ids, names, times
  from (
    select distinct on (contact.id) contact.id, said.profile_name, said.occurred_at
    from (
      select thread.contact_id, m.profile_name, m.occurred_at
      from unnest(arrived) with ordinality as m
      join public.conversations as thread on thread.id = threads[m.ordinality]
      where m.profile_name is not null and m.group_id is null
      union all
      -- In a group the thread is nobody's: who wrote is known by number.
      select member.id, m.profile_name, m.occurred_at
      from unnest(arrived) as m
      join public.contacts as member on member.workspace_id = m.workspace_id and member.phone_key = private.phone_key(m.wa_id)
      where m.profile_name is not null and m.group_id is not null
    ) as said
    join public.contacts as contact on contact.id = said.contact_id
    where contact.profile_name_at is null or said.occurred_at > contact.profile_name_at
      or said.occurred_at = contact.profile_name_at and said.profile_name < contact.profile_name
    order by contact.id, said.occurred_at desc, said.profile_name
  ) as newest;
  if ids is null then
    return;
  end if;
  perform from public.contacts where id = any (ids) order by id for no key update;
  update public.contacts as contact set profile_name = said.profile_name, profile_name_at = said.occurred_at
  from unnest(ids, names, times) as said (id, profile_name, occurred_at)
  where contact.id = said.id;
end
$$;
comment on function private.note_profiles(private.inbound_message[], uuid[]) is 'Keeps the names that people gave themselves up to date.';
grant execute on function private.note_profiles(private.inbound_message[], uuid[]) to service_role;
