-- Open windows are counted by the quarter of an hour in which they end, as they change; of the quarter that runs each is
-- looked at.

create table private.window_counts (
  workspace_id uuid not null,
  quarter timestamptz not null,
  windows integer not null
);
create index window_counts_workspace on private.window_counts (workspace_id, quarter);
comment on table private.window_counts is
  'How many windows of a workspace''s open threads end in a quarter of an hour: the sum of its rows. What is over means nothing any more. No key to workspaces: they go with theirs.';
alter table private.window_counts enable row level security;
grant select, insert, delete on private.window_counts to service_role;
create index inbox_places_windows on private.inbox_places (connection_id, window_expires_at) where state < 4;

create function private.quarter_of(moment timestamptz) returns timestamptz
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return date_bin(interval '15 minutes', moment, timestamptz 'epoch');
end
$$;
comment on function private.quarter_of(timestamptz) is 'When the quarter of an hour began that a moment is in.';

create function private.fold_windows(workspace_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  with folded as (
    delete from private.window_counts as counts where counts.workspace_id = fold_windows.workspace_id returning *
  )
  insert into private.window_counts (workspace_id, quarter, windows)
  select fold_windows.workspace_id, folded.quarter, sum(folded.windows) from folded
  where folded.quarter >= private.quarter_of(now()) group by folded.quarter having sum(folded.windows) <> 0;
end
$$;
comment on function private.fold_windows(uuid) is 'One row for a quarter in the place of many, and none for those that are over. For one session at a time.';

-- Both triggers say date_bin and not private.quarter_of, which they mean: a call of it costs more than the work, and every
-- message pays for it.
create or replace function private.count_conversations() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- By statement; the sign is the trigger's argument.
  perform private.add_counts(changed.workspace_id, tg_argv[0]::integer * count(*),
    tg_argv[0]::integer * count(*) filter (where changed.status = 'archived'),
    tg_argv[0]::integer * count(*) filter (where changed.status = 'open' and changed.unread_count > 0))
  from changed_conversations as changed
  group by changed.workspace_id;
  insert into private.window_counts (workspace_id, quarter, windows)
  select changed.workspace_id, date_bin(interval '15 minutes', changed.window_expires_at, timestamptz 'epoch'), tg_argv[0]::integer * count(*)
  from changed_conversations as changed
  where changed.status = 'open' and changed.window_expires_at > now()
  group by 1, 2;
  return null;
end
$$;

create or replace function private.recount_conversations() returns trigger
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
  insert into private.window_counts (workspace_id, quarter, windows)
  select seen.workspace_id, seen.quarter, sum(seen.sign)
  from (
    select 1 as sign, workspace_id, date_bin(interval '15 minutes', window_expires_at, timestamptz 'epoch') as quarter
    from conversations_now where status = 'open' and window_expires_at > now()
    union all
    select -1, workspace_id, date_bin(interval '15 minutes', window_expires_at, timestamptz 'epoch')
    from conversations_before where status = 'open' and window_expires_at > now()) as seen
  group by seen.workspace_id, seen.quarter having sum(seen.sign) <> 0;
  -- Now and then the rows become few, by one session at a time, for which nobody waits.
  if found and random() < 0.01 and pg_try_advisory_xact_lock(hashtextextended('window_counts', 0)) then
    perform private.fold_windows((select workspace_id from conversations_now limit 1));
  end if;
  return null;
end
$$;

do $$
begin
  -- From here on changes are counted. What they are counted on is what is there while nobody writes.
  lock table public.conversations in share row exclusive mode;
  delete from private.window_counts;
  insert into private.window_counts (workspace_id, quarter, windows)
  select workspace_id, private.quarter_of(window_expires_at), count(*) from public.conversations
  where status = 'open' and window_expires_at > now() group by 1, 2;
end
$$;

create function private.forget_windows() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  delete from private.window_counts as counts where counts.workspace_id = old.id;
  return null;
end
$$;
create trigger forget_windows after delete on public.workspaces for each row execute function private.forget_windows();

create or replace function private.conversation_stats(workspace_id uuid)
returns table (total bigint, unread bigint, archived bigint, window_closed bigint)
language plpgsql stable security definer set search_path = ''
-- One plan for all, since making it anew takes longer than the counting. Each number's windows are a stretch of their index.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  next_quarter timestamptz := private.quarter_of(now()) + interval '15 minutes';
  open_windows bigint;
begin
  perform private.need_workspace(conversation_stats.workspace_id);
  select coalesce(sum(counts.windows), 0) into open_windows from private.window_counts as counts
  where counts.workspace_id = conversation_stats.workspace_id and counts.quarter >= next_quarter;
  select open_windows + coalesce(sum(soon.windows), 0) into open_windows
  from public.whatsapp_connections as connection
  cross join lateral (
    select count(*) as windows from private.inbox_places as place
    where place.connection_id = connection.id and place.state < 4
      and place.window_expires_at > now() and place.window_expires_at < next_quarter) as soon
  where connection.workspace_id = conversation_stats.workspace_id;
  return query
  select coalesce(sum(counts.total), 0), coalesce(sum(counts.unread), 0), coalesce(sum(counts.archived), 0),
    coalesce(sum(counts.total - counts.archived), 0) - open_windows
  from private.conversation_counts as counts where counts.workspace_id = conversation_stats.workspace_id;
end
$$;
