-- The order of the inbox, in a narrow table of its own: a message moves its thread here, in one index, and changes the
-- conversation in its place, whose own indexes would each take an entry otherwise.

create table private.inbox_places (
  connection_id uuid not null,
  state smallint not null,
  sort_at timestamptz not null,
  conversation_id uuid not null,
  assigned_to uuid,
  window_expires_at timestamptz
);
comment on table private.inbox_places is
  'Where each conversation stands in the inbox: copies of its columns, kept by triggers. No keys of its own: it is written as often as messages come.';
comment on column private.inbox_places.state is
  'Which of the eight lists it is in: 1 if somebody has it, 2 if it is unread, 4 if it is archived, added up (private.inbox_states).';
-- Each list in its order. By it a thread's place is found again.
create index inbox_places_list on private.inbox_places (connection_id, state, sort_at, conversation_id);
create index inbox_places_assignee on private.inbox_places (assigned_to, connection_id, state, sort_at, conversation_id)
  where assigned_to is not null;
alter table private.inbox_places enable row level security;
grant select, insert, update, delete on private.inbox_places to service_role;

create function private.inbox_state(assigned_to uuid, is_read boolean, status text) returns smallint
language plpgsql immutable set search_path = ''
as $$
begin
  return (assigned_to is not null)::integer + 2 * (not is_read)::integer + 4 * (status = 'archived')::integer;
end
$$;
comment on function private.inbox_state(uuid, boolean, text) is 'The list of the inbox that a conversation is in.';

create function private.add_places() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into private.inbox_places (connection_id, state, sort_at, conversation_id, assigned_to, window_expires_at)
  select thread.connection_id, private.inbox_state(thread.assigned_to, thread.is_read, thread.status), thread.sort_at, thread.id,
    thread.assigned_to, thread.window_expires_at
  from new_conversations as thread;
  return null;
end
$$;
create trigger add_places after insert on public.conversations
  referencing new table as new_conversations
  for each statement execute function private.add_places();

create function private.move_places() returns trigger
language plpgsql security definer set search_path = ''
-- From what was to what is, each by its key, whatever is believed of the size of a table.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  update private.inbox_places as place set
    connection_id = thread.connection_id, state = private.inbox_state(thread.assigned_to, thread.is_read, thread.status),
    sort_at = thread.sort_at, assigned_to = thread.assigned_to, window_expires_at = thread.window_expires_at
  from (
    select moved.connection_id, moved.assigned_to, moved.is_read, moved.status, moved.sort_at, moved.window_expires_at, (
      select former.ctid from private.inbox_places as former
      where former.connection_id = was.connection_id and former.state = private.inbox_state(was.assigned_to, was.is_read, was.status)
        and former.sort_at = was.sort_at and former.conversation_id = was.id) as place
    from conversations_before as was
    -- The table and not what is: two transition tables have no index to meet by.
    join public.conversations as moved on moved.workspace_id = was.workspace_id and moved.id = was.id
    where (moved.connection_id, moved.assigned_to, moved.status, moved.is_read, moved.sort_at, moved.window_expires_at)
      is distinct from (was.connection_id, was.assigned_to, was.status, was.is_read, was.sort_at, was.window_expires_at)
    offset 0
  ) as thread
  -- Each is found by itself, by its key, and met by where it lies: rows leave their pages here all day, so a vacuum may find
  -- few in the pages it looks at and take the table for a tiny one, and a join would walk it once for every thread. Whoever
  -- moves a place holds its conversation, so it still lies there.
  where place.ctid = thread.place;
  return null;
end
$$;
create trigger move_places after update on public.conversations
  referencing old table as conversations_before
  for each statement execute function private.move_places();

create function private.remove_places() returns trigger
language plpgsql security definer set search_path = ''
set enable_seqscan = off
as $$
declare
  gone record;
begin
  -- One by one, as above.
  for gone in
    select id, connection_id, sort_at, private.inbox_state(assigned_to, is_read, status) as state from old_conversations
  loop
    delete from private.inbox_places as place
    where place.connection_id = gone.connection_id and place.state = gone.state and place.sort_at = gone.sort_at
      and place.conversation_id = gone.id;
  end loop;
  return null;
end
$$;
create trigger remove_places after delete on public.conversations
  referencing old table as old_conversations
  for each statement execute function private.remove_places();

create function private.places_of(thread public.conversations) returns bigint
language plpgsql stable set search_path = ''
set enable_seqscan = off
as $$
begin
  return (
    select count(*) from private.inbox_places as place
    where place.connection_id = thread.connection_id
      and place.state = private.inbox_state(thread.assigned_to, thread.is_read, thread.status) and place.sort_at = thread.sort_at
      and place.conversation_id = thread.id and place.assigned_to is not distinct from thread.assigned_to
      and place.window_expires_at is not distinct from thread.window_expires_at);
end
$$;
comment on function private.places_of(public.conversations) is 'In how many places of the inbox a conversation is as it should be: one.';
grant execute on function private.places_of(public.conversations) to service_role;
grant execute on function private.inbox_state(uuid, boolean, text) to service_role;
