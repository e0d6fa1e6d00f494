-- The order of the inbox, in a narrow table of its own: a message moves its thread here, in two indexes, and changes the
-- conversation in its place, whose own indexes would each take an entry otherwise.

create table private.inbox_places (
  workspace_id uuid not null,
  connection_id uuid not null,
  conversation_id uuid not null,
  assigned_to uuid,
  status text not null,
  is_read boolean not null,
  sort_at timestamptz not null,
  window_expires_at timestamptz
);
-- What follows the key is the order of the inbox, for each state by itself. By the first a thread's place is found again.
-- Every thread is in two of the three: of somebody, or of nobody.
create index inbox_places_connection on private.inbox_places (workspace_id, connection_id, status, is_read, sort_at, conversation_id);
create index inbox_places_assignee on private.inbox_places (workspace_id, assigned_to, status, is_read, sort_at, conversation_id)
  where assigned_to is not null;
create index inbox_places_nobody on private.inbox_places (workspace_id, status, is_read, sort_at, conversation_id) where assigned_to is null;
comment on table private.inbox_places is
  'Where each conversation stands in the inbox: copies of its columns, kept by triggers. No keys of its own: it is written as often as messages come.';
alter table private.inbox_places enable row level security;
grant select, insert, update, delete on private.inbox_places to service_role;

create function private.add_places() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into private.inbox_places
    (workspace_id, connection_id, conversation_id, assigned_to, status, is_read, sort_at, window_expires_at)
  select workspace_id, connection_id, id, assigned_to, status, is_read, sort_at, window_expires_at from new_conversations;
  return null;
end
$$;
create trigger add_places after insert on public.conversations
  referencing new table as new_conversations
  for each statement execute function private.add_places();

create function private.move_places() returns trigger
language plpgsql security definer set search_path = ''
-- From what was to what is to its place, one thread after the other, whatever is believed of the size of a table.
set enable_seqscan = off set enable_mergejoin = off set join_collapse_limit = 1
as $$
begin
  update private.inbox_places as place set
    workspace_id = moved.workspace_id, connection_id = moved.connection_id, assigned_to = moved.assigned_to, status = moved.status,
    is_read = moved.is_read, sort_at = moved.sort_at, window_expires_at = moved.window_expires_at
  from conversations_before as was
  join conversations_now as moved on moved.id = was.id and
    (moved.workspace_id, moved.connection_id, moved.assigned_to, moved.status, moved.is_read, moved.sort_at, moved.window_expires_at)
    is distinct from (was.workspace_id, was.connection_id, was.assigned_to, was.status, was.is_read, was.sort_at, was.window_expires_at)
  where place.workspace_id = was.workspace_id and place.connection_id = was.connection_id and place.status = was.status
    and place.is_read = was.is_read and place.sort_at = was.sort_at and place.conversation_id = was.id;
  return null;
end
$$;
create trigger move_places after update on public.conversations
  referencing old table as conversations_before new table as conversations_now
  for each statement execute function private.move_places();

create function private.remove_places() returns trigger
language plpgsql security definer set search_path = ''
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  delete from private.inbox_places as place using old_conversations as gone
  where place.workspace_id = gone.workspace_id and place.connection_id = gone.connection_id and place.status = gone.status
    and place.is_read = gone.is_read and place.sort_at = gone.sort_at and place.conversation_id = gone.id;
  return null;
end
$$;
create trigger remove_places after delete on public.conversations
  referencing old table as old_conversations
  for each statement execute function private.remove_places();
