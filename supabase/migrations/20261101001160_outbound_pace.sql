-- What a send that has ended costs: its number's second, its pair's six seconds.

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
    -- Meta asks for 4^X seconds after the X-th refusal in a row; the worker knows what its rule or the answer asks for.
    strikes = case when result.outcome = 'throttle' then pair.strikes + (result.scope = 'pair')::integer else 0 end,
    held_until = case when result.outcome = 'throttle' and result.scope = 'pair'
      then now() + greatest(result.retry_after, least(power(4, least(pair.strikes + 1, 6)), 3600)) * interval '1 second' end
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
  settled public.outbox[] := array(
    select item from public.outbox as item
    where item.message_id = any (message_ids)
      and exists (select from public.messages as message where message.id = item.message_id and private.status_rank(message.status) > 0)
    order by item.message_id for update of item);
begin
  if settled <> '{}' then
    -- A report may be quicker than the answer; whoever records that will find nothing to count. Before they leave: the
    -- next of each conversation steps forward by what its pair owes then.
    perform private.pace_unanswered(settled, 'done');
    delete from public.outbox as item using unnest(settled) as gone where item.message_id = gone.message_id;
  end if;
end
$$;
comment on function private.settle_outbound(uuid[]) is 'Takes messages that WhatsApp has reported on out of the outbox.';
grant execute on function private.settle_outbound(uuid[]) to service_role;
grant execute on function private.held_results(jsonb) to service_role;
grant execute on function private.pace_pairs(private.send_result[]) to service_role;
grant execute on function private.pace_numbers(private.send_result[]) to service_role;
