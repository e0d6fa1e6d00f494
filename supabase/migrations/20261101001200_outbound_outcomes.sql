-- What became of a send, written in one transaction and only by the holder of the lease.

create type private.send_result as (
  message_id uuid, lease_token uuid, connection_id uuid, conversation_id uuid, leased_at timestamptz, outcome text,
  wamid text, retry_after double precision, scope text, reason text, error jsonb);

create function private.held_results(results jsonb) returns private.send_result[]
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return array(
    select row(item.message_id, item.lease_token, item.connection_id, item.conversation_id, item.leased_at, told.outcome,
      told.wamid, told.retry_after, told.scope, told.reason, told.error)::private.send_result
    from jsonb_populate_recordset(null::private.send_result, results) as told
    join public.outbox as item on item.message_id = told.message_id and item.lease_token = told.lease_token
    order by item.message_id
    for update of item);
end
$$;
comment on function private.held_results(jsonb) is 'The results whose lease is still held, with their places in the outbox locked.';

create function private.pace_pairs(results private.send_result[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  perform private.lock_pairs(array(select conversation_id from unnest(results)));
  -- Paid for from now on: WhatsApp saw it before its answer came, and counts from then.
  update private.outbound_pairs as pair set
    paid_at = case when result.outcome = 'throttle' then pair.paid_at
      else greatest(pair.paid_at, clock_timestamp()) + interval '6 seconds' end,
    -- Meta asks for 4^X seconds after the X-th refusal in a row.
    strikes = case when result.outcome = 'throttle' then pair.strikes + (result.scope = 'pair')::integer else 0 end,
    held_until = case when result.outcome = 'throttle' and result.scope = 'pair'
      then now() + least(power(4, least(pair.strikes + 1, 6)), 3600) * interval '1 second' end
  from unnest(results) as result
  where pair.conversation_id = result.conversation_id;
end
$$;
comment on function private.pace_pairs(private.send_result[]) is 'Counts sends against the pair rate: one per 6 seconds, bursts up to 45; 131056 holds that pair alone.';

create function private.pace_numbers(results private.send_result[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  insert into private.outbound_numbers (connection_id)
  select distinct connection_id from unnest(results)
  where not exists (select from private.outbound_numbers as known where known.connection_id = unnest.connection_id)
  order by 1 on conflict do nothing;
  perform from private.outbound_numbers
  where connection_id in (select connection_id from unnest(results)) order by connection_id for update;

  update private.outbound_numbers as pace set
    (done_at, done) = (
      select array_agg(ended.at order by ended.at), array_agg(ended.amount order by ended.at)
      from (
        select * from unnest(pace.done_at, pace.done) as before (at, amount)
        where before.at > clock_timestamp() - interval '1 second'
        union all
        select clock_timestamp(), told.amount
      ) as ended),
    strikes = case when told.throttled and not told.again then pace.strikes + 1 when told.passed then 0 else pace.strikes end,
    -- Those on the wire together are refused together: they narrow the number once.
    narrowed_to = case when told.throttled and not told.again then greatest(1, told.rate / 2.0) else pace.narrowed_to end,
    narrowed_at = case when told.throttled and not told.again then now() else pace.narrowed_at end,
    held_until = case when told.throttled
      then greatest(pace.held_until, now() + greatest(told.wait, least(power(2, least(pace.strikes, 6)), 60)) * interval '1 second')
      else pace.held_until end
  from (
    select result.connection_id, count(*)::integer as amount,
      bool_or(result.outcome = 'throttle' and result.scope = 'number') as throttled,
      bool_or(result.outcome = 'done') as passed,
      coalesce(max(result.retry_after) filter (where result.outcome = 'throttle' and result.scope = 'number'), 0) as wait,
      min(private.number_rate(connection, pace)) as rate,
      coalesce(bool_or(pace.narrowed_at > now() - interval '1 second'), false) as again
    from unnest(results) as result
    join public.whatsapp_connections as connection on connection.id = result.connection_id
    join private.outbound_numbers as pace on pace.connection_id = result.connection_id
    group by result.connection_id
  ) as told
  where pace.connection_id = told.connection_id;
end
$$;
comment on function private.pace_numbers(private.send_result[]) is
  'Counts sends against the rate of their number; 130429 and its like halve the rate, which then recovers by itself.';

create function private.pace_unanswered(items public.outbox[], outcome text) returns void
language plpgsql set search_path = ''
as $$
declare
  results private.send_result[] := array(
    select row(item.message_id, item.lease_token, item.connection_id, item.conversation_id, item.leased_at, outcome,
      null, null, null, null, null)::private.send_result
    from unnest(items) as item where item.lease_token is not null);
begin
  if results <> '{}' then
    perform private.pace_pairs(results);
    perform private.pace_numbers(results);
  end if;
end
$$;
comment on function private.pace_unanswered(public.outbox[], text) is
  'Counts leased sends that end without a record of their answer: WhatsApp has counted them, or may have.';
grant execute on function private.pace_unanswered(public.outbox[], text) to service_role;

create function private.settle_outbound(message_ids uuid[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  settled public.outbox[];
begin
  with gone as (
    delete from public.outbox as item
    where item.message_id = any (message_ids)
      and exists (select from public.messages as message where message.id = item.message_id and private.status_rank(message.status) > 0)
    returning item as item
  )
  select array_agg(gone.item) into settled from gone;
  if settled is not null then
    -- A report may be quicker than the answer; whoever records that will find nothing to count.
    perform private.pace_unanswered(settled, 'done');
    perform private.set_heads(array(select distinct conversation_id from unnest(settled)));
  end if;
end
$$;
comment on function private.settle_outbound(uuid[]) is 'Takes messages that WhatsApp has reported on out of the outbox.';
grant execute on function private.settle_outbound(uuid[]) to service_role;

create function private.has_newer_credential(connection_id uuid, since timestamptz) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return exists (
    select from private.connection_credentials as stored
    where stored.connection_id = has_newer_credential.connection_id and stored.updated_at > since);
end
$$;
grant execute on function private.has_newer_credential(uuid, timestamptz) to service_role;

create function private.pause_numbers(results private.send_result[]) returns void
language plpgsql set search_path = ''
as $$
begin
  update public.whatsapp_connections as connection set
    status = 'paused', status_reason = stop.reason, last_error = stop.error || jsonb_build_object('at', now())
  from (
    select distinct on (connection_id) connection_id, coalesce(reason, 'provider') as reason, error, leased_at
    from unnest(results) where outcome = 'pause' order by connection_id, message_id
  ) as stop
  where connection.id = stop.connection_id and connection.status = 'active'
    -- Refused with a key that has been replaced in the meantime: the new one is to be tried.
    and not (stop.reason = 'credential' and private.has_newer_credential(stop.connection_id, stop.leased_at));
end
$$;
comment on function private.pause_numbers(private.send_result[]) is 'Stops numbers that WhatsApp has stopped: their queues wait, nothing fails.';

create function private.suppress_contacts(results private.send_result[]) returns void
language plpgsql set search_path = ''
as $$
begin
  update public.contacts as contact set marketing_opted_out_at = coalesce(contact.marketing_opted_out_at, now())
  from unnest(results) as result
  join public.conversations as thread on thread.id = result.conversation_id
  where result.outcome = 'suppress' and contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id;
end
$$;
comment on function private.suppress_contacts(private.send_result[]) is 'WhatsApp says that a customer wants no marketing: so does the contact from now on.';

create function public.record_outbound(results jsonb) returns integer
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  -- results: [{message_id, lease_token, outcome, wamid?, retry_after?, scope?, reason?, error?}]; docs/outbound.md
  held private.send_result[] := private.held_results(results);
  ids uuid[] := array(select message_id from unnest(held));
begin
  if held = '{}' then
    return 0;
  end if;
  -- The outbox's lock, then the message's: a status report for it waits, or has been written and is seen below.
  perform from public.messages where id = any (ids) order by id for no key update;

  update public.messages as message set
    status = case
      when private.status_rank(message.status) > 0 then message.status
      when result.outcome = 'done' then 'sent' when result.outcome in ('reject', 'suppress') then 'failed'
      when result.outcome = 'uncertain' then 'uncertain' else 'queued' end,
    wamid = coalesce(message.wamid, result.wamid),
    sent_at = case when result.outcome = 'done' then coalesce(message.sent_at, now()) else message.sent_at end,
    failed_at = case when result.outcome in ('reject', 'suppress') then now() else message.failed_at end,
    error = case when result.outcome = 'done' then null else coalesce(result.error, message.error) end
  from unnest(held) as result
  where message.id = result.message_id;

  perform private.pace_pairs(held);
  perform private.pace_numbers(held);
  if exists (select from unnest(held) where outcome = 'pause') then
    perform private.pause_numbers(held);
  end if;
  if exists (select from unnest(held) where outcome = 'suppress') then
    perform private.suppress_contacts(held);
  end if;

  delete from public.outbox as item using unnest(held) as result
  where item.message_id = result.message_id and result.outcome in ('done', 'reject', 'suppress');

  update public.outbox as item set
    lease_token = null,
    leased_at = null,
    lease_expires_at = null,
    -- A throttle or a stopped number is no fault of the message.
    attempts = item.attempts - (result.outcome in ('throttle', 'pause'))::integer,
    available_at = case when result.outcome = 'retry' then now() + make_interval(secs => coalesce(result.retry_after, 0)) else item.available_at end,
    uncertain_since = case when result.outcome = 'uncertain' then now() end
  from unnest(held) as result
  where item.message_id = result.message_id and result.outcome not in ('done', 'reject', 'suppress');

  perform private.apply_statuses(ids);
  perform private.set_heads(array(select conversation_id from unnest(held)));
  return cardinality(held);
end
$$;
comment on function public.record_outbound(jsonb) is
  'Records outcomes of leased sends and returns how many were still held. An outcome with an old token changes nothing.';

create function public.release_outbound(leases jsonb) returns integer
language plpgsql set search_path = ''
as $$
declare
  -- leases: [{message_id, lease_token}] of messages whose sending has not begun.
  held private.send_result[] := private.held_results(leases);
begin
  if held = '{}' then
    return 0;
  end if;
  update public.outbox as item set lease_token = null, leased_at = null, lease_expires_at = null, attempts = item.attempts - 1
  from unnest(held) as lease where item.message_id = lease.message_id;
  update public.messages as message set status = 'queued'
  from unnest(held) as lease where message.id = lease.message_id and message.status = 'sending';
  perform private.set_heads(array(select conversation_id from unnest(held)));
  return cardinality(held);
end
$$;
comment on function public.release_outbound(jsonb) is 'Gives leased messages back unsent; costs no attempt.';
grant execute on function public.release_outbound(jsonb) to service_role;

create function public.extend_outbound(leases jsonb, lease_seconds integer default 60) returns integer
language plpgsql set search_path = ''
as $$
declare
  held private.send_result[] := private.held_results(leases);
begin
  update public.outbox as item set lease_expires_at = now() + make_interval(secs => lease_seconds)
  from unnest(held) as lease where item.message_id = lease.message_id;
  return cardinality(held);
end
$$;
comment on function public.extend_outbound(jsonb, integer) is 'The heartbeat: whoever still holds these leases keeps them for so much longer.';
grant execute on function public.extend_outbound(jsonb, integer) to service_role;

grant execute on function public.record_outbound(jsonb) to service_role;
grant execute on function private.held_results(jsonb) to service_role;
grant execute on function private.pace_pairs(private.send_result[]) to service_role;
grant execute on function private.pace_numbers(private.send_result[]) to service_role;
grant execute on function private.pause_numbers(private.send_result[]) to service_role;
grant execute on function private.suppress_contacts(private.send_result[]) to service_role;
