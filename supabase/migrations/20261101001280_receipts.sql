-- What a customer is shown while nothing is sent: blue ticks, and that somebody is typing. Lost ones harm nobody.
create table private.receipts (
  workspace_id uuid not null,
  conversation_id uuid not null,
  kind text not null check (kind in ('read', 'typing')),
  connection_id uuid not null,
  message_id uuid not null,
  wamid text not null,
  created_at timestamptz not null default now(),
  available_at timestamptz not null default now(),
  attempts integer not null default 0,
  lease_token uuid,
  lease_expires_at timestamptz,
  primary key (conversation_id, kind),
  foreign key (workspace_id, conversation_id) references public.conversations (workspace_id, id) on delete cascade
);
create index receipts_waiting on private.receipts (available_at);
comment on table private.receipts is 'The newest receipt of each kind that a conversation still has to get. Tried three times, then dropped.';
comment on column private.receipts.message_id is 'The customer''s message that is marked; WhatsApp marks those before it, too.';
alter table private.receipts enable row level security;
grant select, insert, update, delete on private.receipts to service_role;

create function private.queue_receipt(thread public.conversations, kind text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into private.receipts as waiting (workspace_id, conversation_id, kind, connection_id, message_id, wamid)
  select thread.workspace_id, thread.id, queue_receipt.kind, thread.connection_id, newest.id, newest.wamid
  from (
    select message.id, message.wamid, message.seq
    from public.messages as message
    where message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
      and message.direction = 'inbound' and message.wamid is not null and not message.imported
      and private.is_conversational(message.type)
      -- WhatsApp marks nothing that is older.
      and message.occurred_at > now() - interval '30 days'
    order by message.occurred_at desc, message.seq desc limit 1
  ) as newest
  where case queue_receipt.kind
    when 'typing' then public.is_window_open(thread)
    else newest.seq > coalesce(thread.read_through, 0) and exists (
      select from public.whatsapp_connections where id = thread.connection_id and send_read_receipts) end
  on conflict on constraint receipts_pkey do update set
    connection_id = excluded.connection_id, message_id = excluded.message_id, wamid = excluded.wamid,
    created_at = now(), available_at = now(), attempts = 0, lease_token = null, lease_expires_at = null;
end
$$;
comment on function private.queue_receipt(public.conversations, text) is 'Puts a receipt for the newest message of a customer in the place of any that waits.';

create function private.send_typing(conversation_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.queue_receipt(private.visible_conversation(conversation_id), 'typing');
end
$$;
grant execute on function private.send_typing(uuid) to authenticated, service_role;

create function public.send_typing(conversation_id uuid) returns void
language sql set search_path = ''
as $$
  select private.send_typing(send_typing.conversation_id)
$$;
comment on function public.send_typing(uuid) is
  'Shows the customer for up to 25 seconds that an answer is being written; WhatsApp marks the conversation as read with it. Nothing when the window is closed. WA004.';
grant execute on function public.send_typing(uuid) to authenticated, service_role;

create function public.claim_receipts(max_receipts integer default 8, lease_seconds integer default 60, shares jsonb default '{}')
returns table (
  message_id uuid, lease_token uuid, workspace_id uuid, connection_id uuid, provider text, phone_number_id text, kind text, wamid text)
language plpgsql set search_path = ''
as $$
#variable_conflict use_column
begin
  -- Nobody is typing any more; and who has not been marked for days is not marked today.
  delete from private.receipts as late
  where late.created_at < now() - case late.kind when 'typing' then interval '25 seconds' else interval '7 days' end;
  return query
  with claimed as (
    update private.receipts as item set
      lease_token = gen_random_uuid(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      attempts = item.attempts + 1
    where (item.conversation_id, item.kind) in (
      select waiting.conversation_id, waiting.kind
      from private.receipts as waiting
      join public.whatsapp_connections as connection on connection.id = waiting.connection_id and connection.status = 'active'
      where waiting.available_at <= now() and (waiting.lease_token is null or waiting.lease_expires_at <= now())
        and (shares ->> waiting.connection_id::text)::integer is distinct from 0
      order by waiting.available_at
      limit max_receipts
      for update of waiting skip locked)
    returning item.*
  )
  select claimed.message_id, claimed.lease_token, claimed.workspace_id, claimed.connection_id, connection.provider,
    connection.phone_number_id, claimed.kind, claimed.wamid
  from claimed
  join public.whatsapp_connections as connection on connection.id = claimed.connection_id;
end
$$;
comment on function public.claim_receipts(integer, integer, jsonb) is
  'Leases receipts to be given; those of a dead worker again, since a repetition shows nothing new. None of numbers whose share is 0, {connection_id: how many}.';
grant execute on function public.claim_receipts(integer, integer, jsonb) to service_role;

create function public.record_receipts(results jsonb) returns integer
language plpgsql set search_path = ''
as $$
declare
  held uuid[];
begin
  -- results: [{lease_token, outcome: done|retry}]
  held := array(
    select item.lease_token from private.receipts as item
    join jsonb_to_recordset(results) as result (lease_token uuid) on item.lease_token = result.lease_token
    order by item.conversation_id, item.kind for update of item);
  delete from private.receipts as item
  using jsonb_to_recordset(results) as result (lease_token uuid, outcome text)
  where item.lease_token = any (held) and item.lease_token = result.lease_token
    and (result.outcome <> 'retry' or item.attempts >= 3);
  update private.receipts as item set lease_token = null, lease_expires_at = null, available_at = now() + interval '2 seconds'
  where item.lease_token = any (held);
  return cardinality(held);
end
$$;
comment on function public.record_receipts(jsonb) is 'Removes receipts that were given, and those that failed for the third time. A newer one in their place stays.';
grant execute on function public.record_receipts(jsonb) to service_role;
