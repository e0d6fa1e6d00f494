-- A body that is replayed is read by the parser of today: what an older one made of it is brought right.

create function private.correct_messages(arrived private.inbound_message[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  poor uuid[];
  files uuid[];
begin
  -- Of what came twice, live or out of the phone's history, each telling speaks of its own; and what we sent ourselves, of
  -- which no webhook tells the content, bears no recipient.
  select array_agg(message.id), array_agg(message.id) filter (where message.media_id is null and m.media_id is not null)
  into poor, files
  from unnest(arrived) as m
  join public.webhook_events as event on event.id = m.event_id and event.replayed_at is not null
  join public.messages as message on message.connection_id = m.connection_id and message.wamid = m.wamid
  where message.imported = m.imported and message.direction = m.direction and num_nonnulls(message.wa_id, message.bsuid) > 0
    and m.type <> 'media_placeholder'
    and ((message.type, coalesce(message.original_content, message.content), message.reply_to_wamid, message.occurred_at)
      is distinct from (m.type, m.content, m.reply_to_wamid, m.occurred_at)
      or message.media_id is null and m.media_id is not null);
  if poor is null then
    return;
  end if;
  perform from public.messages where id = any (poor) order by id for no key update;

  update public.messages as message set
    type = m.type,
    content = case when message.original_content is null then m.content else message.content end,
    original_content = case when message.original_content is not null then m.content end,
    reply_to_wamid = m.reply_to_wamid,
    occurred_at = m.occurred_at
  from unnest(arrived) as m
  where message.id = any (poor) and message.connection_id = m.connection_id and message.wamid = m.wamid
    and m.imported = message.imported and m.type <> 'media_placeholder';

  if files is not null then
    update public.messages as message set
      media_id = m.media_id, media_mime_type = m.media_mime_type, media_sha256 = m.media_sha256, media_filename = m.media_filename,
      media_status = private.arrived_media_status(m.type, m.media_id), media_error = null
    from unnest(arrived) as m
    where message.id = any (files) and message.connection_id = m.connection_id and message.wamid = m.wamid
      and m.imported = message.imported and m.media_id is not null;
    perform private.queue_media(files);
  end if;
end
$$;
comment on function private.correct_messages(private.inbound_message[]) is
  'Messages of replayed events as they are read today: type, content, reply, time, and a file that was not seen before. Their ids, threads and what became of them stay.';
grant execute on function private.correct_messages(private.inbound_message[]) to service_role;
