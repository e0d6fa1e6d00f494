-- What people do to a message on its way: ask why it waits, cancel it, try again; and to a number: stop it and let it go on.

create function private.own_message(message_id uuid) returns public.messages
language plpgsql security definer set search_path = ''
as $$
declare
  found_one public.messages;
begin
  select * into found_one from public.messages as message
  where message.id = own_message.message_id and message.direction = 'outbound'
    and (private.is_backend() or message.workspace_id in (select private.user_workspace_ids()));
  if not found then
    raise exception 'no such message' using errcode = 'WA004';
  end if;
  return found_one;
end
$$;
comment on function private.own_message(uuid) is 'An outbound message of one of the caller''s workspaces. WA004.';

create function private.held_message(message_id uuid) returns public.messages
language plpgsql security definer set search_path = ''
as $$
declare
  held public.messages := private.own_message(message_id);
begin
  -- The workspace and the thread first, as whoever queues does.
  perform from public.workspaces where id = held.workspace_id for key share;
  perform from public.conversations as thread where thread.id = held.conversation_id for no key update;
  return held;
end
$$;
comment on function private.held_message(uuid) is 'The same, with its conversation locked.';

create function private.cancel_message(message_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  wanted public.messages := private.held_message(message_id);
begin
  perform from public.outbox as item
  where item.message_id = wanted.id and item.lease_token is null and item.uncertain_since is null for update;
  if not found then
    -- Or it is gone altogether by now.
    wanted := private.own_message(message_id);
    raise exception 'the message is not waiting any more' using errcode = 'WA007',
      hint = 'Only a queued message can be canceled.', detail = wanted.status;
  end if;
  update public.messages as message set status = 'canceled', error = null where message.id = wanted.id;
  delete from public.outbox as item where item.message_id = wanted.id;
end
$$;

create function public.cancel_message(message_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.cancel_message(message_id);
end
$$;
comment on function public.cancel_message(uuid) is 'Takes a queued message back before it is sent. WA004, WA007 when it is being sent or has ended.';

create function private.retry_message(message_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  wanted public.messages := private.held_message(message_id);
begin
  select * into wanted from public.messages as message where message.id = wanted.id for no key update;
  if wanted.status not in ('failed', 'canceled') then
    raise exception 'the message has not failed' using errcode = 'WA008',
      hint = 'Only a failed or canceled message can be sent again.', detail = wanted.status;
  end if;
  if wanted.conversation_id is null then
    raise exception 'its conversation is gone' using errcode = 'WA004';
  end if;
  if wanted.type <> 'template' then
    perform private.need_open_window(thread) from public.conversations as thread where thread.id = wanted.conversation_id;
  end if;
  update public.messages as message set
    status = 'queued',
    previous_attempts = coalesce(message.previous_attempts, '[]') || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
      'status', message.status, 'wamid', message.wamid, 'error', message.error, 'sent_at', message.sent_at, 'failed_at', message.failed_at))),
    wamid = null, error = null, sent_at = null, failed_at = null, send_after = null
  where message.id = wanted.id;
  -- Whatever WhatsApp made of its files: they are uploaded anew.
  delete from private.uploaded_media as known
  where known.connection_id = wanted.connection_id
    and known.path in (select named.path #>> '{}' from jsonb_path_query(wanted.content, 'strict $.**.path') as named (path));
  perform private.enqueue_messages(array[wanted.id]);
end
$$;

create function public.retry_message(message_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.retry_message(message_id);
end
$$;
comment on function public.retry_message(uuid) is
  'Sends a failed or canceled message once more: the same row, at the end of its conversation''s line, its past in previous_attempts. WA001, WA004, WA008.';

create function private.explain_outbound(message_id uuid) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  wanted public.messages := private.own_message(message_id);
  item public.outbox;
  ahead public.outbox;
  connection public.whatsapp_connections;
  pace private.outbound_numbers;
  pair private.outbound_pairs;
  answer jsonb;
  -- The clock's and not the transaction's, as claims have it.
  instant timestamptz := clock_timestamp();
begin
  select * into item from public.outbox as waiting where waiting.message_id = wanted.id;
  select * into connection from public.whatsapp_connections where id = wanted.connection_id;
  select * into pace from private.outbound_numbers where connection_id = wanted.connection_id;
  select * into pair from private.outbound_pairs where conversation_id = item.conversation_id;
  select * into ahead from public.outbox as other
  where other.conversation_id = item.conversation_id and other.message_id <> item.message_id
    and (other.lease_token is not null
      or (other.line_at, other.seq) < (item.line_at, item.seq)
        and (other.uncertain_since is null or other.uncertain_since > instant - interval '1 minute'))
  order by other.lease_token is null, other.line_at, other.seq limit 1;
  answer := case
    when item.message_id is null then jsonb_build_object('reason', 'ended', 'detail', jsonb_strip_nulls(jsonb_build_object('status', wanted.status, 'error', wanted.error)))
    when item.uncertain_since is not null then jsonb_build_object('reason', 'uncertain', 'until', item.uncertain_since + interval '15 minutes', 'detail', wanted.error)
    when item.lease_token is not null then jsonb_build_object('reason', 'sending', 'until', item.lease_expires_at)
    when connection.status <> 'active' then jsonb_build_object('reason', 'connection_' || connection.status,
      'detail', jsonb_strip_nulls(jsonb_build_object('status_reason', connection.status_reason, 'error', connection.last_error)))
    when item.line_at > instant and wanted.send_after > instant then jsonb_build_object('reason', 'scheduled', 'until', item.line_at)
    when ahead.message_id is not null then jsonb_build_object('reason', 'order',
      'until', case when ahead.uncertain_since is not null then ahead.uncertain_since + interval '1 minute' end,
      'detail', jsonb_build_object('behind', ahead.message_id, 'status', (select status from public.messages where id = ahead.message_id)))
    when item.available_at > instant then jsonb_build_object('reason', 'retry', 'until', item.available_at, 'detail', wanted.error)
    when private.pair_ready_at(pair) > instant then jsonb_build_object('reason', 'pair_rate', 'until', private.pair_ready_at(pair), 'detail', wanted.error)
    when item.ready_at > instant then jsonb_build_object('reason', 'order', 'until', item.ready_at)
    when pace.held_until > instant then jsonb_build_object('reason', 'number_rate', 'until', pace.held_until,
      'detail', jsonb_build_object('messages_per_second', private.number_rate(connection, pace)))
    else (
      select jsonb_build_object('reason', case when line.ahead > 0 then 'number_rate' else 'ready' end,
        'until', instant + line.ahead * interval '1 second' / private.number_rate(connection, pace),
        'detail', jsonb_build_object('ahead', line.ahead, 'messages_per_second', private.number_rate(connection, pace)))
      from (
        -- Counted up to a bound: a long campaign is not walked through for a question.
        select count(*) as ahead from (
          select from public.outbox as other
          where other.connection_id = item.connection_id and other.ready_at is not null and other.ready_at <= instant
            and (other.priority, other.ready_at, other.seq) < (item.priority, item.ready_at, item.seq)
          limit 10000) as bounded
      ) as line)
  end;
  return jsonb_build_object('reason', null, 'until', null, 'detail', null) || answer;
end
$$;

create function public.explain_outbound(message_id uuid) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  return private.explain_outbound(message_id);
end
$$;
comment on function public.explain_outbound(uuid) is
  '{reason, until, detail}: why a message waits and until when, as far as can be known. Reasons: ended, uncertain, sending, connection_paused, connection_disconnected, scheduled, order, retry, pair_rate, number_rate, ready. WA004.';

create function private.set_connection_paused(connection_id uuid, reason text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if char_length(reason) > 200 then
    perform private.refuse_field('reason', 'at most 200 characters');
  end if;
  update public.whatsapp_connections as connection set
    status = case when reason is null then 'active' else 'paused' end,
    status_reason = reason,
    last_error = case when reason is null then null else connection.last_error end
  where connection.id = set_connection_paused.connection_id and connection.status <> 'disconnected'
    and (private.is_backend() or connection.workspace_id in (select private.user_managed_workspace_ids()));
  if not found then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
end
$$;

create function public.pause_connection(connection_id uuid, reason text default 'operator') returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.set_connection_paused(connection_id, coalesce(nullif(btrim(reason), ''), 'operator'));
end
$$;
comment on function public.pause_connection(uuid, text) is 'Nothing more is sent from a number: its queue waits and nothing fails. Owner and admin. WA004, WA032.';

create function public.resume_connection(connection_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.set_connection_paused(connection_id, null);
end
$$;
comment on function public.resume_connection(uuid) is 'A paused number goes on where it was. Owner and admin. WA004.';

grant execute on function private.own_message(uuid) to authenticated, service_role;
grant execute on function private.held_message(uuid) to authenticated, service_role;
grant execute on function private.cancel_message(uuid) to authenticated, service_role;
grant execute on function private.retry_message(uuid) to authenticated, service_role;
grant execute on function private.explain_outbound(uuid) to authenticated, service_role;
grant execute on function private.set_connection_paused(uuid, text) to authenticated, service_role;
grant execute on function public.cancel_message(uuid) to authenticated, service_role;
grant execute on function public.retry_message(uuid) to authenticated, service_role;
grant execute on function public.explain_outbound(uuid) to authenticated, service_role;
grant execute on function public.pause_connection(uuid, text) to authenticated, service_role;
grant execute on function public.resume_connection(uuid) to authenticated, service_role;
