-- The journal: every webhook body we answered 200 to, before anything is made of it.
create table public.webhook_events (
  id bigint primary key generated always as identity,
  provider text not null check (provider in ('360dialog', 'meta')),
  -- json and not jsonb: kept byte for byte, U+0000 and lone surrogates included, and still open to -> and ->>.
  body json not null,
  phone_number_id text,
  waba_id text,
  received_at timestamptz not null default now(),
  state text not null default 'received' check (state in ('received', 'processed', 'unrouted', 'failed')),
  attempts integer not null default 0,
  error text,
  kinds text[] not null default '{}',
  missing text[],
  lease_expires_at timestamptz,
  processed_at timestamptz,
  replayed_at timestamptz
);
create index webhook_events_waiting on public.webhook_events (lease_expires_at, id) where state = 'received';
create index webhook_events_set_aside on public.webhook_events (state, id) where state in ('unrouted', 'failed');
create index webhook_events_missing on public.webhook_events using gin (missing) where missing is not null;
comment on table public.webhook_events is 'Webhook bodies, committed before they are acknowledged. Replayable with release_inbound.';
comment on column public.webhook_events.phone_number_id is 'The number whose URL and token the body came with; null for a WABA''s or Meta''s.';
comment on column public.webhook_events.waba_id is 'The WABA whose URL and token the body came with; null for a number''s or Meta''s.';
comment on column public.webhook_events.error is 'Why it was set aside: one line per item that could not be routed or applied.';
comment on column public.webhook_events.kinds is 'What was in the body: messages.<type>, statuses.<status>, or the webhook field.';
comment on column public.webhook_events.replayed_at is 'When it was last sent back to the beginning: what it says goes before what was made of it then.';
comment on column public.webhook_events.missing is 'The numbers and WABAs without a connection that an event waits for.';
alter table public.webhook_events enable row level security;
grant select, insert, update, delete on public.webhook_events to service_role;

create function public.receive_inbound(text) returns bigint[]
language plpgsql set search_path = ''
as $$
declare
  ids bigint[];
begin
  -- Records parted by RS, fields by US: two control characters that no JSON text can contain. So nothing between the
  -- socket and the table has to parse, escape or alter a body.
  with received as (
    insert into public.webhook_events (provider, phone_number_id, waba_id, body, lease_expires_at)
    select
      split_part(record, e'\x1f', 1),
      nullif(split_part(record, e'\x1f', 2), ''),
      nullif(split_part(record, e'\x1f', 3), ''),
      split_part(record, e'\x1f', 4)::json,
      -- Whoever receives also normalises; only when it has not by then does a sweep take over.
      now() + interval '15 seconds'
    from string_to_table($1, e'\x1e') with ordinality as framed (record, place)
    order by place
    returning id
  )
  select array_agg(id order by id) into ids from received;
  return ids;
end
$$;
comment on function public.receive_inbound(text) is
  'Commits webhook bodies. Takes records "provider US phone_number_id US waba_id US body" parted by RS; gives their ids in the same order.';
grant execute on function public.receive_inbound(text) to service_role;

create function public.claim_inbound(max_events integer default 200, lease_seconds integer default 30)
returns table (id bigint, provider text, phone_number_id text, waba_id text, body text, attempts integer)
language sql set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
  -- Two have had it and not finished: perhaps it is what ended them. It goes alone, or the innocent around it would be
  -- given up with it.
  with next as (
    select suspect.id, suspect.attempts >= 2 as alone from public.webhook_events as suspect
    where suspect.state = 'received' and suspect.lease_expires_at <= now()
    order by suspect.lease_expires_at, suspect.id limit 1
  )
  update public.webhook_events as event set
    attempts = event.attempts + 1,
    lease_expires_at = now() + make_interval(secs => lease_seconds)
  where event.id in (
    select waiting.id from public.webhook_events as waiting
    where waiting.state = 'received' and waiting.lease_expires_at <= now()
      and case when (select next.alone from next) then waiting.id = (select next.id from next) else waiting.attempts < 2 end
    order by waiting.lease_expires_at, waiting.id
    -- A number that the planner knows: it would read the whole journal for a thousand.
    limit max_events
    for update skip locked)
  returning event.id, event.provider, event.phone_number_id, event.waba_id, event.body::text, event.attempts
$$;
comment on function public.claim_inbound(integer, integer) is 'Leases events that nobody is working on: left by a crash, or released for replay. What two have left goes alone.';
grant execute on function public.claim_inbound(integer, integer) to service_role;

create function public.release_inbound(event_ids bigint[]) returns integer
language sql set search_path = ''
as $$
  with released as (
    update public.webhook_events
    set state = 'received', attempts = 0, error = null, missing = null, processed_at = null, lease_expires_at = now(),
      replayed_at = now()
    where id in (select id from public.webhook_events where id = any (event_ids) order by id for update)
    returning 1
  )
  select count(*)::integer from released
$$;
comment on function public.release_inbound(bigint[]) is 'Back to the beginning: the events are normalised and applied again. Safe at any time.';
grant execute on function public.release_inbound(bigint[]) to service_role;

create function public.sweep_inbound(max_attempts integer default 5) returns integer
language sql set search_path = ''
as $$
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
comment on function public.sweep_inbound(integer) is 'Ends events that every attempt has broken on, so that they block nobody. They stay, replayable.';
grant execute on function public.sweep_inbound(integer) to service_role;

create function public.sweep_journal(keep_days integer default 30, max_events integer default 1000) returns integer
language sql set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
  -- Ids are as old as their rows: of the oldest few, those that are too old. What was set aside stays.
  with purged as (
    delete from public.webhook_events
    where id in (
      select oldest.id
      from (
        select id, received_at from public.webhook_events
        where state = 'processed' order by id limit max_events for update skip locked
      ) as oldest
      where oldest.received_at < now() - make_interval(days => keep_days))
    returning 1
  )
  select count(*)::integer from purged
$$;
comment on function public.sweep_journal(integer, integer) is
  'Removes processed events older than so many days, a small batch a call; gives how many. Failed and unrouted ones stay.';
grant execute on function public.sweep_journal(integer, integer) to service_role;

create function private.route_waiting() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform public.release_inbound(array(
    select id from public.webhook_events
    -- Failed ones too: another item of the same body may have been bad.
    where state in ('unrouted', 'failed') and missing && array[new.phone_number_id, new.waba_id]));
  return null;
end
$$;
create trigger route_waiting after insert or update of phone_number_id, waba_id, verified_at on public.whatsapp_connections
  for each row when (new.verified_at is not null) execute function private.route_waiting();
