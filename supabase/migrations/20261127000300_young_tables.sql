-- Statistics for tables that have just begun to fill. Autovacuum comes by once a minute; until then the planner knows of no
-- column how many values it has, takes the first one of an index for as good as the whole key, and a set of sixteen
-- newcomers reads everybody whom their number knows: 0.2 s where those are 2,400, a tenth of it with statistics.

create function private.analyse_young_tables() returns void
language plpgsql security definer set search_path = ''
as $$
declare
  young regclass;
begin
  for young in
    select class.oid
    from pg_catalog.pg_class as class
    cross join pg_catalog.pg_stat_get_live_tuples(class.oid) as live (rows)
    where class.oid = any (array[
        'public.contacts', 'public.conversations', 'public.messages', 'public.message_statuses', 'public.outbox',
        'public.webhook_events', 'public.media_downloads', 'private.conversation_identifiers', 'private.inbox_places',
        'private.outbound_pairs']::regclass[])
      -- The first time at 500 rows. What grows tenfold between two rounds of autovacuum does so a few times in its life. A
      -- large one is no young one, restored for example, and would hold up the sweep: it is left to autovacuum.
      and live.rows between 10 * greatest(class.reltuples, 50) and 100000
  loop
    execute format('analyze (skip_locked) %s', young);
  end loop;
end
$$;
comment on function private.analyse_young_tables() is
  'Takes statistics of tables up to 100,000 rows that have ten times those of when that was last done. What somebody else analyses is passed by.';
revoke execute on function private.analyse_young_tables() from public;
grant execute on function private.analyse_young_tables() to service_role;

create or replace function public.sweep_inbound(max_attempts integer default 5) returns integer
language sql set search_path = ''
as $$
  -- Every few seconds somebody is here, and it has to be before a minute is over.
  select private.analyse_young_tables();
  -- An event and the connection it waits for may have been written, or moved, at the same moment, blind to each other.
  select public.release_inbound(array(
    select event.id
    from public.whatsapp_connections as connection
    join public.webhook_events as event on event.missing && array[connection.phone_number_id, connection.waba_id]
    where (connection.verified_at > now() - interval '10 minutes' or connection.verified_at is not null and connection.former_ids <> '{}')
      and event.state in ('unrouted', 'failed')));
  with poisoned as (
    update public.webhook_events
    set state = 'failed', error = coalesce(error, 'gave up after ' || attempts || ' attempts')
    where id in (
      select id from public.webhook_events
      where state = 'received' and lease_expires_at <= now() and attempts >= max_attempts
      order by id for update skip locked)
    returning 1
  )
  select count(*)::integer from poisoned
$$;
