-- The journal (webhook_events) in months, so that old ones leave by `drop table` and not row by row. docs/scaling.md says
-- when this is worth it. Run each step by itself, as postgres, while the receivers go on. Needs Postgres 17.

-- Step 1. The new key, built beside the old one. Broken off, it leaves an invalid index: drop that and begin again.
create unique index concurrently webhook_events_id_received_at on public.webhook_events (id, received_at);

-- Step 2. What is there now becomes one partition. Its end is two months away at most: do step 4 before.
do $$
declare
  bound date := (date_trunc('month', now() at time zone 'utc') + interval '2 months')::date;
begin
  set local lock_timeout = '3s';
  execute format('alter table public.webhook_events add constraint %I check (received_at < %L) not valid',
    'webhook_events_before_' || to_char(bound, 'YYYYMMDD'), bound || ' 00:00:00+00');
end
$$;

-- Step 3. Reads the whole table, and holds up nobody.
do $$
begin
  execute (
    select format('alter table public.webhook_events validate constraint %I', conname)
    from pg_constraint where conrelid = 'public.webhook_events'::regclass and conname like 'webhook\_events\_before\_%');
end
$$;

-- Step 4. The change, a moment long. With `lock_timeout` nothing has happened: run it again.
do $$
declare
  known name;
  bound text;
  next_id bigint;
begin
  set local lock_timeout = '3s';
  lock table public.webhook_events in access exclusive mode;
  select conname, to_date(right(conname, 8), 'YYYYMMDD') || ' 00:00:00+00' into strict known, bound
  from pg_constraint where conrelid = 'public.webhook_events'::regclass and conname like 'webhook\_events\_before\_%';
  next_id := nextval(pg_get_serial_sequence('public.webhook_events', 'id'));

  alter table public.webhook_events drop constraint webhook_events_pkey;
  alter table public.webhook_events add constraint webhook_events_pkey primary key using index webhook_events_id_received_at;
  alter table public.webhook_events alter column id drop identity;
  alter table public.webhook_events set schema private;
  alter table private.webhook_events rename to webhook_events_before;
  revoke all on private.webhook_events_before from anon, authenticated, service_role;

  create table public.webhook_events (
    like private.webhook_events_before including defaults including constraints including comments
  ) partition by range (received_at);
  execute format('alter table public.webhook_events drop constraint %I', known);
  -- The key of a partitioned table holds what it is parted by; that no id comes twice is the sequence's doing.
  alter table public.webhook_events add constraint webhook_events_pkey primary key (id, received_at);
  execute format('alter table public.webhook_events alter column id add generated always as identity (start with %s)', next_id);
  create index webhook_events_waiting on public.webhook_events (lease_expires_at, id) where state = 'received';
  create index webhook_events_set_aside on public.webhook_events (state, id) where state in ('unrouted', 'failed');
  create index webhook_events_missing on public.webhook_events using gin (missing) where missing is not null;
  alter table public.webhook_events enable row level security;
  revoke all on public.webhook_events from anon, authenticated, service_role;
  grant select, insert, update, delete on public.webhook_events to service_role;
  comment on table public.webhook_events is
    'Webhook bodies, committed before they are acknowledged. Replayable with release_inbound. Partitions are in private.';

  execute format('alter table public.webhook_events attach partition private.webhook_events_before for values from (minvalue) to (%L)', bound);
  -- Without it a month that nobody has made would refuse every webhook. What is set aside outlives its month here, too.
  create table private.webhook_events_else partition of public.webhook_events default;
  alter table private.webhook_events_else enable row level security;
end
$$;

-- Step 5. What makes months and lets them go.
create function private.tend_journal(keep_days integer, months_ahead integer default 3) returns text[]
language plpgsql set search_path = '' set timezone = 'UTC' set lock_timeout = '3s'
as $$
declare
  done text[] := '{}';
  place text;
  bound timestamptz;
begin
  -- One at a time.
  lock table public.webhook_events in share update exclusive mode;
  loop
    select max(upper_bound) into bound from private.journal_months();
    exit when bound > date_trunc('month', now()) + make_interval(months => months_ahead);
    place := 'webhook_events_' || to_char(bound, 'YYYY_MM');
    -- Plain at first: what came into the default partition meanwhile moves before anybody looks for it here.
    lock table private.webhook_events_else in access exclusive mode;
    execute format('create table private.%I (like public.webhook_events including all excluding identity)', place);
    execute format('alter table private.%I enable row level security', place);
    execute format('with late as (delete from private.webhook_events_else where received_at >= %L and received_at < %L returning *)'
      ' insert into private.%I select * from late', bound, bound + interval '1 month', place);
    execute format('alter table public.webhook_events attach partition private.%I for values from (%L) to (%L)',
      place, bound, bound + interval '1 month');
    done := done || ('made ' || place);
  end loop;
  for place in
    select month.place from private.journal_months() as month
    where month.upper_bound <= now() - make_interval(days => keep_days) order by month.upper_bound
  loop
    execute format('alter table public.webhook_events detach partition private.%I', place);
    -- Two reads by their indexes instead of one of the whole month: receivers wait meanwhile.
    execute format('insert into public.webhook_events overriding system value'
      ' select * from private.%1$I where state in (''unrouted'', ''failed'') union all select * from private.%1$I where state = ''received''', place);
    execute format('drop table private.%I', place);
    done := done || ('dropped ' || place);
  end loop;
  return done;
end
$$;
comment on function private.tend_journal(integer, integer) is
  'Makes the journal''s months ahead and drops those that ended so many days ago; what is set aside stays. Once a day.';
create function private.journal_months() returns table (place text, upper_bound timestamptz)
language plpgsql stable set search_path = '' set timezone = 'UTC'
as $$
begin
  return query
    select child.relname::text, substring(pg_get_expr(child.relpartbound, child.oid) from 'TO \(''(.+)''\)')::timestamptz
    from pg_catalog.pg_inherits as link join pg_catalog.pg_class as child on child.oid = link.inhrelid
    where link.inhparent = 'public.webhook_events'::regclass and pg_get_expr(child.relpartbound, child.oid) <> 'DEFAULT';
end
$$;
comment on function private.journal_months() is 'The partitions of the journal with their ends, without the default one.';
revoke execute on function private.tend_journal(integer, integer), private.journal_months() from public;
select private.tend_journal(keep_days => 31);
