-- The journal made into rows once more, beside the live ones, and compared; then all of it is rolled back.

create function private.differences(place text, key text, live jsonb, rebuilt jsonb) returns setof jsonb
language sql immutable set search_path = ''
as $$
  select jsonb_build_object('table', place, 'key', differences.key, 'column', field.key, 'live', live -> field.key, 'rebuilt', rebuilt -> field.key)
  from jsonb_each(coalesce(rebuilt, live)) as field
  where live is not null and rebuilt is not null and live -> field.key is distinct from rebuilt -> field.key
  union all
  select jsonb_build_object('table', place, 'key', differences.key, 'column', null,
    'live', case when live is null then 'missing' else 'there' end, 'rebuilt', case when rebuilt is null then 'missing' else 'there' end)
  where live is null or rebuilt is null
$$;
comment on function private.differences(text, text, jsonb, jsonb) is 'Column by column, what two states of one row do not have in common.';
grant execute on function private.differences(text, text, jsonb, jsonb) to service_role;

create function private.told_of(message public.messages) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object('type', message.type, 'content', message.content, 'original_content', message.original_content,
    'direction', message.direction, 'reply_to_wamid', message.reply_to_wamid, 'occurred_at', message.occurred_at,
    'wa_id', message.wa_id, 'bsuid', message.bsuid, 'profile_name', message.profile_name,
    'edited_at', message.edited_at, 'revoked_at', message.revoked_at, 'imported', message.imported,
    'media_id', message.media_id, 'media_filename', message.media_filename, 'media_mime_type', message.media_mime_type, 'media_sha256', message.media_sha256,
    'status', message.status, 'sent_at', message.sent_at, 'delivered_at', message.delivered_at, 'read_at', message.read_at, 'played_at', message.played_at,
    'failed_at', message.failed_at)
$$;
comment on function private.told_of(public.messages) is 'What the journal tells about a message.';
grant execute on function private.told_of(public.messages) to service_role;

create function private.told_of(thread public.conversations) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object('phone', thread.phone, 'bsuid', thread.bsuid, 'group_id', thread.group_id,
    'last_customer_message_at', thread.last_customer_message_at, 'window_expires_at', thread.window_expires_at,
    'last_message_at', thread.last_message_at, 'last_message_preview', thread.last_message_preview,
    'last_message_direction', thread.last_message_direction)
$$;
comment on function private.told_of(public.conversations) is 'What the journal tells about a thread.';
grant execute on function private.told_of(public.conversations) to service_role;

create function private.told_of(report public.message_statuses) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object('occurred_at', report.occurred_at, 'callback_data', report.callback_data, 'errors', report.errors,
    'error', report.error, 'details', report.details)
$$;
comment on function private.told_of(public.message_statuses) is 'What the journal tells of a report.';
grant execute on function private.told_of(public.message_statuses) to service_role;

create function private.copy_sent(live uuid, rebuilt uuid, reported text[]) returns void
language sql set search_path = ''
as $$
  -- What we sent is in no webhook, only its reports are: the messages are taken as they are, bare of their reports. When it
  -- was sent we know ourselves, as long as no report says so.
  with placed as (
    select distinct on (theirs.conversation_id) theirs.conversation_id as live_thread, ours.conversation_id as thread
    from public.messages as ours
    join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid
    where ours.connection_id = rebuilt and theirs.conversation_id is not null
    order by theirs.conversation_id, ours.conversation_id
  )
  insert into public.messages (
    workspace_id, connection_id, conversation_id, wamid, direction, imported, type, content, reply_to_wamid, status, occurred_at,
    sent_at)
  select shadow.workspace_id, rebuilt, placed.thread, sent.wamid, 'outbound', sent.imported, sent.type, sent.content, sent.reply_to_wamid,
    case when sent.wamid is null then 'uncertain' when sent.imported then sent.status else 'sent' end, sent.occurred_at,
    sent.sent_at
  from public.whatsapp_connections as shadow
  join public.messages as sent on sent.connection_id = live and sent.direction = 'outbound'
    and (sent.wamid = any (reported) or sent.conversation_id in (select live_thread from placed))
  left join placed on placed.live_thread = sent.conversation_id
  where shadow.id = rebuilt
    and not exists (select from public.messages as told where told.connection_id = rebuilt and told.wamid = sent.wamid)
  order by sent.seq
$$;
comment on function private.copy_sent(uuid, uuid, text[]) is 'Puts the messages that we sent beside what was rebuilt of their threads.';
grant execute on function private.copy_sent(uuid, uuid, text[]) to service_role;

create function private.copy_reports(live uuid, rebuilt uuid, concerned text[], since timestamptz) returns void
language sql set search_path = ''
as $$
  -- Reports older than the journal are in no webhook that is left: they are taken as they are.
  insert into public.message_statuses (workspace_id, connection_id, wamid, status, participant, occurred_at, callback_data, errors, error, details)
  select shadow.workspace_id, rebuilt, report.wamid, report.status, report.participant, report.occurred_at, report.callback_data,
    report.errors, report.error, report.details
  from public.whatsapp_connections as shadow
  join public.message_statuses as report on report.connection_id = live and report.wamid = any (concerned)
  where shadow.id = rebuilt and (since is null or least(report.received_at, report.occurred_at) < since)
  on conflict do nothing;

  select private.apply_statuses(array(
    select id from public.messages where connection_id = rebuilt and wamid = any (concerned) order by id));
$$;
comment on function private.copy_reports(uuid, uuid, text[], timestamptz) is
  'Adds what the journal has forgotten to the reports that were rebuilt, and applies all of them.';
grant execute on function private.copy_reports(uuid, uuid, text[], timestamptz) to service_role;

create function private.compare_rebuilt(live uuid, rebuilt uuid, told text[], reported text[]) returns setof jsonb
language sql stable set search_path = ''
as $$
  select found.*
  from unnest(told) as named (wamid)
  left join public.messages as theirs on theirs.connection_id = live and theirs.wamid = named.wamid
  left join public.messages as ours on ours.connection_id = rebuilt and ours.wamid = named.wamid
  -- A file that is stored tells its type and its hash itself; `wabase media verify` asks it.
  cross join lateral (
    select case when theirs.media_status in ('stored', 'expired') then '{media_mime_type,media_sha256}'::text[] else '{}' end as columns
  ) as untold
  cross join lateral private.differences('messages', named.wamid,
    case when theirs.id is not null then private.told_of(theirs) - untold.columns end,
    case when ours.id is not null then private.told_of(ours) - untold.columns end) as found
  union all
  -- Messages of ours: what their reports made of them.
  select found.*
  from public.messages as ours
  join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid
  cross join (values ('{edited_at,revoked_at,original_content,media_id,media_filename,media_mime_type,media_sha256,
    wa_id,bsuid,profile_name}'::text[])) as unreported (columns)
  cross join lateral private.differences('messages', ours.wamid,
    private.told_of(theirs) - unreported.columns, private.told_of(ours) - unreported.columns) as found
  where ours.connection_id = rebuilt and ours.wamid = any (reported) and ours.wamid <> all (told)
  union all
  select found.*
  from (
    select wamid, status, participant, private.told_of(report) as told from public.message_statuses as report
    where connection_id = rebuilt
  ) as ours
  full join (
    select wamid, status, participant, private.told_of(report) as told from public.message_statuses as report
    where connection_id = live and wamid = any (compare_rebuilt.told || reported)
  ) as theirs using (wamid, status, participant)
  cross join lateral private.differences(
    'message_statuses', concat_ws(' ', wamid, status, nullif(participant, '')), theirs.told, ours.told) as found
  union all
  -- Threads are told apart by what is in them.
  select jsonb_build_object('table', 'conversations', 'key', min(theirs.wamid) filter (where theirs.direction = 'inbound'),
    'column', 'messages',
    'live', to_jsonb(array_agg(distinct theirs.conversation_id)), 'rebuilt', 'one thread')
  from public.messages as ours
  join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid and theirs.conversation_id is not null
  where ours.connection_id = rebuilt
  group by ours.conversation_id
  having count(distinct theirs.conversation_id) > 1
  union all
  -- A message in the thread of somebody else: the two threads have no identifier in common.
  select jsonb_build_object('table', 'conversations', 'key', min(theirs.wamid), 'column', 'messages',
    'live', theirs.conversation_id, 'rebuilt', 'the thread of somebody else')
  from public.messages as ours
  join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid and theirs.conversation_id is not null
  where ours.connection_id = rebuilt and ours.conversation_id is not null
  group by ours.conversation_id, theirs.conversation_id
  having not exists (
    select identifier from private.conversation_identifiers as known where known.conversation_id = ours.conversation_id
    intersect
    select identifier from private.conversation_identifiers as known where known.conversation_id = theirs.conversation_id)
  union all
  select found.*
  from (
    select theirs.conversation_id as live_id, (array_agg(distinct ours.conversation_id))[1] as rebuilt_id, count(*) as messages
    from public.messages as ours
    join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid and theirs.conversation_id is not null
    where ours.connection_id = rebuilt
    group by theirs.conversation_id
    having count(distinct ours.conversation_id) = 1
  ) as pair
  join public.conversations as theirs on theirs.id = pair.live_id
  join public.conversations as ours on ours.id = pair.rebuilt_id
  -- WhatsApp's clock has seconds. Of several last messages in one second the one that arrived last is shown, and the journal
  -- does not tell which that was.
  cross join lateral (
    select case when count(*) > 1 then '{last_message_preview,last_message_direction}'::text[] else '{}' end as unsure
    from public.messages
    where workspace_id = theirs.workspace_id and conversation_id = theirs.id and occurred_at = theirs.last_message_at
      and private.is_conversational(type)
  ) as last
  cross join lateral private.differences('conversations', theirs.id::text,
    private.told_of(theirs) - last.unsure, private.told_of(ours) - last.unsure) as found
  -- Of a thread that is older than the journal only a part could be rebuilt.
  where (select count(*) from public.messages where workspace_id = theirs.workspace_id and conversation_id = theirs.id and wamid is not null)
    = pair.messages
$$;
comment on function private.compare_rebuilt(uuid, uuid, text[], text[]) is 'Every difference between a connection and what the journal made of its shadow.';
grant execute on function private.compare_rebuilt(uuid, uuid, text[], text[]) to service_role;

create function public.verify_inbound(
  connection_id uuid, messages jsonb, statuses jsonb, facts jsonb, since timestamptz) returns jsonb
language plpgsql set search_path = '' set statement_timeout = '120s'
as $$
declare
  workspace uuid := gen_random_uuid();
  shadow uuid := gen_random_uuid();
  number text := 'verify:' || shadow;
  told text[] := array(select distinct message ->> 'wamid' from jsonb_array_elements(messages) as message);
  reported text[] := array(select distinct status ->> 'wamid' from jsonb_array_elements(statuses) as status);
  found jsonb;
begin
  begin
    insert into public.workspaces (id, name) values (workspace, 'verify');
    insert into public.whatsapp_connections (id, workspace_id, phone_number_id, status) values (shadow, workspace, number, 'paused');
    perform private.record_messages(private.arrived_messages((
      select coalesce(jsonb_agg(item || jsonb_build_object('phone_number_id', number)), '[]') from jsonb_array_elements(messages) as item)));
    perform private.copy_sent(verify_inbound.connection_id, shadow, reported);
    perform private.record_statuses(private.arrived_statuses((
      select coalesce(jsonb_agg(item || jsonb_build_object('phone_number_id', number)), '[]') from jsonb_array_elements(statuses) as item)));
    perform private.copy_reports(verify_inbound.connection_id, shadow, told || reported, since);
    perform private.record_facts((
      select coalesce(jsonb_agg(item || jsonb_build_object('phone_number_id', number)), '[]') from jsonb_array_elements(facts) as item
      where item ->> 'kind' not in ('template', 'notice')));
    select coalesce(jsonb_agg(difference), '[]') into found
    from (
      select * from private.compare_rebuilt(verify_inbound.connection_id, shadow, told, reported)
      union all select * from private.compare_names(verify_inbound.connection_id, shadow)
      union all select * from private.compare_wishes(verify_inbound.connection_id, shadow)
    ) as compared (difference);
    raise exception 'verified' using errcode = 'WA099';
  exception when sqlstate 'WA099' then
    return found;
  end;
end
$$;
comment on function public.verify_inbound(uuid, jsonb, jsonb, jsonb, timestamptz) is
  'Rebuilds what the journal, which begins at `since`, tells of a connection''s people, and gives every difference to the live rows. Leaves nothing behind.';
grant execute on function public.verify_inbound(uuid, jsonb, jsonb, jsonb, timestamptz) to service_role;

create function public.verify_stats(connection_id uuid, after uuid, max_conversations integer default 500) returns jsonb
language sql stable set search_path = ''
as $$
  with page as (
    select thread.id from public.conversations as thread
    where thread.connection_id = verify_stats.connection_id and thread.id > after
    order by thread.id limit max_conversations
  ), found as (
    select difference
    from private.stats_of(array(select id from page)) as truth
    join public.conversations as thread on thread.id = truth.conversation_id
    cross join lateral private.differences('conversations', thread.id::text,
      (private.told_of(thread) - '{phone,bsuid,group_id}'::text[]) || jsonb_build_object('unread_count', thread.unread_count),
      jsonb_build_object('unread_count', truth.unread_count, 'last_customer_message_at', truth.last_customer_message_at,
        'window_expires_at', truth.window_expires_at, 'last_message_at', truth.last_message_at,
        'last_message_preview', truth.last_message_preview, 'last_message_direction', truth.last_message_direction)) as difference
    union all
    select difference
    from page
    join public.conversations as thread using (id)
    cross join lateral private.differences('conversations', thread.id::text, jsonb_build_object('places', private.places_of(thread)),
      jsonb_build_object('places', 1)) as difference
    union all
    -- What we sent is as far as its reports say. An echo, which names its recipient, may have come with a status of its own.
    select difference
    from page
    join public.conversations as thread using (id)
    join public.messages as message on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
      and message.direction = 'outbound' and message.wamid is not null and not message.imported
    cross join lateral (
      select coalesce(max(private.status_rank(report.status)), 0) as rank
      from public.message_statuses as report
      where report.connection_id = message.connection_id and report.wamid = message.wamid
    ) as reported
    cross join lateral private.differences('messages', message.wamid, jsonb_build_object('status', message.status),
      jsonb_build_object('status', ('{sent,failed,delivered,read,played}'::text[])[greatest(reported.rank, 1)])) as difference
    where reported.rank > private.status_rank(message.status)
      or private.status_rank(message.status) > greatest(reported.rank, 2) and num_nonnulls(message.wa_id, message.bsuid) = 0
  )
  select jsonb_build_object('after', (select id from page order by id desc limit 1), 'conversations', (select count(*) from page),
    'differences', coalesce((select jsonb_agg(difference) from found), '[]'))
$$;
comment on function public.verify_stats(uuid, uuid, integer) is
  'A page of a number''s conversations, their statistics held against their messages and these against their reports: {after, conversations, differences}.';
grant execute on function public.verify_stats(uuid, uuid, integer) to service_role;
