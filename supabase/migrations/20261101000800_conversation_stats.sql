-- Conversation statistics: added to by statement when messages come, recomputed when they go or move.
create function private.add_to_stats() returns trigger
language plpgsql security definer set search_path = ''
-- Each thread is looked up, whatever the planner believes about the size of a table.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  -- Thread by thread in the order of their ids, below: batches that share conversations take turns instead of deadlocking.
  update public.conversations as thread set
    unread_count = thread.unread_count + added.customer_messages,
    last_customer_message_at = greatest(thread.last_customer_message_at, added.last_customer_message_at),
    window_expires_at = greatest(thread.last_customer_message_at, added.last_customer_message_at) + interval '24 hours',
    -- A customer who writes again wants an answer.
    status = case when added.customer_messages > 0 then 'open' else thread.status end,
    (last_message_at, last_message_seq, last_message_preview, last_message_direction) = (
      select
        case when newest then added.occurred_at else thread.last_message_at end,
        case when newest then added.seq else thread.last_message_seq end,
        case when newest then private.message_preview(added.type, added.content, added.revoked) else thread.last_message_preview end,
        case when newest then added.direction else thread.last_message_direction end
      from (select thread.last_message_at is null
        or (added.occurred_at, added.seq) > (thread.last_message_at, thread.last_message_seq) as newest) as told)
  from (
    -- The newest of each thread, and what all of them add up to.
    select distinct on (conversation_id) workspace_id, conversation_id, occurred_at, seq, type, content, direction,
      revoked_at is not null as revoked,
      count(*) filter (where direction = 'inbound' and not imported) over thread as customer_messages,
      max(occurred_at) filter (where direction = 'inbound') over thread as last_customer_message_at
    from added_messages
    where conversation_id is not null and private.is_conversational(type)
    window thread as (partition by conversation_id)
    order by conversation_id, occurred_at desc, seq desc
  ) as added
  where thread.workspace_id = added.workspace_id and thread.id = added.conversation_id;
  return null;
end
$$;
create trigger add_to_stats after insert on public.messages
  referencing new table as added_messages
  for each statement execute function private.add_to_stats();

create function private.stats_of(conversation_ids uuid[])
returns table (
  conversation_id uuid, unread_count integer, last_customer_message_at timestamptz, window_expires_at timestamptz,
  last_message_at timestamptz, last_message_seq bigint, last_message_preview text, last_message_direction text)
language sql stable set search_path = ''
as $$
  select thread.id,
    count(message.id) filter (
      where message.direction = 'inbound' and not message.imported and message.seq > thread.read_through)::integer,
    max(message.occurred_at) filter (where message.direction = 'inbound'),
    max(message.occurred_at) filter (where message.direction = 'inbound') + interval '24 hours',
    max(message.occurred_at),
    (array_agg(message.seq order by message.occurred_at desc, message.seq desc))[1],
    (array_agg(private.message_preview(message.type, message.content, message.revoked_at is not null)
      order by message.occurred_at desc, message.seq desc)
      filter (where message.id is not null))[1],
    (array_agg(message.direction order by message.occurred_at desc, message.seq desc))[1]
  from public.conversations as thread
  left join public.messages as message
    on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
    and private.is_conversational(message.type)
  where thread.id = any (conversation_ids)
  group by thread.id
$$;
comment on function private.stats_of(uuid[]) is 'The statistics as the messages give them: what the columns of conversations must always equal.';
grant execute on function private.stats_of(uuid[]) to service_role;
grant execute on function private.message_preview(text, jsonb, boolean) to service_role;
grant execute on function private.is_conversational(text) to service_role;

create function private.recompute_stats(conversation_ids uuid[]) returns void
language plpgsql set search_path = ''
as $$
begin
  perform from public.conversations where id = any (conversation_ids) order by id for no key update;
  update public.conversations as thread set
    unread_count = truth.unread_count,
    last_customer_message_at = truth.last_customer_message_at,
    window_expires_at = truth.window_expires_at,
    last_message_at = truth.last_message_at,
    last_message_seq = truth.last_message_seq,
    last_message_preview = truth.last_message_preview,
    last_message_direction = truth.last_message_direction
  from private.stats_of(conversation_ids) as truth
  where thread.id = truth.conversation_id;
end
$$;
comment on function private.recompute_stats(uuid[]) is 'Sets the statistics of conversations from their messages.';
grant execute on function private.recompute_stats(uuid[]) to service_role;

create function private.subtract_from_stats() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- Of a workspace that is on its way out nobody reads them.
  perform private.recompute_stats(array(
    select distinct removed.conversation_id
    from removed_messages as removed join public.workspaces as tenant on tenant.id = removed.workspace_id
    where removed.conversation_id is not null and tenant.deleted_at is null));
  return null;
end
$$;
create trigger subtract_from_stats after delete on public.messages
  referencing old table as removed_messages
  for each statement execute function private.subtract_from_stats();

-- Transition tables and a column list exclude each other, and statuses update messages all day: so by row, but only
-- for the rare change that matters here.
create function private.move_stats() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.recompute_stats(array(select id from unnest(array[old.conversation_id, new.conversation_id]) as id where id is not null));
  return null;
end
$$;
create trigger move_stats after update of conversation_id, type, content, occurred_at, direction, imported, revoked_at
  on public.messages
  for each row
  when ((old.conversation_id, old.type, old.content, old.occurred_at, old.direction, old.imported, old.revoked_at)
    is distinct from (new.conversation_id, new.type, new.content, new.occurred_at, new.direction, new.imported, new.revoked_at)
    and coalesce(current_setting('wabase.moving_messages', true), 'off') <> 'on')
  execute function private.move_stats();

create function private.mark_as_read(conversation_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  before public.conversations;
begin
  -- The lock first: a message that arrives at this moment is counted before or after, never lost.
  select * into before from public.conversations as thread
  where thread.id = mark_as_read.conversation_id
    and (private.is_backend() or thread.workspace_id in (select private.user_workspace_ids()))
  for no key update;
  if not found then
    raise exception 'no such conversation' using errcode = 'WA004';
  end if;
  update public.conversations as thread set
    unread_count = 0,
    read_through = coalesce((
      select max(message.seq) from public.messages as message
      where message.workspace_id = thread.workspace_id and message.conversation_id = thread.id), 0)
  where thread.id = mark_as_read.conversation_id;
  perform private.queue_receipt(before, 'read');
end
$$;
revoke execute on function private.mark_as_read(uuid) from public;
grant execute on function private.mark_as_read(uuid) to authenticated, service_role;

create function public.mark_as_read(conversation_id uuid) returns void
language sql set search_path = ''
as $$
  select private.mark_as_read(mark_as_read.conversation_id)
$$;
comment on function public.mark_as_read(uuid) is 'Sets a conversation''s unread count to nothing, and shows the customer blue ticks if the number has send_read_receipts. WA004 when there is no such conversation for the caller.';

grant execute on function public.mark_as_read(uuid) to authenticated, service_role;
