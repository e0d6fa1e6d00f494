-- The outbox: one lean row per message that still has to be sent. It leaves when the message is settled.
create table public.outbox (
  message_id uuid primary key,
  workspace_id uuid not null,
  connection_id uuid not null,
  conversation_id uuid not null,
  seq bigint not null,
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
create index outbox_uncertain on public.outbox (uncertain_since) where uncertain_since is not null;
create index outbox_message on public.outbox (workspace_id, message_id);
comment on table public.outbox is 'Messages that still have to be sent. Its rows ring the worker through Realtime and leave when settled.';
comment on column public.outbox.uncertain_since is 'When the answer to a send was lost. Such a row is never sent again; a status or the sweep settles it.';
alter table public.outbox enable row level security;
grant select, insert, update, delete on public.outbox to service_role;

create function private.enqueue_outbound() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.outbox (message_id, workspace_id, connection_id, conversation_id, seq, available_at)
  select id, workspace_id, connection_id, conversation_id, seq, greatest(coalesce(send_after, now()), now())
  from queued_messages
  where direction = 'outbound' and status = 'queued';
  return null;
end
$$;
create trigger enqueue_outbound after insert on public.messages
  referencing new table as queued_messages
  for each statement execute function private.enqueue_outbound();

create function public.claim_outbound(max_messages integer default 20, lease_seconds integer default 60)
returns table (
  message_id uuid, lease_token uuid, workspace_id uuid, connection_id uuid, provider text, phone_number_id text,
  phone text, bsuid text, type text, content jsonb, reply_to_wamid text, attempts integer)
language sql set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
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
        -- One in flight per conversation, in insert order. What became uncertain holds its followers for a minute.
        and not exists (
          select from public.outbox as ahead
          where ahead.conversation_id = head.conversation_id and ahead.seq < head.seq
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
  order by claimed.seq
$$;
comment on function public.claim_outbound(integer, integer) is
  'Leases messages to send: at most one per conversation, in insert order, of active connections. Each comes with the token its record must show.';
grant execute on function public.claim_outbound(integer, integer) to service_role;
