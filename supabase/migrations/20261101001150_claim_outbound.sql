-- Who may be sent to now: everything that must hold across all workers is decided here.

create function private.number_rate(connection public.whatsapp_connections, pace private.outbound_numbers) returns integer
language plpgsql stable set search_path = ''
as $$
begin
  return case when pace.narrowed_to is null then connection.messages_per_second
    else greatest(1, least(connection.messages_per_second,
      floor(pace.narrowed_to * power(2, extract(epoch from least(now() - pace.narrowed_at, interval '10 minutes')) / 30)))) end;
end
$$;
comment on function private.number_rate(public.whatsapp_connections, private.outbound_numbers) is
  'Messages per second of a number now: its own, or less for a while after WhatsApp refused some.';

create function private.number_tokens(connection public.whatsapp_connections, pace private.outbound_numbers) returns integer
language plpgsql stable set search_path = ''
as $$
begin
  if pace.held_until > clock_timestamp() then
    return 0;
  end if;
  -- A send counts from its claim until a second after its answer was recorded: WhatsApp saw it somewhere in between, so
  -- no second there, wherever it begins, holds more than the rate.
  return greatest(0, private.number_rate(connection, pace)
    -- Whose lease ran out a minute ago was sent longer ago. Index entries of leases that are over are passed by, however
    -- many an old snapshot keeps.
    - (select count(*) from public.outbox where connection_id = connection.id and lease_token is not null
        and lease_expires_at > now() - interval '1 minute')
    - coalesce((
        select sum(amount) from unnest(pace.done_at, pace.done) as ended (at, amount)
        where ended.at > clock_timestamp() - interval '1 second'), 0));
end
$$;
comment on function private.number_tokens(public.whatsapp_connections, private.outbound_numbers) is
  'How many messages of a number may be claimed at this moment.';

create function private.waiting_numbers(shares jsonb default '{}')
returns table (connection public.whatsapp_connections, pace private.outbound_numbers)
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  with recursive number as (
    -- One step of an index for each number, however many wait for it. Backward: a number's first entries are those of the
    -- longest wait, which have been claimed and are dead; its last ones still wait.
    (select connection_id as id from public.outbox where ready_at is not null order by connection_id desc limit 1)
    union all
    select (select next.connection_id from public.outbox as next
      where next.ready_at is not null and next.connection_id < number.id order by next.connection_id desc limit 1)
    from number where number.id is not null
  )
  select active, paced
  from number
  join public.whatsapp_connections as active on active.id = number.id and active.status = 'active'
    and (shares ->> active.id::text)::integer is distinct from 0
  left join private.outbound_numbers as paced on paced.connection_id = active.id;
end
$$;
comment on function private.waiting_numbers(jsonb) is
  'Active numbers that somebody waits for, each with its pace; without those that have all of a worker''s slots that they may have.';

create function private.outbound_candidates(max_messages integer, shares jsonb)
returns table (message_id uuid, place tid, verdict text)
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
-- Planned once a session and not at each call, which was half of what a claim of one message cost. Whatever the numbers,
-- heads come in the order of their index.
set plan_cache_mode = force_generic_plan set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  -- The clock's and not the transaction's: a claim may have waited for its turn.
  instant timestamptz := clock_timestamp();
begin
  return query
  with waiting as (
    select (number.connection).workspace_id, head.message_id, head.place, head.priority, head.ready_at,
      row_number() over (partition by (number.connection).id order by head.priority, head.ready_at, head.seq) as rank
    from private.waiting_numbers(shares) as number
    cross join lateral (
      select least(max_messages, (shares ->> (number.connection).id::text)::integer,
        private.number_tokens(number.connection, number.pace)) as tokens offset 0) as free
    cross join lateral (
      select item.* from (
        (select *, ctid as place from public.outbox where connection_id = (number.connection).id and priority = 0 and ready_at <= instant
         order by ready_at, seq limit free.tokens)
        union all
        (select *, ctid as place from public.outbox where connection_id = (number.connection).id and priority = 1 and ready_at <= instant
         order by ready_at, seq limit free.tokens)
        union all
        (select *, ctid as place from public.outbox where connection_id = (number.connection).id and priority = 2 and ready_at <= instant
         order by ready_at, seq limit free.tokens)
      ) as item
      limit free.tokens) as head
    where free.tokens > 0
  ), turn as (
    select *, row_number() over (partition by workspace_id order by priority, rank) as turn from waiting
  ), chosen as (
    -- Who answers somebody goes before any campaign; then workspace by workspace, and number by number within.
    select * from turn order by priority, turn, ready_at limit max_messages
  )
  select chosen.message_id, chosen.place, case
      when message.type <> 'template' and not coalesce(thread.window_expires_at > now(), false) then 'window'
      when message.type = 'template' and contact.marketing_opted_out_at is not null and exists (
          select from public.message_templates as template
          where template.workspace_id = message.workspace_id and template.connection_id = message.connection_id
            and template.name = message.content ->> 'name'
            and template.language = message.content #>> '{language,code}' and upper(template.category) = 'MARKETING')
        then 'opted_out'
    end
  from chosen
  join public.messages as message on message.id = chosen.message_id
  join public.conversations as thread on thread.id = message.conversation_id
  left join public.contacts as contact on contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id;
end
$$;
comment on function private.outbound_candidates(integer, jsonb) is
  'Heads that may go now within each number''s rate and share, replies first, tenants in turn: where each row lies as this statement sees it, and the reason why one may not be sent at all.';

create function private.refuse_outbound(message_ids uuid[], verdicts text[]) returns void
language plpgsql set search_path = ''
as $$
begin
  update public.messages as message set status = 'failed', failed_at = now(), error = case verdict.reason
      when 'window' then jsonb_build_object('code', 'window_closed', 'class', 'WINDOW',
        'title', 'The 24 hour window closed before the message could be sent', 'remedy', 'Send a template; the customer has not written for 24 hours.')
      else jsonb_build_object('code', 'opted_out', 'class', 'SUPPRESS',
        'title', 'The contact does not want marketing', 'remedy', 'Do not send this to this recipient.') end
  from unnest(message_ids, verdicts) as verdict (message_id, reason)
  where message.id = verdict.message_id;
  delete from public.outbox as item where item.message_id = any (message_ids);
end
$$;
comment on function private.refuse_outbound(uuid[], text[]) is 'Fails messages that must not be sent any more, each for its reason.';

-- A claim that commits after its worker has given up waiting leases messages that nobody sends: they would end in doubt. The
-- worker waits 15 seconds for an answer, of which PostgREST may spend 10 on a free connection; the Data API takes a function's
-- own limit over its role's.
create function public.claim_outbound(max_messages integer default 20, lease_seconds integer default 60, shares jsonb default '{}')
returns table (
  message_id uuid, lease_token uuid, workspace_id uuid, connection_id uuid, provider text, phone_number_id text,
  phone text, bsuid text, group_id text, type text, content jsonb, reply_to_wamid text, attempts integer, callback_data text)
language plpgsql set search_path = '' set statement_timeout = '4s'
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  allowed uuid[];
  places tid[];
  forbidden uuid[];
  reasons text[];
begin
  -- Claims take turns, a few milliseconds each: every one sees what the one before it has put in flight.
  perform pg_advisory_xact_lock('public.outbox'::regclass::bigint);
  select array_agg(judged.message_id) filter (where verdict is null), array_agg(judged.place) filter (where verdict is null),
    array_agg(judged.message_id) filter (where verdict is not null), array_agg(verdict) filter (where verdict is not null)
  into allowed, places, forbidden, reasons
  from (
    -- By its place, which saves two searches of the key for each; whoever has moved meanwhile is left for the next claim.
    select item.message_id, item.ctid as place, candidate.verdict
    from private.outbound_candidates(max_messages, shares) as candidate
    join public.outbox as item
      on item.ctid = candidate.place and item.message_id = candidate.message_id and item.ready_at is not null
    order by item.message_id
    for update of item skip locked
  ) as judged;
  if forbidden is not null then
    perform private.refuse_outbound(forbidden, reasons);
  end if;
  return query
  with claimed as (
    update public.outbox as item set
      lease_token = gen_random_uuid(),
      leased_at = now(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      preparing = false,
      ready_at = null,
      attempts = item.attempts + 1
    -- Locked above, so each is where it was.
    from unnest(allowed, places) as chosen (id, place)
    where item.ctid = chosen.place and item.message_id = chosen.id
    returning item.*
  ), sending as (
    -- Everything comes back from here: a join of the two would compare each with each.
    update public.messages as message set status = 'sending'
    from claimed where message.id = claimed.message_id
    returning message.id, claimed.lease_token, message.workspace_id, message.connection_id, message.conversation_id, message.type,
      message.content, message.reply_to_wamid, claimed.attempts, claimed.priority, claimed.seq,
      -- Few have been tried before, and the call costs more than the rest of the row.
      case when message.previous_attempts is null then message.id::text else private.callback_data(message) end as callback_data
  )
  select sending.id, sending.lease_token, sending.workspace_id, sending.connection_id, connection.provider,
    connection.phone_number_id, conversation.phone, conversation.bsuid, conversation.group_id, sending.type, sending.content,
    sending.reply_to_wamid, sending.attempts, sending.callback_data
  from sending
  join public.whatsapp_connections as connection on connection.id = sending.connection_id
  join public.conversations as conversation on conversation.id = sending.conversation_id
  order by sending.priority, sending.seq;
end
$$;
comment on function public.claim_outbound(integer, integer, jsonb) is
  'Leases messages to send: at most one per conversation, in insert order, of active connections, within the rates of number and pair, and no more of a number than `shares` says, {connection_id: how many}. Each comes with the token its record must show.';

create function public.next_outbound(shares jsonb default '{}') returns double precision
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return (
    -- Nobody waits: null, and greatest() would make a zero of it.
    select case when count(*) > 0 then greatest(0, extract(epoch from min(greatest(head.ready_at, (number.pace).held_until,
      -- A full second's worth is on its way; somebody's second is over soon.
      case when private.number_tokens(number.connection, number.pace) = 0 then clock_timestamp() + interval '50 milliseconds' end))
      - clock_timestamp())) end
    from private.waiting_numbers(shares) as number
    cross join lateral (
      select min(ready_at) as ready_at from (
        select (select min(ready_at) from public.outbox where connection_id = (number.connection).id and priority = level and ready_at is not null) as ready_at
        from generate_series(0, 2) as level) as each) as head);
end
$$;
comment on function public.next_outbound(jsonb) is 'In how many seconds a claim with these shares may find something, as far as can be known now; null when nothing waits.';

grant execute on function private.number_rate(public.whatsapp_connections, private.outbound_numbers) to service_role;
grant execute on function private.number_tokens(public.whatsapp_connections, private.outbound_numbers) to service_role;
grant execute on function private.waiting_numbers(jsonb) to service_role;
grant execute on function private.outbound_candidates(integer, jsonb) to service_role;
grant execute on function private.refuse_outbound(uuid[], text[]) to service_role;
grant execute on function public.claim_outbound(integer, integer, jsonb) to service_role;
grant execute on function public.next_outbound(jsonb) to service_role;
