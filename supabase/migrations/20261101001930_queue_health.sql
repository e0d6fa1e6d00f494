-- How far behind the queues are, for whoever watches: a few index reads each, however long they have become.

-- Of a number that is stopped one wants to know at once, and there are few.
create index whatsapp_connections_paused on public.whatsapp_connections (phone_number_id) where status = 'paused';

create function private.get_outbox_health(max_rows integer, max_numbers integer) returns jsonb
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off
as $$
declare
  -- The clock's: what was written in this transaction waits, too.
  instant timestamptz := clock_timestamp();
begin
  return (
    with recursive number as (
      -- One step of an index for each number, however many messages of it wait.
      (select connection_id as id from public.outbox where ready_at is not null order by connection_id limit 1)
      union all
      select (select next.connection_id from public.outbox as next
        where next.ready_at is not null and next.connection_id > number.id order by next.connection_id limit 1)
      from number where number.id is not null
    ), waiting as (
      -- Ids of conversations are random: where there are more rows than this, it is a fair sample.
      (select item.connection_id, item.line_at, 1 as counted
       from (select * from public.outbox where conversation_id is not null order by conversation_id limit max_rows) as item
       where item.uncertain_since is null)
      union all
      -- The longest that may go, of each number: the sample may have passed it by.
      select known.id, head.line_at, 0
      from (select id from number where id is not null limit 1000) as known
      cross join generate_series(0, 2) as level
      cross join lateral (
        select line_at from public.outbox where connection_id = known.id and priority = level and ready_at is not null
        order by ready_at, seq limit 1) as head
    ), late as (
      select connection_id, greatest(1, sum(counted)) as waiting, min(line_at) as since
      from waiting where line_at <= instant group by connection_id
    ), ranked as (
      select connection.phone_number_id, late.waiting, extract(epoch from instant - late.since) as oldest_seconds,
        row_number() over (order by late.waiting desc, late.since) as place
      from late join public.whatsapp_connections as connection on connection.id = late.connection_id
    ), named as (
      select case when place <= max_numbers then phone_number_id end as phone_number_id,
        sum(waiting) as waiting, max(oldest_seconds) as oldest_seconds
      from ranked group by 1
    )
    select coalesce(jsonb_agg(to_jsonb(named)), '[]') from named);
end
$$;
comment on function private.get_outbox_health(integer, integer) is
  'Messages that could be gone by now, by number: how many of the first `max_rows`, and for how long. The numbers beyond `max_numbers` are one, without a name.';
grant execute on function private.get_outbox_health(integer, integer) to service_role;

create function private.get_media_health(max_rows integer, max_numbers integer) returns jsonb
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off
as $$
begin
  return (
    with waiting as (
      (select connection_id, deadline from public.media_downloads where lease_token is null order by deadline limit max_rows)
      union all
      (select connection_id, deadline from public.media_downloads where lease_expires_at is not null
       order by connection_id, lease_expires_at limit max_rows)
    ), late as (
      select connection_id, count(*) as waiting, min(deadline) as deadline from waiting group by connection_id
    ), ranked as (
      select connection.phone_number_id, late.waiting,
        greatest(0, extract(epoch from now() - (late.deadline - connection.media_lifetime))) as oldest_seconds,
        row_number() over (order by late.waiting desc, late.deadline) as place
      from late join public.whatsapp_connections as connection on connection.id = late.connection_id
    ), named as (
      select case when place <= max_numbers then phone_number_id end as phone_number_id,
        sum(waiting) as waiting, max(oldest_seconds) as oldest_seconds
      from ranked group by 1
    )
    select coalesce(jsonb_agg(to_jsonb(named)), '[]') from named);
end
$$;
comment on function private.get_media_health(integer, integer) is
  'Files that are still at the provider, by number: how many of the first `max_rows`, and how long ago the oldest was sent. The numbers beyond `max_numbers` are one, without a name.';
grant execute on function private.get_media_health(integer, integer) to service_role;

create function public.get_queue_health(max_rows integer default 20000, max_numbers integer default 50) returns jsonb
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off
as $$
begin
  return jsonb_build_object(
    'max_rows', max_rows,
    'journal', (
      select jsonb_build_object('received', count(*), 'oldest_seconds', extract(epoch from now() - min(received_at)))
      from (select received_at from public.webhook_events where state = 'received' order by lease_expires_at, id limit max_rows) as waiting),
    'set_aside', jsonb_build_object(
      'unrouted', (select count(*) from (select from public.webhook_events where state = 'unrouted' order by id limit max_rows) as one),
      'failed', (select count(*) from (select from public.webhook_events where state = 'failed' order by id limit max_rows) as one)),
    'outbox', private.get_outbox_health(max_rows, max_numbers),
    'uncertain', (
      select jsonb_build_object('waiting', count(*), 'oldest_seconds', extract(epoch from now() - min(uncertain_since)))
      from (select uncertain_since from public.outbox where uncertain_since is not null order by uncertain_since limit max_rows) as lost),
    'media', private.get_media_health(max_rows, max_numbers),
    'media_deadline_seconds', (
      select extract(epoch from deadline - now()) from public.media_downloads where lease_token is null order by deadline limit 1),
    'removals', (
      select jsonb_build_object('waiting', count(*), 'oldest_seconds', extract(epoch from now() - min(available_at)))
      from (select available_at from private.media_removals where available_at <= now() order by available_at limit max_rows) as due),
    'paused', (
      select coalesce(jsonb_agg(to_jsonb(stopped)), '[]')
      from (select phone_number_id, status_reason as reason from public.whatsapp_connections
        where status = 'paused' order by phone_number_id limit max_numbers) as stopped),
    'paused_numbers', (
      select count(*) from (select from public.whatsapp_connections
        where status = 'paused' order by phone_number_id limit max_rows) as stopped));
end
$$;
comment on function public.get_queue_health(integer, integer) is
  'How far behind the queues are, and which numbers are paused. Counts end at `max_rows`; of numbers the `max_numbers` largest have a name, the rest is one. For /metrics; cheap enough for every few seconds.';
grant execute on function public.get_queue_health(integer, integer) to service_role;
