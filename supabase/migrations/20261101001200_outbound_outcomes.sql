-- What became of a send, written in one transaction and only by the holder of the lease.

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
  -- Whoever is setting a key holds the number until the key can be seen.
  perform from public.whatsapp_connections
  where id in (select connection_id from unnest(results) where outcome = 'pause') order by id for no key update;
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
-- Planned once a session, this and what it calls, as record_inbound is: most sets are of one or two.
set plan_cache_mode = force_generic_plan
as $$
declare
  -- results: [{message_id, lease_token, outcome, wamid?, retry_after?, scope?, reason?, error?}]; docs/outbound.md
  -- A retry without retry_after: nothing has left.
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
  if exists (select from unnest(held) where error is not null and private.tells_of_templates(error)) then
    perform private.ask_for_chores(array(
      select distinct connection_id from unnest(held) where error is not null and private.tells_of_templates(error)), 'templates', interval '0');
  end if;

  delete from public.outbox as item using unnest(held) as result
  where item.message_id = result.message_id and result.outcome in ('done', 'reject', 'suppress');

  update public.outbox as item set
    lease_token = null,
    leased_at = null,
    lease_expires_at = null,
    -- A throttle, a stopped number or a way that is closed is no fault of the message.
    attempts = item.attempts - (result.outcome in ('throttle', 'pause') or result.outcome = 'retry' and result.retry_after is null)::integer,
    unsent = case when result.outcome = 'retry' and result.retry_after is null then item.unsent + 1 else 0 end,
    -- Nothing left: 2 seconds, 4, 8 … a minute at most, with jitter, so that what failed together does not come back together.
    available_at = case when result.outcome = 'retry' then now() + interval '1 second'
      * coalesce(result.retry_after, least(2 * power(2, least(item.unsent, 10)), 60) * (0.75 + random() / 4)) else item.available_at end,
    uncertain_since = case when result.outcome = 'uncertain' then now() end
  from unnest(held) as result
  where item.message_id = result.message_id and result.outcome not in ('done', 'reject', 'suppress');

  perform private.apply_statuses(ids);
  perform private.set_heads(array(
    select conversation_id from unnest(held) where outcome not in ('done', 'reject', 'suppress')));
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

create function public.extend_outbound(leases jsonb, lease_seconds integer default 60, preparing boolean default null) returns integer
language plpgsql set search_path = ''
as $$
declare
  held private.send_result[] := private.held_results(leases);
begin
  update public.outbox as item set
    lease_expires_at = now() + make_interval(secs => lease_seconds),
    preparing = coalesce(extend_outbound.preparing, item.preparing)
  from unnest(held) as lease where item.message_id = lease.message_id;
  return cardinality(held);
end
$$;
comment on function public.extend_outbound(jsonb, integer, boolean) is
  'The heartbeat: whoever still holds these leases keeps them for so much longer. Says also, when told, whether their files are still being prepared.';
grant execute on function public.extend_outbound(jsonb, integer, boolean) to service_role;

grant execute on function public.record_outbound(jsonb) to service_role;
grant execute on function private.pause_numbers(private.send_result[]) to service_role;
grant execute on function private.suppress_contacts(private.send_result[]) to service_role;
