-- What messages become: rows, files to fetch, and changes to messages that were here before.

create function private.record_messages(arrived private.inbound_message[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  threads uuid[] := private.ensure_threads(arrived);
  prefix text := private.message_id_prefix();
  fresh integer;
  files uuid[];
begin
  with stored as (
    insert into public.messages (
      id, workspace_id, connection_id, conversation_id, wamid, wa_id, bsuid, profile_name, direction, status, imported, type, content,
      reply_to_wamid, occurred_at, sent_at, media_id, media_mime_type, media_sha256, media_filename, media_status, media_error)
    select private.message_id(prefix), m.workspace_id, m.connection_id, threads[m.ordinality], m.wamid, m.wa_id, m.bsuid, m.profile_name, m.direction,
      m.status, m.imported, m.type, m.content, m.reply_to_wamid, m.occurred_at, case when m.direction = 'outbound' then m.occurred_at end,
      m.media_id, m.media_mime_type, m.media_sha256, m.media_filename, file.status,
      case when file.status = 'failed' then private.media_error('no_media_id') end
    from unnest(arrived) with ordinality as m
    cross join lateral (select private.arrived_media_status(m.type, m.media_id) as status offset 0) as file
    order by m.ordinality
    on conflict (connection_id, wamid) do nothing
    returning id, media_id
  )
  select count(*), array_agg(id) filter (where media_id is not null) into fresh, files from stored;

  if files is not null then
    perform private.queue_media(files);
  end if;
  if fresh < cardinality(arrived) then
    perform private.reconcile_messages(arrived);
    perform private.correct_messages(arrived);
  end if;
  perform private.amend_messages(arrived);
  perform private.report_echoes(arrived);
end
$$;
comment on function private.record_messages(private.inbound_message[]) is 'Stores messages that are not stored yet, with their people, threads and files to fetch.';
grant execute on function private.record_messages(private.inbound_message[]) to service_role;

create function private.reconcile_messages(arrived private.inbound_message[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  twice uuid[];
begin
  -- The same message may come live and out of the phone's history, which also says how far it had come.
  twice := array(
    select message.id
    from unnest(arrived) as m
    join public.messages as message on message.connection_id = m.connection_id and message.wamid = m.wamid
    where message.imported and not m.imported
      or private.brings_file(m, message)
      or message.direction = 'outbound' and private.status_rank(m.status) > private.status_rank(message.status));
  if twice = '{}' then
    return;
  end if;
  perform from public.messages where id = any (twice) order by id for no key update;
  update public.messages as message set
    imported = message.imported and told.imported,
    status = case when private.status_rank(told.status) > private.status_rank(message.status) then told.status else message.status end
  from (
    select m.connection_id, m.wamid, bool_and(m.imported) as imported,
      (array_agg(m.status order by private.status_rank(m.status) desc))[1] as status
    from unnest(arrived) as m
    group by m.connection_id, m.wamid
  ) as told
  where message.id = any (twice) and message.connection_id = told.connection_id and message.wamid = told.wamid;
  perform private.replace_placeholders(arrived);
end
$$;

create function private.brings_file(told private.inbound_message, message public.messages) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return message.type = 'media_placeholder' and told.type <> 'media_placeholder'
    or message.media_status = 'failed' and message.media_id is null and told.media_id is not null;
end
$$;
comment on function private.brings_file(private.inbound_message, public.messages) is
  'Whether a message that is here already waits for what this one tells: a placeholder for its file, a file for its id.';
grant execute on function private.brings_file(private.inbound_message, public.messages) to service_role;

create function private.replace_placeholders(arrived private.inbound_message[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  files uuid[];
begin
  with replaced as (
    update public.messages as message set
      type = m.type, content = m.content, reply_to_wamid = coalesce(m.reply_to_wamid, message.reply_to_wamid),
      media_id = m.media_id, media_mime_type = m.media_mime_type, media_sha256 = m.media_sha256,
      media_filename = m.media_filename, media_status = private.arrived_media_status(m.type, m.media_id),
      media_error = case when private.arrived_media_status(m.type, m.media_id) = 'failed' then private.media_error('no_media_id') end
    from unnest(arrived) as m
    where message.connection_id = m.connection_id and message.wamid = m.wamid and private.brings_file(m, message)
    returning message.id, message.media_id
  )
  select array_agg(id) filter (where media_id is not null) into files from replaced;
  if files is not null then
    perform private.queue_media(files);
  end if;
end
$$;
comment on function private.replace_placeholders(private.inbound_message[]) is
  'The history of a phone tells of a file first and brings it later, under the same id: the file takes the place.';
grant execute on function private.replace_placeholders(private.inbound_message[]) to service_role;
comment on function private.reconcile_messages(private.inbound_message[]) is 'Messages that came both live and as history are live, and as far as either says.';
grant execute on function private.reconcile_messages(private.inbound_message[]) to service_role;

create index messages_amendments on public.messages (connection_id, reply_to_wamid) where type in ('edit', 'revoke');

create function private.amend_messages(arrived private.inbound_message[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  targets uuid[];
begin
  -- The targets of what arrived, and what arrived if an edit or a revoke of it was here first.
  select array_agg(distinct target.id) into targets
  from unnest(arrived) as m
  join public.messages as target
    on target.connection_id = m.connection_id
    and target.wamid = case when m.type in ('edit', 'revoke') then m.reply_to_wamid else m.wamid end
  where m.type in ('edit', 'revoke') or exists (
    select from public.messages as amendment
    where amendment.connection_id = m.connection_id and amendment.reply_to_wamid = m.wamid and amendment.type in ('edit', 'revoke'));
  if targets is null then
    return;
  end if;
  perform from public.messages where id = any (targets) order by id for no key update;

  update public.messages as target set
    original_content = case when latest.content is not null then coalesce(target.original_content, target.content) else target.original_content end,
    content = coalesce(latest.content, target.content),
    edited_at = coalesce(latest.edited_at, target.edited_at),
    revoked_at = coalesce(latest.revoked_at, target.revoked_at)
  from (
    select amended.id,
      max(amendment.occurred_at) filter (where amendment.type = 'edit') as edited_at,
      min(amendment.occurred_at) filter (where amendment.type = 'revoke') as revoked_at,
      -- The new text in the place of the old; a file keeps its columns.
      (array_agg((amendment.content #> array['message', amended.type]) - '{id,mime_type,sha256,filename,url}'::text[]
        order by amendment.occurred_at desc, amendment.wamid)
        filter (where amendment.type = 'edit' and jsonb_typeof(amendment.content #> array['message', amended.type]) = 'object'))[1] as content
    from public.messages as amended
    join public.messages as amendment
      on amendment.connection_id = amended.connection_id and amendment.reply_to_wamid = amended.wamid and amendment.type in ('edit', 'revoke')
    where amended.id = any (targets)
    group by amended.id
  ) as latest
  where target.id = latest.id;
end
$$;
comment on function private.amend_messages(private.inbound_message[]) is
  'Brings messages to what their edits and revokes say, whichever came first. The first text is kept.';
grant execute on function private.amend_messages(private.inbound_message[]) to service_role;

create function private.report_echoes(arrived private.inbound_message[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  echoes uuid[] := array(
    select message.id
    from unnest(arrived) as m
    join public.messages as message on message.connection_id = m.connection_id and message.wamid = m.wamid
    where m.direction = 'outbound');
begin
  if echoes <> '{}' then
    perform private.hold_messages(echoes);
    perform private.apply_statuses(echoes);
  end if;
end
$$;
comment on function private.report_echoes(private.inbound_message[]) is
  'Delivery reports may have come before what they speak of: an echo of the phone''s app, or its history.';
grant execute on function private.report_echoes(private.inbound_message[]) to service_role;
