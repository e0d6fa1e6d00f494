-- What became of a send, written in one transaction and only by the holder of the lease.
create function public.record_outbound(results jsonb) returns integer
language plpgsql set search_path = ''
as $$
declare
  held uuid[];
begin
  -- results: [{message_id, lease_token, outcome: done|retry|reject|uncertain, wamid?, retry_after?, error?}]
  held := array(
    select item.message_id
    from public.outbox as item
    join jsonb_to_recordset(results) as result (message_id uuid, lease_token uuid)
      on item.message_id = result.message_id and item.lease_token = result.lease_token
    order by item.message_id
    for update of item);

  -- The outbox's lock, then the message's: a status report for it waits, or has been written and is seen below.
  perform from public.messages where id = any (held) order by id for no key update;

  update public.messages as message set
    status = case
      when private.status_rank(message.status) > 0 then message.status
      when result.outcome = 'done' then 'sent' when result.outcome = 'reject' then 'failed'
      when result.outcome = 'uncertain' then 'uncertain' else 'queued' end,
    wamid = coalesce(message.wamid, result.wamid),
    sent_at = case when result.outcome = 'done' then coalesce(message.sent_at, now()) else message.sent_at end,
    failed_at = case when result.outcome = 'reject' then now() else message.failed_at end,
    error = case when result.outcome = 'done' then null else coalesce(result.error, message.error) end
  from jsonb_to_recordset(results) as result (message_id uuid, outcome text, wamid text, error jsonb)
  where message.id = result.message_id and message.id = any (held);

  delete from public.outbox as item
  using jsonb_to_recordset(results) as result (message_id uuid, outcome text)
  where item.message_id = result.message_id and item.message_id = any (held) and result.outcome in ('done', 'reject');

  update public.outbox as item set
    lease_token = null,
    lease_expires_at = null,
    available_at = case when result.outcome = 'retry' then now() + make_interval(secs => result.retry_after) else item.available_at end,
    uncertain_since = case when result.outcome = 'uncertain' then now() end
  from jsonb_to_recordset(results) as result (message_id uuid, outcome text, retry_after double precision)
  where item.message_id = result.message_id and item.message_id = any (held) and result.outcome in ('retry', 'uncertain');

  perform private.apply_statuses(held);
  return cardinality(held);
end
$$;
comment on function public.record_outbound(jsonb) is
  'Records outcomes of leased sends and returns how many were still held. An outcome with an old token changes nothing.';
grant execute on function public.record_outbound(jsonb) to service_role;

create function public.release_outbound(leases jsonb) returns integer
language sql set search_path = ''
as $$
  -- leases: [{message_id, lease_token}] of messages whose sending has not begun.
  with released as (
    update public.outbox set lease_token = null, lease_expires_at = null, attempts = attempts - 1
    where message_id in (
      select item.message_id
      from public.outbox as item
      join jsonb_to_recordset(leases) as lease (message_id uuid, lease_token uuid)
        on item.message_id = lease.message_id and item.lease_token = lease.lease_token
      order by item.message_id
      for update of item)
    returning message_id
  ), queued as (
    update public.messages set status = 'queued'
    where id in (select message_id from released) and status = 'sending'
  )
  select count(*)::integer from released
$$;
comment on function public.release_outbound(jsonb) is 'Gives leased messages back unsent; costs no attempt.';
grant execute on function public.release_outbound(jsonb) to service_role;

create function public.sweep_outbound(uncertain_seconds integer default 900) returns integer
language plpgsql set search_path = ''
as $$
declare
  swept uuid[];
begin
  -- A lease that ran out belonged to a worker that died: it may have been sending at that moment.
  with expired as (
    update public.outbox set lease_token = null, lease_expires_at = null, uncertain_since = now()
    where message_id in (
      select message_id from public.outbox where lease_token is not null and lease_expires_at <= now()
      order by message_id for update skip locked)
    returning message_id
  ), uncertain as (
    update public.messages set status = 'uncertain'
    where id in (select message_id from expired) and status = 'sending'
    returning id
  )
  select array_agg(id) into swept from uncertain;

  with overdue as (
    delete from public.outbox
    where message_id in (
      select message_id from public.outbox
      where uncertain_since <= now() - make_interval(secs => uncertain_seconds)
      order by message_id for update skip locked)
    returning message_id
  ), failed as (
    update public.messages set
      status = 'failed',
      failed_at = now(),
      error = jsonb_build_object('code', 'outcome_unknown', 'title', 'No answer and no report from WhatsApp',
        'class', 'UNCERTAIN', 'remedy', 'Ask the recipient or look at the phone; then retry by hand if it did not arrive.')
    where id in (select message_id from overdue) and status = 'uncertain'
    returning id
  )
  select swept || coalesce(array_agg(id), '{}') into swept from failed;
  return coalesce(cardinality(swept), 0);
end
$$;
comment on function public.sweep_outbound(integer) is
  'Turns expired leases into uncertain messages, and uncertain ones that no report settled in time into failed. Sends nothing.';
grant execute on function public.sweep_outbound(integer) to service_role;
