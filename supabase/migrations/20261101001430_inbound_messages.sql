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
language plpgsql stable set search_path = ''
set enable_seqscan = off
as $$
begin
  -- Each once, in the one order in which everybody takes them. What belongs to a number that nobody has connected is
  -- left out here, and its event set aside.
  return array(
    select row(m.event_id, m.phone_number_id, m.wamid, m.wa_id, m.bsuid, m.parent_bsuid, m.group_id, m.profile_name,
      m.direction, m.status, m.imported, m.type, m.content, m.reply_to_wamid, m.occurred_at, m.media_id, m.media_mime_type,
      m.media_sha256, m.media_filename, m.workspace_id, m.connection_id)::private.inbound_message
    from (
      select distinct on (connection.id, told.wamid collate "C", coalesce(told.imported, false), told.type = 'media_placeholder')
        told.event_id, told.phone_number_id, told.wamid, told.wa_id, told.bsuid, told.parent_bsuid, told.group_id,
        told.profile_name, coalesce(told.direction, 'inbound') as direction, coalesce(told.status, 'received') as status,
        coalesce(told.imported, false) as imported, told.type, told.content, told.reply_to_wamid,
        coalesce(told.occurred_at, private.received_at(told.event_id)) as occurred_at, told.media_id, told.media_mime_type,
        told.media_sha256, told.media_filename, connection.workspace_id, connection.id as connection_id
      from jsonb_populate_recordset(null::private.inbound_message, arrived_messages.messages) with ordinality as told
      join public.whatsapp_connections as connection on connection.phone_number_id = told.phone_number_id and connection.verified_at is not null
      -- A picture told twice, with an id and without: the one with it.
      order by connection.id, told.wamid collate "C", coalesce(told.imported, false), told.type = 'media_placeholder',
        coalesce(private.arrived_media_status(told.type, told.media_id) = 'failed', false), told.ordinality
    ) as m);
end
$$;
comment on function private.arrived_messages(jsonb) is 'The messages of record_inbound, with the connection that each belongs to.';
grant execute on function private.arrived_messages(jsonb) to service_role;

create function private.threads_at_home(arrived private.inbound_message[]) returns uuid[]
language plpgsql stable set search_path = ''
-- Every row is looked up, in the order written, whatever the planner believes about the size of a table.
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return array(
    select home.id
    from unnest(arrived) with ordinality as m
    left join lateral (
      select thread.id
      from private.conversation_identifiers as known
      -- By the index that the foreign key of the message looks into later: one cold page less than by id alone.
      join public.conversations as thread on thread.workspace_id = m.workspace_id and thread.id = known.conversation_id
      where known.connection_id = m.connection_id and known.identifier = coalesce(m.bsuid, m.wa_id, m.parent_bsuid)
        and m.group_id is null and thread.contact_id is not null
        and (m.wa_id is null or m.wa_id = thread.phone) and (m.bsuid is null or m.bsuid = thread.bsuid)
        and (m.parent_bsuid is null or exists (
          select from private.conversation_identifiers as also
          where also.connection_id = m.connection_id and also.identifier = m.parent_bsuid and also.conversation_id = thread.id))
    ) as home on true
    order by m.ordinality);
end
$$;
comment on function private.threads_at_home(private.inbound_message[]) is
  'The thread of each message, in order, where nothing new is said about its person: nearly all, nearly always. Null for the others.';
grant execute on function private.threads_at_home(private.inbound_message[]) to service_role;

create function private.threads_found(arrived private.inbound_message[], threads uuid[]) returns uuid[]
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return array(
    select coalesce((
      -- A merge among the newcomers may have moved somebody who was at home.
      select thread.id from public.conversations as thread where thread.id = threads[m.ordinality]), (
      select known.conversation_id
      from unnest(case when m.group_id is not null then array['group:' || m.group_id]
        else array[m.bsuid, m.wa_id, m.parent_bsuid] end) with ordinality as seen (identifier, place)
      join private.conversation_identifiers as known
        on known.connection_id = m.connection_id and known.identifier = seen.identifier
      order by seen.place limit 1))
    from unnest(arrived) with ordinality as m
    order by m.ordinality);
end
$$;
comment on function private.threads_found(private.inbound_message[], uuid[]) is
  'The thread of each message, in order, once all of their people are registered: the one that it has, while it is there.';
grant execute on function private.threads_found(private.inbound_message[], uuid[]) to service_role;

create function private.senders_of(arrived private.inbound_message[], threads uuid[]) returns private.person[]
language plpgsql stable set search_path = ''
as $$
begin
  return array(
    select row(m.workspace_id, m.connection_id, min(m.phone_number_id), m.wa_id, m.bsuid, m.group_id, max(m.occurred_at),
      private.identifiers_of(m.connection_id, m.wa_id, m.bsuid, m.parent_bsuid, m.group_id), null::uuid)::private.person
    from unnest(arrived) with ordinality as m
    where threads[m.ordinality] is null
    group by m.workspace_id, m.connection_id, m.wa_id, m.bsuid, m.parent_bsuid, m.group_id);
end
$$;
comment on function private.senders_of(private.inbound_message[], uuid[]) is 'The people of messages without a thread, each once, with everything they are known by.';
grant execute on function private.senders_of(private.inbound_message[], uuid[]) to service_role;

create function private.seen_in(arrived private.inbound_message[], threads uuid[], newcomers private.person[]) returns private.person[]
language plpgsql stable set search_path = ''
as $$
begin
  return array(
    select row(m.workspace_id, m.connection_id, m.phone_number_id, m.wa_id, m.bsuid, m.group_id, m.occurred_at, null::text[],
      threads[m.ordinality])::private.person
    from unnest(arrived) with ordinality as m
    where threads[m.ordinality] in (select p.conversation_id from unnest(newcomers) as p));
end
$$;
comment on function private.seen_in(private.inbound_message[], uuid[], private.person[]) is 'Who was seen in the threads of newcomers, and when: by every message of the batch.';
grant execute on function private.seen_in(private.inbound_message[], uuid[], private.person[]) to service_role;

create function private.hold_threads(threads uuid[], people private.person[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  known uuid[];
  divided boolean;
begin
  select array_agg(distinct named.id), bool_or(named.id <> named.first) into known, divided
  from (
    select own.conversation_id as id, first_value(own.conversation_id) over (partition by p.ordinality) as first
    from unnest(people) with ordinality as p
    cross join lateral unnest(p.identifiers) as seen (identifier)
    join private.conversation_identifiers as own on own.connection_id = p.connection_id and own.identifier = seen.identifier
  ) as named;
  -- Whoever queues messages holds the keys of their threads, and then waits for one after the other in this order. One
  -- that becomes part of another is deleted then, which would wait for them: they are waited for before.
  if divided then
    perform from public.conversations as thread where thread.id = any (threads || known) order by thread.id for update;
  else
    perform from public.conversations as thread where thread.id = any (threads || known) order by thread.id for no key update;
  end if;
end
$$;
comment on function private.hold_threads(uuid[], private.person[]) is
  'Locks the threads of messages and of people in one order, before any of them changes.';
grant execute on function private.hold_threads(uuid[], private.person[]) to service_role;

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
      perform private.hold_threads(threads, newcomers);
      newcomers := private.ensure_conversations(newcomers);
      threads := private.threads_found(arrived, threads);
      -- And somebody at home may have been seen in this batch later than a newcomer who turns out to be the same person.
      perform private.note_sightings(private.seen_in(arrived, threads, newcomers));
      perform private.ensure_contacts(newcomers);
    end if;
    perform private.note_profiles(arrived, threads);
    -- Arrival numbers are given out under the conversation's lock, so mark_as_read draws a clean line.
    perform
    from (select distinct m.workspace_id, threads[m.ordinality] as id from unnest(arrived) with ordinality as m) as held
    join public.conversations as thread on thread.workspace_id = held.workspace_id and thread.id = held.id
    order by thread.id for no key update of thread;
    get diagnostics held = row_count;
    -- A thread that somebody deleted or merged a moment ago is looked for again.
    exit when array_position(threads, null) is null and held = (select count(distinct thread) from unnest(threads) as thread);
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
begin
  perform private.rename_contacts(told.ids, told.names, told.times)
  from (
    with said as (
      select thread.contact_id, m.profile_name, m.occurred_at, false as in_group
      from unnest(arrived) with ordinality as m
      join public.conversations as thread on thread.workspace_id = m.workspace_id and thread.id = threads[m.ordinality]
      where m.profile_name is not null and m.group_id is null
      union all
      -- In a group the thread is nobody's: who wrote is looked up, and until when so called is known by the contact alone.
      select private.writer_in_group(m.workspace_id, m.connection_id, m.wa_id, m.bsuid), m.profile_name, m.occurred_at, true
      from unnest(arrived) as m
      where m.profile_name is not null and m.group_id is not null
    ), renamed as (
      -- Nearly everybody is still called what their contact says, and then nothing is written: a contact is read with every
      -- message, and written when its name changes.
      select contact.id
      from said
      join public.contacts as contact on contact.id = said.contact_id
      where case when said.in_group then contact.profile_name_at is null or said.occurred_at >= contact.profile_name_at
        else said.profile_name is distinct from contact.profile_name end
    )
    select array_agg(contact_id) as ids, array_agg(profile_name) as names, array_agg(occurred_at) as times
    from said where contact_id = any (array(select id from renamed)) having count(*) > 0
  ) as told;
end
$$;
comment on function private.note_profiles(private.inbound_message[], uuid[]) is
  'A contact bears the name its person had in the newest message by the provider''s clock, whatever came first.';
grant execute on function private.note_profiles(private.inbound_message[], uuid[]) to service_role;
