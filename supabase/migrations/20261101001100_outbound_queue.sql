-- The outbox: one lean row per message that still has to be sent. It leaves when the message is settled.
create table public.outbox (
  message_id uuid primary key,
  workspace_id uuid not null,
  connection_id uuid not null,
  conversation_id uuid not null,
  seq bigint not null generated always as identity,
  available_at timestamptz not null default now(),
  attempts integer not null default 0,
  lease_token uuid,
  lease_expires_at timestamptz,
  uncertain_since timestamptz,
  foreign key (workspace_id, message_id) references public.messages (workspace_id, id) on delete cascade
);
create index outbox_order on public.outbox (conversation_id, seq);
create index outbox_ready on public.outbox (available_at, seq) where lease_token is null and uncertain_since is null;
create index outbox_leased on public.outbox (lease_expires_at) where lease_token is not null;
create unique index outbox_in_flight on public.outbox (conversation_id) where lease_token is not null;
create index outbox_uncertain on public.outbox (uncertain_since) where uncertain_since is not null;
create index outbox_message on public.outbox (workspace_id, message_id);
comment on table public.outbox is 'Messages that still have to be sent. Its rows ring the worker through Realtime and leave when settled.';
comment on column public.outbox.seq is 'The order of sending within a conversation: that of the commits.';
comment on column public.outbox.uncertain_since is 'When the answer to a send was lost. Such a row is never sent again; a status or the sweep settles it.';
alter table public.outbox enable row level security;
grant select, insert, update, delete on public.outbox to service_role;

create function private.enqueue_outbound() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- Numbered under the conversation's lock: whoever has the higher number comes to light later. With messages.seq, which
  -- is drawn before the lock, a claim could see the second of two messages first and send both at once.
  perform from public.conversations
  where id in (select conversation_id from queued_messages where direction = 'outbound' and status = 'queued')
  order by id for no key update;
  insert into public.outbox (message_id, workspace_id, connection_id, conversation_id, available_at)
  select id, workspace_id, connection_id, conversation_id, greatest(coalesce(send_after, now()), now())
  from queued_messages
  where direction = 'outbound' and status = 'queued'
  order by queued_messages.seq;
  return null;
end
$$;
create trigger enqueue_outbound after insert on public.messages
  referencing new table as queued_messages
  for each statement execute function private.enqueue_outbound();

-- Nothing is sent to a thread that somebody has deleted. Its messages stay, and each of them ends.
create function private.end_outbound() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- Outbox, then messages, each by id, before the foreign key touches them: the order that reports keep, too.
  perform from public.outbox where conversation_id = old.id order by message_id for update;
  perform from public.messages where workspace_id = old.workspace_id and conversation_id = old.id order by id for update;
  with ended as (
    delete from public.outbox where conversation_id = old.id
    returning message_id, lease_token is null and uncertain_since is null as unsent
  )
  update public.messages as message set
    status = case when ended.unsent then 'canceled' else 'failed' end,
    failed_at = case when ended.unsent then null else now() end,
    -- A report with this message's id still tells the truth about one that was on the wire.
    error = case when ended.unsent then message.error else jsonb_build_object('code', 'outcome_unknown',
      'title', 'The conversation was deleted while this was being sent', 'class', 'UNCERTAIN') end
  from ended
  where message.id = ended.message_id
    -- A workspace that goes takes its messages along.
    and exists (select from public.workspaces where id = old.workspace_id);
  return old;
end
$$;
create trigger end_outbound before delete on public.conversations
  for each row execute function private.end_outbound();

create function public.claim_outbound(max_messages integer default 20, lease_seconds integer default 60)
returns table (
  message_id uuid, lease_token uuid, workspace_id uuid, connection_id uuid, provider text, phone_number_id text,
  phone text, bsuid text, type text, content jsonb, reply_to_wamid text, attempts integer)
language plpgsql set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  -- Claims take turns, a few milliseconds each: every one sees what the one before it has put in flight.
  perform pg_advisory_xact_lock('public.outbox'::regclass::bigint);
  return query
  with claimed as (
    update public.outbox as item set
      lease_token = gen_random_uuid(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      attempts = item.attempts + 1
    where item.message_id in (
      select head.message_id
      from public.outbox as head
      join public.whatsapp_connections as connection
        on connection.id = head.connection_id and connection.status = 'active'
      where head.lease_token is null and head.uncertain_since is null and head.available_at <= now()
        -- One in flight per conversation,
        and not exists (
          select from public.outbox as flying
          where flying.conversation_id = head.conversation_id and flying.lease_token is not null)
        -- in insert order. What became uncertain holds its followers for a minute; what is scheduled for later holds
        -- nobody before its time.
        and not exists (
          select from public.outbox as ahead
          where ahead.conversation_id = head.conversation_id and ahead.seq < head.seq
            and (ahead.available_at <= now() or ahead.attempts > 0)
            and (ahead.uncertain_since is null or ahead.uncertain_since > now() - interval '1 minute'))
      order by head.available_at, head.seq
      limit max_messages
      for update of head skip locked)
    returning item.*
  ), sending as (
    update public.messages as message set status = 'sending'
    from claimed where message.id = claimed.message_id
    returning message.*
  )
  select sending.id, claimed.lease_token, sending.workspace_id, sending.connection_id, connection.provider,
    connection.phone_number_id, conversation.phone, conversation.bsuid, sending.type, sending.content,
    sending.reply_to_wamid, claimed.attempts
  from claimed
  join sending on sending.id = claimed.message_id
  join public.whatsapp_connections as connection on connection.id = claimed.connection_id
  join public.conversations as conversation on conversation.id = claimed.conversation_id
  order by claimed.seq;
end
$$;
comment on function public.claim_outbound(integer, integer) is
  'Leases messages to send: at most one per conversation, in insert order, of active connections. Each comes with the token its record must show.';
grant execute on function public.claim_outbound(integer, integer) to service_role;
