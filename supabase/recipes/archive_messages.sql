-- Old messages in a table of their own, parted by month, which members may still read. docs/scaling.md says what it costs
-- and when it is worth it. Run as postgres, at any time.

-- Step 1. Finds old rows among millions; a few kilobytes, as rows lie in the order they came.
create index concurrently if not exists messages_by_age on public.messages using brin (occurred_at);

-- Step 2. The table, and what moves messages there.
create table public.messages_archive (
  like public.messages including comments,
  primary key (workspace_id, id, occurred_at),
  foreign key (workspace_id) references public.workspaces (id) on delete cascade,
  foreign key (workspace_id, conversation_id) references public.conversations (workspace_id, id)
    on delete set null (conversation_id)
) partition by range (occurred_at);
create index messages_archive_thread on public.messages_archive (workspace_id, conversation_id, occurred_at desc, seq desc);
comment on table public.messages_archive is 'Messages that private.archive_messages has moved here, as they were. Partitions are in private.';
alter table public.messages_archive enable row level security;
create policy "members read archived messages" on public.messages_archive
  for select to authenticated using (workspace_id in (select private.user_workspace_ids()));
revoke all on public.messages_archive from anon, authenticated, service_role;
grant select on public.messages_archive to authenticated, service_role;

create function private.archive_messages(older_than interval, max_messages integer default 1000) returns integer
language plpgsql set search_path = '' set timezone = 'UTC' set lock_timeout = '3s'
set plan_cache_mode = force_custom_plan
as $$
declare
  chosen uuid[];
  first_day timestamptz;
  place text;
begin
  chosen := array(
    select message.id
    from public.messages as message left join public.conversations as thread on thread.id = message.conversation_id
    where message.occurred_at < now() - older_than
      -- History that has just been imported may come once more.
      and message.created_at < now() - older_than
      and message.status not in ('queued', 'sending', 'uncertain')
      -- A message that is deleted takes its file along: those with one stay until retention has taken it.
      and message.media_path is null and coalesce(message.media_status, '') not in ('pending', 'downloading')
      and message.content ->> 'path' is null
      -- What the inbox counts and shows of a thread, it counts and shows from these.
      and (thread.id is null or message.occurred_at < least(thread.last_message_at, thread.last_customer_message_at)
        and (message.direction = 'outbound' or message.seq <= thread.read_through))
    limit max_messages);
  for first_day in
    select distinct date_trunc('month', occurred_at) from public.messages where id = any (chosen)
  loop
    place := 'messages_archive_' || to_char(first_day, 'YYYY_MM');
    if to_regclass('private.' || place) is null then
      execute format('create table private.%I partition of public.messages_archive for values from (%L) to (%L)',
        place, first_day, first_day + interval '1 month');
      execute format('alter table private.%I enable row level security', place);
    end if;
  end loop;
  -- All columns by their order: a migration that adds one to messages adds it here, or nothing moves any more.
  with moved as (delete from public.messages where id = any (chosen) returning *)
  insert into public.messages_archive select * from moved;
  return cardinality(chosen);
end
$$;
comment on function private.archive_messages(interval, integer) is
  'Moves at most so many messages older than that into messages_archive; gives how many. Again until it gives fewer.';
revoke execute on function private.archive_messages(interval, integer) from public;
