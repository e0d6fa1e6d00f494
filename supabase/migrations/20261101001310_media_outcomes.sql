-- What became of a fetch, written in one transaction and only by the holder of the lease; and what dead workers leave.

create type private.media_result as (
  message_id uuid, lease_token uuid, outcome text, path text, mime_type text, size bigint, sha256 text,
  width numeric, height numeric, duration numeric, retry_after double precision, error jsonb);

create function private.held_files(results jsonb) returns private.media_result[]
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return array(
    select told
    from jsonb_populate_recordset(null::private.media_result, results) as told
    join public.media_downloads as item on item.message_id = told.message_id and item.lease_token = told.lease_token
    order by item.message_id
    for update of item);
end
$$;
comment on function private.held_files(jsonb) is 'The results whose lease is still held, with their places in the queue locked.';
grant execute on function private.held_files(jsonb) to service_role;

-- The queue's row is locked before the message, as everywhere; a deletion cannot: it holds the message and comes for the
-- row. Whoever records steps back before Postgres has to end one of the two, and comes again.
create function public.record_media(results jsonb) returns integer
language plpgsql set search_path = '' set lock_timeout = '500ms'
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  -- results: [{message_id, lease_token, outcome: stored|retry|failed|expired|corrupt, path?, mime_type?, size?, sha256?,
  --            width?, height?, duration?, retry_after?, error?}]
  held private.media_result[] := private.held_files(results);
begin
  if held = '{}' then
    return 0;
  end if;
  perform from public.messages where id in (select message_id from unnest(held)) order by id for no key update;

  update public.messages as message set
    media_status = case result.outcome when 'retry' then 'pending' else result.outcome end,
    media_error = result.error
  from unnest(held) as result
  -- What is stored stays: a file that the queue has by mistake takes nothing away.
  where message.id = result.message_id and result.outcome <> 'stored' and message.media_status is distinct from 'stored';

  -- At once: frontends hear of each update, and whoever hears that a file is there looks where it is.
  update public.messages as message set
    media_status = 'stored',
    media_error = null,
    media_path = result.path,
    media_mime_type = coalesce(result.mime_type, message.media_mime_type),
    media_size = result.size,
    media_sha256 = coalesce(result.sha256, message.media_sha256),
    -- Out of the file itself, which may claim anything.
    media_width = case when result.width between 1 and 2147483647 then result.width end,
    media_height = case when result.height between 1 and 2147483647 then result.height end,
    media_duration = case when result.duration between 0 and 10000000 then result.duration end
  from unnest(held) as result
  where message.id = result.message_id and result.outcome = 'stored';

  update public.media_downloads as item set
    lease_token = null, lease_expires_at = null,
    -- However long it is to wait, it is tried once more before the provider forgets it.
    available_at = least(
      now() + least(greatest(result.retry_after, 0), 604800) * interval '1 second',
      case when item.deadline > now() + interval '30 seconds' then item.deadline - interval '30 seconds' end)
  from unnest(held) as result
  where item.message_id = result.message_id and result.outcome = 'retry';

  delete from public.media_downloads as item
  using unnest(held) as result, public.messages as message
  where item.message_id = result.message_id and message.id = result.message_id
    and (result.outcome <> 'retry' or message.media_status = 'stored');
  return cardinality(held);
end
$$;
comment on function public.record_media(jsonb) is
  'Records what became of leased downloads and returns how many were still held. A result with an old token changes nothing.';
grant execute on function public.record_media(jsonb) to service_role;

create function public.release_media(leases jsonb) returns integer
language plpgsql set search_path = '' set lock_timeout = '500ms'
as $$
declare
  held private.media_result[] := private.held_files(leases);
begin
  if held = '{}' then
    return 0;
  end if;
  perform from public.messages where id in (select message_id from unnest(held)) order by id for no key update;
  update public.messages as message set media_status = 'pending'
  from unnest(held) as lease where message.id = lease.message_id and message.media_status = 'downloading';
  update public.media_downloads as item set lease_token = null, lease_expires_at = null, attempts = item.attempts - 1
  from unnest(held) as lease where item.message_id = lease.message_id;
  return cardinality(held);
end
$$;
comment on function public.release_media(jsonb) is 'Gives leased downloads back; costs no attempt.';
grant execute on function public.release_media(jsonb) to service_role;

create function public.extend_media(leases jsonb, lease_seconds integer default 300) returns integer
language plpgsql set search_path = '' set lock_timeout = '500ms'
as $$
declare
  held private.media_result[] := private.held_files(leases);
begin
  update public.media_downloads as item set lease_expires_at = now() + make_interval(secs => lease_seconds)
  from unnest(held) as lease where item.message_id = lease.message_id;
  return cardinality(held);
end
$$;
comment on function public.extend_media(jsonb, integer) is 'The heartbeat: whoever still holds these leases keeps them for so much longer.';
grant execute on function public.extend_media(jsonb, integer) to service_role;

create function public.sweep_media(max_files integer default 1000) returns integer
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  lost uuid[];
  gone uuid[];
begin
  -- Fetching twice harms nobody, so what a dead worker held simply waits again. What has been tried more than three times
  -- may be what they die of: it comes back later each time.
  lost := array(
    select item.message_id
    from public.media_downloads as item
    join public.messages as message on message.id = item.message_id
    where item.lease_token is not null and item.lease_expires_at <= now()
    limit max_files
    for update of item skip locked for no key update of message skip locked);
  update public.messages as message set media_status = 'pending'
  where message.id = any (lost) and message.media_status = 'downloading';
  update public.media_downloads as item set lease_token = null, lease_expires_at = null,
    available_at = case when item.attempts > 3 then now() + power(2, least(item.attempts - 3, 9)) * interval '1 second' end
  where item.message_id = any (lost);

  -- Past its deadline a file is gone for good, and says so.
  gone := array(
    select item.message_id
    from public.media_downloads as item
    join public.messages as message on message.id = item.message_id
    where item.lease_token is null and item.deadline <= now()
    order by item.deadline limit max_files
    for update of item skip locked for no key update of message skip locked);
  update public.messages as message set media_status = 'expired', media_error = private.media_error('expired')
  where message.id = any (gone) and message.media_status is distinct from 'stored';
  delete from public.media_downloads as item where item.message_id = any (gone);

  -- Who has not been served for an hour is as good as never served.
  delete from private.media_turns as turn where turn.claimed_at < now() - interval '1 hour';
  return cardinality(lost) + cardinality(gone);
end
$$;
comment on function public.sweep_media(integer) is
  'Frees downloads whose worker died and ends those whose file the provider has forgotten, at most so many of each.';
grant execute on function public.sweep_media(integer) to service_role;
