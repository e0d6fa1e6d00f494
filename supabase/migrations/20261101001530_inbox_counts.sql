-- How many threads a workspace has, by state: counted as they change, for counting them would grow with them.

create function private.need_workspace(workspace_id uuid) returns void
language plpgsql stable security definer set search_path = ''
as $$
begin
  if not exists (
    select from public.workspace_members as member
    where member.workspace_id = need_workspace.workspace_id and member.user_id = (select auth.uid()))
    and not (private.is_backend() and exists (select from public.workspaces where id = need_workspace.workspace_id))
  then
    raise exception 'no such workspace' using errcode = 'WA004';
  end if;
end
$$;
comment on function private.need_workspace(uuid) is 'WA004 unless the caller belongs to the workspace. The first thing a definer function of the inbox does.';
revoke execute on function private.need_workspace(uuid) from public;
grant execute on function private.need_workspace(uuid) to authenticated, service_role;

-- Sums, and beside them what has changed since: nobody waits for another's transaction to count.
create table private.conversation_counts (
  id bigint generated always as identity primary key,
  workspace_id uuid not null,
  total integer not null,
  archived integer not null,
  unread integer not null
);
create index conversation_counts_workspace on private.conversation_counts (workspace_id);
comment on table private.conversation_counts is
  'A workspace''s threads are the sum of its rows: all, archived, open and unread. No key to workspaces: they go with the last of one''s rows.';
alter table private.conversation_counts enable row level security;
grant select, insert, delete on private.conversation_counts to service_role;

create function private.add_counts(workspace_id uuid, total bigint, archived bigint, unread bigint) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  place bigint;
begin
  insert into private.conversation_counts as counts (workspace_id, total, archived, unread)
  values (add_counts.workspace_id, add_counts.total, coalesce(add_counts.archived, 0), coalesce(add_counts.unread, 0))
  returning id into place;
  -- Now and then the rows become one, by one session at a time, for which nobody waits.
  if place % 250 = 0 and pg_try_advisory_xact_lock(hashtextextended('conversation_counts', 0)) then
    perform private.fold_counts(add_counts.workspace_id);
  end if;
end
$$;
comment on function private.add_counts(uuid, bigint, bigint, bigint) is 'Notes by how much the number of a workspace''s threads has changed.';

create function private.fold_counts(workspace_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  with folded as (
    delete from private.conversation_counts as counts where counts.workspace_id = fold_counts.workspace_id returning *
  )
  insert into private.conversation_counts (workspace_id, total, archived, unread)
  select fold_counts.workspace_id, sum(folded.total), sum(folded.archived), sum(folded.unread) from folded
  having (sum(folded.total), sum(folded.archived), sum(folded.unread)) <> (0, 0, 0);
end
$$;
comment on function private.fold_counts(uuid) is 'One row in the place of a workspace''s many. For one session at a time.';

create function private.count_conversations() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- By statement; the sign is the trigger's argument.
  perform private.add_counts(changed.workspace_id, tg_argv[0]::integer * count(*),
    tg_argv[0]::integer * count(*) filter (where changed.status = 'archived'),
    tg_argv[0]::integer * count(*) filter (where changed.status = 'open' and changed.unread_count > 0))
  from changed_conversations as changed
  group by changed.workspace_id;
  return null;
end
$$;
create trigger count_added after insert on public.conversations
  referencing new table as changed_conversations
  for each statement execute function private.count_conversations('1');
create trigger count_removed after delete on public.conversations
  referencing old table as changed_conversations
  for each statement execute function private.count_conversations('-1');

create function private.recount_conversations() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- What all were taken from what all are: most statements change nothing that is counted, and write nothing.
  perform private.add_counts(changed.workspace_id, 0, changed.archived, changed.unread)
  from (
    select seen.workspace_id, sum(seen.sign) filter (where seen.status = 'archived') as archived,
      sum(seen.sign) filter (where seen.status = 'open' and seen.unread_count > 0) as unread
    from (
      select 1 as sign, workspace_id, status, unread_count from conversations_now
      union all select -1, workspace_id, status, unread_count from conversations_before) as seen
    group by seen.workspace_id
  ) as changed
  where changed.archived <> 0 or changed.unread <> 0;
  return null;
end
$$;
create trigger count_changed after update on public.conversations
  referencing old table as conversations_before new table as conversations_now
  for each statement execute function private.recount_conversations();

create function private.conversation_stats(workspace_id uuid)
returns table (total bigint, unread bigint, archived bigint, window_closed bigint)
language plpgsql stable security definer set search_path = ''
-- One plan for all, since making it anew takes longer than the counting. Each list is a stretch of the index by itself.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  open_windows bigint;
begin
  perform private.need_workspace(conversation_stats.workspace_id);
  -- A thread whose window is open has a message of the last day: as many are looked at as customers wrote or were written to.
  select coalesce(sum(recent.windows), 0) into open_windows
  from public.whatsapp_connections as connection
  cross join generate_series(0, 3) as list (state)
  cross join lateral (
    select count(*) as windows from private.inbox_places as place
    where place.connection_id = connection.id and place.state = list.state and place.sort_at > now() - interval '24 hours'
      and place.window_expires_at > now()) as recent
  where connection.workspace_id = conversation_stats.workspace_id;
  return query
  select coalesce(sum(counts.total), 0), coalesce(sum(counts.unread), 0), coalesce(sum(counts.archived), 0),
    coalesce(sum(counts.total - counts.archived), 0) - open_windows
  from private.conversation_counts as counts where counts.workspace_id = conversation_stats.workspace_id;
end
$$;
comment on function private.conversation_stats(uuid) is 'get_conversation_stats, for whoever belongs to the workspace.';
revoke execute on function private.conversation_stats(uuid) from public;
grant execute on function private.conversation_stats(uuid) to authenticated, service_role;

create function public.get_conversation_stats(workspace_id uuid)
returns table (total bigint, unread bigint, archived bigint, window_closed bigint)
language plpgsql stable set search_path = ''
as $$
begin
  return query select * from private.conversation_stats(get_conversation_stats.workspace_id);
end
$$;
comment on function public.get_conversation_stats(uuid) is
  'One row: all conversations; of the open ones those unread and those whose window is closed or was never open; the archived ones. WA004.';
grant execute on function public.get_conversation_stats(uuid) to authenticated, service_role;
