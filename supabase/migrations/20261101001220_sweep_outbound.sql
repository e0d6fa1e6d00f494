-- What dead workers and lost answers leave behind, brought to an end.

create function public.sweep_outbound(uncertain_seconds integer default 900) returns integer
language plpgsql set search_path = ''
as $$
declare
  swept integer := 0;
  items public.outbox[];
  changed integer;
begin
  -- A lease that ran out belonged to a worker that died: it may have been sending at that moment, unless it was still
  -- preparing. That one waits again.
  items := array(
    select item from public.outbox as item where lease_token is not null and lease_expires_at <= now()
    order by message_id for update skip locked);
  if items <> '{}' then
    update public.messages as message set
      status = case when item.preparing then 'queued' else 'uncertain' end,
      error = case when item.preparing then message.error else jsonb_build_object('code', 'uncertain',
        'title', 'The worker that was sending it is gone', 'class', 'UNCERTAIN',
        'remedy', 'Wait: a report from WhatsApp settles it, or it fails after 15 minutes.') end
    from unnest(items) as item where message.id = item.message_id and message.status = 'sending';
    get diagnostics changed = row_count;
    perform private.pace_unanswered(array(select item from unnest(items) as item where not item.preparing), 'uncertain');
    update public.outbox as item set lease_token = null, leased_at = null, lease_expires_at = null, preparing = false,
      uncertain_since = case when not expired.preparing then now() end
    from unnest(items) as expired where item.message_id = expired.message_id;
    swept := swept + changed;
    perform private.set_heads(array(select distinct conversation_id from unnest(items)));
  end if;

  items := array(
    select item from public.outbox as item
    where uncertain_since <= now() - make_interval(secs => uncertain_seconds)
    order by message_id for update skip locked);
  if items <> '{}' then
    update public.messages as message set
      status = 'failed',
      failed_at = now(),
      error = jsonb_build_object('code', 'outcome_unknown', 'title', 'No answer and no report from WhatsApp',
        'class', 'UNCERTAIN', 'remedy', 'Ask the recipient or look at the phone; then retry by hand if it did not arrive.')
    from unnest(items) as item where message.id = item.message_id and message.status = 'uncertain';
    get diagnostics changed = row_count;
    delete from public.outbox as item using unnest(items) as overdue where item.message_id = overdue.message_id;
    swept := swept + changed;
  end if;

  -- Pairs that owe nothing any more. Whoever holds one is about to need it.
  delete from private.outbound_pairs where conversation_id in (
    select pair.conversation_id from private.outbound_pairs as pair
    where pair.paid_at < now() and coalesce(pair.held_until < now() - interval '1 hour', true)
      and not exists (select from public.outbox as item where item.conversation_id = pair.conversation_id)
    limit 1000 for update skip locked);
  perform private.forget_uploaded_media();
  return swept;
end
$$;
comment on function public.sweep_outbound(integer) is
  'Turns expired leases into uncertain messages, and uncertain ones that no report settled in time into failed. Sends nothing.';
grant execute on function public.sweep_outbound(integer) to service_role;
