-- Which files may be fetched now: fair between workspaces and numbers, and never too many of one number.

create function private.media_numbers(instant timestamptz, shares jsonb)
returns table (connection_id uuid, workspace_id uuid, free integer, claimed_at timestamptz, served_at timestamptz)
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  with recursive number as (
    -- One step of an index for each number, however many files wait for it.
    (select item.connection_id as id from public.media_downloads as item
     where item.lease_token is null order by item.connection_id limit 1)
    union all
    select (select next.connection_id from public.media_downloads as next
      where next.lease_token is null and next.connection_id > number.id order by next.connection_id limit 1)
    from number where number.id is not null
  )
  select active.id, active.workspace_id,
    greatest(0, least((shares ->> active.id::text)::integer, active.media_downloads_at_once - (
      select count(*)::integer from public.media_downloads as flying
      where flying.connection_id = active.id and flying.lease_token is not null and flying.lease_expires_at > instant))),
    (select turn.claimed_at from private.media_turns as turn
     where turn.workspace_id = active.workspace_id and turn.connection_id = active.id),
    (select max(turn.claimed_at) from private.media_turns as turn where turn.workspace_id = active.workspace_id)
  from number
  -- Whatever stops a number from sending, its customers go on writing, and the provider keeps their files for a while only.
  join public.whatsapp_connections as active on active.id = number.id
    and (active.status = 'active' or active.status = 'paused' and active.status_reason is distinct from 'credential')
    and (shares ->> active.id::text)::integer is distinct from 0;
end
$$;
comment on function private.media_numbers(timestamptz, jsonb) is
  'Numbers that files wait for, unless they are disconnected, paused for their credential, or have all of a worker''s slots that they may have: how many more may be fetched at once, and when a file of the number and of its workspace was last claimed.';
grant execute on function private.media_numbers(timestamptz, jsonb) to service_role;

create function private.media_due(max_files integer, instant timestamptz, shares jsonb) returns setof uuid
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  select due.message_id
  from private.media_numbers(instant, shares) as number
  cross join lateral (
    select item.message_id from public.media_downloads as item
    where item.connection_id = number.connection_id and item.lease_token is null and item.available_at <= instant
    -- More than this claim can take, so that what is soonest to vanish is soon among those that are looked at.
    order by item.available_at nulls first, item.deadline, item.message_id limit 10 * max_files) as due
  where number.free > 0;
end
$$;
comment on function private.media_due(integer, timestamptz, jsonb) is 'Files whose wait after a failed attempt is over, a bounded number of each.';
grant execute on function private.media_due(integer, timestamptz, jsonb) to service_role;

create function private.media_candidates(max_files integer, instant timestamptz, shares jsonb) returns setof uuid
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  with waiting as (
    select number.workspace_id, number.claimed_at, number.served_at, head.message_id, head.deadline,
      row_number() over (partition by number.connection_id order by head.deadline, head.message_id) as place
    from private.media_numbers(instant, shares) as number
    cross join lateral (
      select item.message_id, item.deadline from public.media_downloads as item
      where item.connection_id = number.connection_id and item.lease_token is null and item.available_at is null
        and item.deadline > instant
      order by item.available_at nulls first, item.deadline, item.message_id
      limit least(max_files, number.free)) as head
  ), turn as (
    select *, row_number() over (partition by workspace_id order by place, claimed_at nulls first, deadline) as turn from waiting
  )
  -- Workspace by workspace, who waited longest first, and number by number within; of a number what is soonest to vanish.
  select message_id from turn order by turn, served_at nulls first, deadline, message_id limit max_files;
end
$$;
comment on function private.media_candidates(integer, timestamptz, jsonb) is 'Files that may be fetched now, tenants in turn, within what each number may fetch at once.';
grant execute on function private.media_candidates(integer, timestamptz, jsonb) to service_role;

create function private.take_media(max_files integer, shares jsonb) returns uuid[]
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  -- The clock's and not the transaction's: a claim may have waited for its turn.
  instant timestamptz := clock_timestamp();
  taken uuid[];
begin
  taken := array(
    select item.message_id from private.media_due(max_files, instant, shares) as due (message_id)
    join public.media_downloads as item on item.message_id = due.message_id
    for update of item skip locked);
  if taken <> '{}' then
    update public.media_downloads as item set available_at = null where item.message_id = any (taken);
  end if;
  -- A claim waits for nobody: whoever deletes a message holds it and comes for its place in the queue.
  taken := array(
    select item.message_id
    from private.media_candidates(max_files, instant, shares) as candidate (message_id)
    join public.media_downloads as item on item.message_id = candidate.message_id and item.lease_token is null
    join public.messages as message on message.id = item.message_id
    for update of item skip locked for no key update of message skip locked);
  insert into private.media_turns as turn (workspace_id, connection_id, claimed_at)
  select distinct item.workspace_id, item.connection_id, instant
  from unnest(taken) as one (id) join public.media_downloads as item on item.message_id = one.id
  on conflict on constraint media_turns_pkey do update set claimed_at = excluded.claimed_at;
  return taken;
end
$$;
comment on function private.take_media(integer, jsonb) is 'Locks the files that are to be fetched next, with their messages, and notes whose turn it was.';
grant execute on function private.take_media(integer, jsonb) to service_role;

create function public.claim_media(max_files integer default 4, lease_seconds integer default 300, shares jsonb default '{}')
returns table (
  message_id uuid, lease_token uuid, workspace_id uuid, connection_id uuid, provider text, phone_number_id text,
  object_name text, media_id text, type text, mime_type text, sha256 text, deadline timestamptz, attempts integer)
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  taken uuid[];
begin
  -- Claims take turns, a few milliseconds each: every one sees what the one before it has put in flight.
  perform pg_advisory_xact_lock('public.media_downloads'::regclass::bigint);
  taken := private.take_media(max_files, shares);
  return query
  with claimed as (
    update public.media_downloads as item set
      lease_token = gen_random_uuid(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      attempts = item.attempts + 1
    where item.message_id = any (taken)
    returning item.*
  ), downloading as (
    -- Everything comes back from here: a join of the two would compare each with each.
    update public.messages as message set media_status = 'downloading'
    from claimed where message.id = claimed.message_id
    returning message.type, message.media_mime_type, claimed.*
  )
  select file.message_id, file.lease_token, file.workspace_id, file.connection_id, connection.provider,
    connection.phone_number_id, file.object_name, file.media_id, file.type, file.media_mime_type,
    file.sha256, file.deadline, file.attempts
  from downloading as file
  join public.whatsapp_connections as connection on connection.id = file.connection_id
  order by file.deadline, file.message_id;
end
$$;
comment on function public.claim_media(integer, integer, jsonb) is
  'Leases files to fetch: of connections that are neither disconnected nor paused for their credential, tenants in turn, the soonest to vanish of each first, never more of a number at once than its media_downloads_at_once, nor than `shares` says, {connection_id: how many}. Each comes with the token its record must show.';
grant execute on function public.claim_media(integer, integer, jsonb) to service_role;

create function public.next_media(shares jsonb default '{}') returns double precision
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  instant timestamptz := clock_timestamp();
begin
  return (
    -- Nobody waits: null, and greatest() would make a zero of it.
    select case when count(head.at) > 0 then greatest(0, extract(epoch from min(greatest(head.at,
      -- All that may be fetched at once is being fetched, and nobody knows how long that takes.
      case when number.free = 0 then instant + interval '1 second' end)) - instant)) end
    from private.media_numbers(instant, shares) as number
    cross join lateral (
      (select instant as at from public.media_downloads as item
       where item.connection_id = number.connection_id and item.lease_token is null and item.available_at is null and item.deadline > instant
       limit 1)
      union all
      (select item.available_at from public.media_downloads as item
       where item.connection_id = number.connection_id and item.lease_token is null and item.available_at is not null
       order by item.available_at nulls first limit 1)
    ) as head);
end
$$;
comment on function public.next_media(jsonb) is 'In how many seconds a claim with these shares may find something, as far as can be known now; null when nothing waits.';
grant execute on function public.next_media(jsonb) to service_role;
