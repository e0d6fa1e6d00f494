-- What is asked of a provider about a number beside its messages: its templates every few hours, its health every day,
-- and both sooner where something has told that they may have changed.

alter table public.whatsapp_connections add column status_since timestamptz not null default now();
comment on column public.whatsapp_connections.status_since is 'Since when the number is active, paused or disconnected; status_reason says why.';

create function private.note_connection_status() returns trigger
language plpgsql set search_path = ''
as $$
begin
  new.status_since := now();
  return new;
end
$$;
comment on function private.note_connection_status() is 'Keeps the moment in which a number was paused or went on.';
create trigger note_connection_status before update of status on public.whatsapp_connections
  for each row when (old.status is distinct from new.status) execute function private.note_connection_status();

create table private.connection_chores (
  workspace_id uuid not null,
  connection_id uuid not null,
  kind text not null check (kind in ('templates', 'health')),
  due_at timestamptz not null default now(),
  attempts integer not null default 0,
  started_at timestamptz,
  done_at timestamptz,
  error jsonb,
  lease_token uuid unique,
  lease_expires_at timestamptz,
  primary key (connection_id, kind),
  foreign key (workspace_id, connection_id) references public.whatsapp_connections (workspace_id, id)
    on delete cascade on update cascade
);
create index connection_chores_connection on private.connection_chores (workspace_id, connection_id);
create index connection_chores_due on private.connection_chores (due_at);
comment on table private.connection_chores is 'What workers ask a provider about each number, and when next. One worker at a time does one of them.';
comment on column private.connection_chores.due_at is 'While somebody is at it, the end of the lease; earlier where it was asked for once more meanwhile.';
comment on column private.connection_chores.attempts is 'Tries since it was done last.';
comment on column private.connection_chores.error is 'Why the last try came to nothing; null when it was done.';
alter table private.connection_chores enable row level security;
grant select, insert, update, delete on private.connection_chores to service_role;

create function private.plan_chores() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- Without a credential there is nothing to ask with, and setting it makes them due. In single-workspace mode the
  -- worker has the key, and it is not in this table.
  insert into private.connection_chores (workspace_id, connection_id, kind, due_at)
  select new.workspace_id, new.id, kind, now() + interval '5 minutes' from unnest(array['templates', 'health']) as kind;
  return null;
end
$$;
comment on function private.plan_chores() is 'A number that is connected gets its chores.';
create trigger plan_chores after insert on public.whatsapp_connections
  for each row execute function private.plan_chores();
-- Numbers that were there before.
insert into private.connection_chores (workspace_id, connection_id, kind)
select connection.workspace_id, connection.id, kind
from public.whatsapp_connections as connection cross join unnest(array['templates', 'health']) as kind;

create function private.hasten_chores() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- Health before templates, as everybody locks them.
  perform from private.connection_chores as chore where chore.connection_id = new.connection_id order by chore.kind for update;
  update private.connection_chores as chore set due_at = now(), attempts = 0 where chore.connection_id = new.connection_id;
  return null;
end
$$;
comment on function private.hasten_chores() is 'A new credential is tried at once: what could not be asked with the old one is asked now.';
create trigger hasten_chores after insert or update on private.connection_credentials
  for each row execute function private.hasten_chores();

create function private.ask_for_chores(connection_ids uuid[], kind text, soon interval) returns void
language plpgsql set search_path = ''
as $$
begin
  if connection_ids = '{}' then
    return;
  end if;
  -- In one order, and only those that would not be done by then anyway: a campaign with a wrong template asks once.
  perform from private.connection_chores as chore
  where chore.connection_id = any (connection_ids) and chore.kind = ask_for_chores.kind
    and chore.due_at > greatest(now() + soon, chore.started_at + interval '1 minute')
  order by chore.connection_id for update;
  update private.connection_chores as chore set due_at = greatest(now() + soon, chore.started_at + interval '1 minute')
  where chore.connection_id = any (connection_ids) and chore.kind = ask_for_chores.kind
    and chore.due_at > greatest(now() + soon, chore.started_at + interval '1 minute');
end
$$;
comment on function private.ask_for_chores(uuid[], text, interval) is
  'Has a chore of these numbers done soon, a minute after it was begun last at the earliest. Callers lock the numbers before, never after.';
grant execute on function private.ask_for_chores(uuid[], text, interval) to service_role;

create function private.tells_of_templates(error jsonb) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  -- Another number of parameters, no such template or language, another format, paused: ours is not what WhatsApp has.
  return coalesce(error ->> 'code' in ('132000', '132001', '132012', '132015'), false);
end
$$;
comment on function private.tells_of_templates(jsonb) is 'Whether an error of a send says that what is known here of templates is old.';
grant execute on function private.tells_of_templates(jsonb) to service_role;

create function private.tells_of_number(error jsonb) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return coalesce(error ->> 'class' in ('PAUSE', 'AUTH'), false);
end
$$;
comment on function private.tells_of_number(jsonb) is
  'Whether an error of a send says that its number cannot send at all, which may be told in a report alone.';
grant execute on function private.tells_of_number(jsonb) to service_role;

create function private.ask_after_inbound(facts jsonb, reports private.inbound_status[]) returns void
language plpgsql set search_path = ''
as $$
begin
  -- Ten seconds, so that what lags behind the webhooks at the provider has come up to them.
  perform private.ask_for_chores(array(
    select distinct connection.id
    from jsonb_populate_recordset(null::private.inbound_fact, facts) as fact
    cross join lateral private.connections_meant(fact) as connection
    where fact.kind = 'notice'
    union
    -- A report may be old: whether it still is so, the number's health says.
    select report.connection_id from unnest(reports) as report
    where report.error is not null and private.tells_of_number(report.error)
  ), 'health', interval '10 seconds');
  perform private.ask_for_chores(array(
    select connection.id
    from jsonb_populate_recordset(null::private.inbound_fact, facts) as fact
    cross join lateral private.connections_meant(fact) as connection
    where fact.kind = 'template'
    union
    select report.connection_id from unnest(reports) as report
    where report.error is not null and private.tells_of_templates(report.error)
  ), 'templates', interval '10 seconds');
end
$$;
comment on function private.ask_after_inbound(jsonb, private.inbound_status[]) is
  'A webhook about a template, or a template that was refused after all, has the templates synced; a notice, or a failure that is the number''s, has the number looked at.';
grant execute on function private.ask_after_inbound(jsonb, private.inbound_status[]) to service_role;

create function public.claim_chores(max_chores integer default 2, lease_seconds integer default 600, shares jsonb default '{}')
returns table (
  lease_token uuid, workspace_id uuid, connection_id uuid, provider text, phone_number_id text, waba_id text, kind text, attempts integer)
language plpgsql set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with claimed as (
    update private.connection_chores as chore set
      lease_token = gen_random_uuid(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      due_at = now() + make_interval(secs => lease_seconds),
      started_at = now(),
      attempts = chore.attempts + 1
    where (chore.connection_id, chore.kind) in (
      select waiting.connection_id, waiting.kind
      from private.connection_chores as waiting
      join public.whatsapp_connections as connection on connection.id = waiting.connection_id
        -- A key that is refused is not shown again; the next one is tried at once.
        and (connection.status = 'active' or connection.status = 'paused' and connection.status_reason is distinct from 'credential')
      where waiting.due_at <= now() and (waiting.lease_token is null or waiting.lease_expires_at <= now())
        and (shares ->> waiting.connection_id::text)::integer is distinct from 0
      order by waiting.due_at
      limit max_chores
      for update of waiting skip locked)
    returning chore.*
  )
  select claimed.lease_token, claimed.workspace_id, claimed.connection_id, connection.provider, connection.phone_number_id,
    connection.waba_id, claimed.kind, claimed.attempts
  from claimed
  join public.whatsapp_connections as connection on connection.id = claimed.connection_id;
end
$$;
comment on function public.claim_chores(integer, integer, jsonb) is
  'Leases chores that are due; those of a dead worker again, since asking changes nothing. Paused numbers too, unless for their credential. None of numbers whose share is 0, {connection_id: how many}.';
grant execute on function public.claim_chores(integer, integer, jsonb) to service_role;

create function public.record_chores(results jsonb) returns integer
language plpgsql set search_path = ''
as $$
declare
  held private.connection_chores[];
begin
  -- results: [{lease_token, outcome: done|retry|release, wait_seconds?, error?, key_refused?}]
  -- The number before its chore, as whoever sets a credential has them.
  perform from public.whatsapp_connections as connection
  where connection.id in (
    select chore.connection_id
    from jsonb_to_recordset(results) as result (lease_token uuid, key_refused boolean)
    join private.connection_chores as chore on chore.lease_token = result.lease_token
    where result.key_refused)
  order by connection.id for no key update;
  held := array(
    select chore from private.connection_chores as chore
    join jsonb_to_recordset(results) as result (lease_token uuid) on chore.lease_token = result.lease_token
    order by chore.kind, chore.connection_id for update of chore);
  update public.whatsapp_connections as connection set
    status = 'paused', status_reason = 'credential', last_error = result.error || jsonb_build_object('at', now())
  from unnest(held) as chore
  join jsonb_to_recordset(results) as result (lease_token uuid, error jsonb, key_refused boolean) on result.lease_token = chore.lease_token
  where result.key_refused and connection.id = chore.connection_id and connection.status = 'active'
    and not private.has_newer_credential(chore.connection_id, chore.started_at);
  update private.connection_chores as chore set
    lease_token = null,
    lease_expires_at = null,
    due_at = case
      when result.outcome = 'release' then now()
      when chore.due_at < chore.lease_expires_at then chore.due_at
      else now() + make_interval(secs => coalesce(result.wait_seconds, 60)) end,
    attempts = case result.outcome when 'done' then 0 when 'release' then chore.attempts - 1 else chore.attempts end,
    done_at = case when result.outcome = 'done' then now() else chore.done_at end,
    error = case result.outcome when 'done' then null when 'release' then chore.error else result.error end
  from unnest(held) as mine
  join jsonb_to_recordset(results) as result (lease_token uuid, outcome text, wait_seconds double precision, error jsonb)
    on result.lease_token = mine.lease_token
  where chore.lease_token = mine.lease_token;
  return cardinality(held);
end
$$;
comment on function public.record_chores(jsonb) is
  'What became of leased chores and when they are due next; a refused key pauses its number, unless it has another by now. Returns how many were still held.';
grant execute on function public.record_chores(jsonb) to service_role;
