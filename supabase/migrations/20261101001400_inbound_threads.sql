-- The thread a message belongs to: found by anything its person was ever seen under, created, or two of them made one.

create type private.person as (
  workspace_id uuid, connection_id uuid, phone_number_id text, wa_id text, bsuid text, group_id text,
  seen_at timestamptz, identifiers text[], conversation_id uuid);
comment on type private.person is 'Somebody who wrote, with everything they are known by.';

create table private.identity_changes (
  connection_id uuid not null references public.whatsapp_connections (id) on delete cascade,
  identifier text not null,
  occurred_at timestamptz not null,
  wa_id text not null default '',
  bsuid text not null default '',
  primary key (connection_id, identifier, occurred_at, wa_id, bsuid)
);
comment on table private.identity_changes is
  'WhatsApp said that a user goes on under another number or user id. Kept, since it may say so before we know the user.';
alter table private.identity_changes enable row level security;
grant select, insert, update, delete on private.identity_changes to service_role;
grant select, insert, update, delete on private.conversation_identifiers to service_role;

create function private.identifiers_of(connection_id uuid, wa_id text, bsuid text, parent_bsuid text, group_id text)
returns text[]
language plpgsql stable set search_path = ''
as $$
begin
  -- The surest first. A group is its own thread, whoever writes in it. A number is known as it was written and by the
  -- key it shares with its variants.
  return (
    with recursive seen as (
      select identifier, place from unnest(case
        when group_id is not null then array['group:' || group_id]
        else array_remove(array[bsuid, identifiers_of.wa_id, private.phone_key(wa_id), parent_bsuid], null)
      end) with ordinality as given (identifier, place)
      union
      select linked.identifier, seen.place + 10
      from seen
      join private.identity_changes as change
        on change.connection_id = identifiers_of.connection_id and change.identifier = seen.identifier
      cross join lateral unnest(array[nullif(change.bsuid, ''), nullif(change.wa_id, ''), private.phone_key(nullif(change.wa_id, ''))])
        as linked (identifier)
      where linked.identifier is not null and linked.identifier <> seen.identifier and seen.place < 100
    )
    select array_agg(identifier order by first, identifier)
    from (select identifier, min(place) as first from seen group by identifier) as ranked);
end
$$;
comment on function private.identifiers_of(uuid, text, text, text, text) is
  'Everything a user is known by on a connection, through every change WhatsApp has told of.';
grant execute on function private.identifiers_of(uuid, text, text, text, text) to service_role;

create function private.with_conversations(people private.person[]) returns private.person[]
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return array(
    select row(p.workspace_id, p.connection_id, p.phone_number_id, p.wa_id, p.bsuid, p.group_id, p.seen_at, p.identifiers,
      coalesce((
        select known.conversation_id
        from unnest(p.identifiers) with ordinality as seen (identifier, place)
        join private.conversation_identifiers as known
          on known.connection_id = p.connection_id and known.identifier = seen.identifier
        order by seen.place limit 1), p.conversation_id))::private.person
    from unnest(people) as p);
end
$$;
comment on function private.with_conversations(private.person[]) is 'The thread of each person by the surest identifier that has one; a thread already proposed stays where none has.';
grant execute on function private.with_conversations(private.person[]) to service_role;

create function private.note_sightings(people private.person[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  -- The newest by the provider's clock out of all there is, so the order of arrival does not matter.
  with thread as (
    select c.id, c.workspace_id, c.connection_id from public.conversations as c
    where c.id in (select p.conversation_id from unnest(people) as p) and c.group_id is null
    order by c.id for no key update
  ), sighting as (
    select p.conversation_id, p.wa_id, p.bsuid, p.seen_at, false as changed from unnest(people) as p where p.seen_at is not null
    union all
    select thread.id, message.wa_id, message.bsuid, message.occurred_at, false
    from thread
    join public.messages as message on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
    union all
    select thread.id, nullif(change.wa_id, ''), nullif(change.bsuid, ''), change.occurred_at, true
    from thread
    join private.conversation_identifiers as own on own.connection_id = thread.connection_id and own.conversation_id = thread.id
    join private.identity_changes as change on change.connection_id = own.connection_id and change.identifier = own.identifier
  ), newest as (
    select conversation_id as id,
      -- The message that tells of a change bears the old ids and the same second.
      (array_agg(wa_id order by seen_at desc, changed desc, wa_id) filter (where wa_id is not null))[1] as wa_id,
      (array_agg(bsuid order by seen_at desc, changed desc, bsuid) filter (where bsuid is not null))[1] as bsuid
    from sighting group by conversation_id
  )
  update public.conversations as c set phone = coalesce(newest.wa_id, c.phone), bsuid = coalesce(newest.bsuid, c.bsuid)
  from newest join thread using (id)
  where c.id = newest.id
    and (c.phone is distinct from coalesce(newest.wa_id, c.phone) or c.bsuid is distinct from coalesce(newest.bsuid, c.bsuid));
end
$$;
comment on function private.note_sightings(private.person[]) is 'A thread bears the number and user id its person was last seen under: replies go there.';
grant execute on function private.note_sightings(private.person[]) to service_role;

create function private.merge_conversations(kept uuid, gone uuid) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  first_unread bigint;
begin
  perform from public.conversations where id in (kept, gone) order by id for no key update;
  select min(message.seq) into first_unread
  from public.conversations as thread
  join public.messages as message on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
  where thread.id in (kept, gone) and message.direction = 'inbound' and not message.imported
    and private.is_conversational(message.type) and message.seq > thread.read_through;

  perform private.merge_lines(kept, gone);
  -- The statistics are recomputed once below, and not for each message that moves.
  perform set_config('wabase.moving_messages', 'on', true);
  update public.messages as message set conversation_id = kept
  from public.conversations as thread
  where thread.id = gone and message.workspace_id = thread.workspace_id and message.conversation_id = gone;
  perform set_config('wabase.moving_messages', 'off', true);
  update private.conversation_identifiers set conversation_id = kept where conversation_id = gone;

  update public.conversations as thread set
    contact_id = coalesce(thread.contact_id, other.contact_id),
    assigned_to = coalesce(thread.assigned_to, other.assigned_to),
    status = case when 'open' in (thread.status, other.status) then 'open' else thread.status end,
    -- What was unread in either stays unread; nothing that was would be lost to a person's eyes.
    read_through = coalesce(first_unread - 1, greatest(thread.read_through, other.read_through))
  from public.conversations as other
  where thread.id = kept and other.id = gone;
  delete from public.conversations where id = gone;
  perform private.recompute_stats(array[kept]);
end
$$;
comment on function private.merge_conversations(uuid, uuid) is 'Two threads turn out to be one person: the second becomes part of the first.';
grant execute on function private.merge_conversations(uuid, uuid) to service_role;

create function private.merge_threads_of(people private.person[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  pair record;
begin
  -- The thread that is older stays; merging one pair may finish another.
  for pair in
    with known as (
      select p.ordinality as person, named.conversation_id as id
      from unnest(people) with ordinality as p
      cross join lateral unnest(p.identifiers) as own (identifier)
      join private.conversation_identifiers as named on named.connection_id = p.connection_id and named.identifier = own.identifier
      group by 1, 2
    ), divided as (
      select person from known group by person having count(*) > 1
    ), threads as (
      select known.person, thread.id, thread.created_at,
        first_value(thread.id) over person as kept, first_value(thread.created_at) over person as kept_since
      from divided join known using (person) join public.conversations as thread on thread.id = known.id
      window person as (partition by known.person order by thread.created_at, thread.id)
    )
    select distinct kept, id as gone, kept_since from threads where id <> kept order by kept_since, kept, gone
  loop
    if (select count(*) from public.conversations where id in (pair.kept, pair.gone)) = 2 then
      perform private.merge_conversations(pair.kept, pair.gone);
    end if;
  end loop;
end
$$;
comment on function private.merge_threads_of(private.person[]) is 'Phone and user id together show that two threads are one person''s: they become one.';
grant execute on function private.merge_threads_of(private.person[]) to service_role;

create function private.unite_people(people private.person[]) returns private.person[]
language plpgsql set search_path = ''
as $$
declare
  threads uuid[] := array(select gen_random_uuid() from unnest(people));
  united uuid[];
begin
  -- A phone may be tied to a user id and that to a parent id, each by another message: repeat until nothing moves.
  loop
    with seen as (
      select place, (people[place]).connection_id, identifier, threads[place] as thread
      from generate_subscripts(people, 1) as place, unnest((people[place]).identifiers) as identifier
    ), first_seen as (
      select connection_id, identifier, min(thread::text)::uuid as thread from seen group by connection_id, identifier
    ), moved as (
      select place, min(first_seen.thread::text)::uuid as thread
      from seen join first_seen using (connection_id, identifier) group by place
    )
    select array_agg(moved.thread order by place) into united from moved;
    exit when united = threads;
    threads := united;
  end loop;
  -- Whom nobody knows, but somebody else in the batch is known and the same person, goes there.
  return array(
    select row(p.workspace_id, p.connection_id, p.phone_number_id, p.wa_id, p.bsuid, p.group_id, p.seen_at, p.identifiers,
      coalesce(p.conversation_id, min(p.conversation_id::text) over (partition by threads[p.ordinality])::uuid,
        threads[p.ordinality]))::private.person
    from unnest(private.with_conversations(people)) with ordinality as p);
end
$$;
comment on function private.unite_people(private.person[]) is 'Proposes one thread for all in a batch who share an identifier, directly or through others: a known one, else a new one.';
grant execute on function private.unite_people(private.person[]) to service_role;

create function private.ensure_conversations(people private.person[]) returns private.person[]
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  people := private.unite_people(people);

  -- Whoever inserts the identifier first names the conversation; the loser waits here for the winner's commit.
  insert into private.conversation_identifiers (connection_id, identifier, conversation_id)
  select distinct on (p.connection_id, seen.identifier) p.connection_id, seen.identifier, p.conversation_id
  from unnest(people) as p cross join unnest(p.identifiers) as seen (identifier)
  order by p.connection_id, seen.identifier, p.conversation_id
  on conflict do nothing;
  people := private.with_conversations(people);

  insert into public.conversations (id, workspace_id, connection_id, phone_number_id, phone, bsuid, group_id)
  select distinct on (p.conversation_id)
    p.conversation_id, p.workspace_id, p.connection_id, p.phone_number_id,
    case when p.group_id is null then p.wa_id end,
    -- Known by a parent id only: it stands in for the user id, which it is to whoever sends there.
    case when p.group_id is null then coalesce(p.bsuid, case when p.wa_id is null then p.identifiers[1] end) end,
    p.group_id
  from unnest(people) as p
  where not exists (select from public.conversations where id = p.conversation_id)
  order by p.conversation_id, p.wa_id nulls last, p.seen_at desc
  on conflict do nothing;

  -- An identifier won under a fresh id by somebody who is known under another one: it names the known thread.
  update private.conversation_identifiers as stray set conversation_id = own.conversation_id
  from (
    select p.connection_id, p.conversation_id, seen.identifier
    from unnest(people) as p cross join unnest(p.identifiers) as seen (identifier)
  ) as own
  where stray.connection_id = own.connection_id and stray.identifier = own.identifier
    and stray.conversation_id <> own.conversation_id
    and not exists (select from public.conversations where id = stray.conversation_id);

  perform private.merge_threads_of(people);
  return private.with_conversations(people);
end
$$;
comment on function private.ensure_conversations(private.person[]) is 'Finds or creates the thread of each person by any identifier; returns the people with conversation_id filled.';
grant execute on function private.ensure_conversations(private.person[]) to service_role;
