-- Every status ever received, kept apart from messages: it may come before its message, or for one we never see.
create table public.message_statuses (
  workspace_id uuid not null,
  connection_id uuid not null,
  wamid text not null,
  status text not null,
  participant text not null default '',
  occurred_at timestamptz not null,
  callback_data text,
  errors jsonb,
  error jsonb,
  details jsonb not null default '{}',
  event_id bigint,
  received_at timestamptz not null default now(),
  primary key (connection_id, wamid, status, participant),
  foreign key (workspace_id, connection_id) references public.whatsapp_connections (workspace_id, id) on delete cascade
);
comment on table public.message_statuses is 'Delivery reports as they came. A message''s status is always a function of this set, whatever the order of arrival.';
comment on column public.message_statuses.participant is 'Who in a group it speaks of; empty for a single recipient.';
comment on column public.message_statuses.error is 'The first of its errors in the shape of messages.error, with its class and what to do.';
comment on column public.message_statuses.callback_data is 'The id of our message, echoed by WhatsApp (biz_opaque_callback_data).';
comment on column public.message_statuses.event_id is 'The event of the journal that told it; it may be gone from there.';
alter table public.message_statuses enable row level security;
grant select, insert, update, delete on public.message_statuses to service_role;

create function private.status_rank(status text) returns integer
language sql immutable parallel safe set search_path = ''
as $$
  -- failed stands between sent and delivered: it ends a message that was accepted, never one that has arrived.
  select coalesce(array_position('{sent,failed,delivered,read,played}', status_rank.status), 0)
$$;
comment on function private.status_rank(text) is 'Statuses move up this ladder only. 0: not yet accepted, or a status that says nothing about delivery.';

create function private.error_of(errors jsonb) returns jsonb
language sql immutable parallel safe set search_path = ''
as $$
  select nullif(jsonb_strip_nulls(jsonb_build_object(
    'code', errors #> '{0,code}',
    'title', coalesce(errors #> '{0,title}', errors #> '{0,message}'),
    'details', coalesce(errors #> '{0,error_data,details}', errors #> '{0,message}'))), '{}')
$$;
comment on function private.error_of(jsonb) is 'The first of WhatsApp''s errors in the shape of messages.error; null when there is none.';

create function private.hold_messages(message_ids uuid[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  -- Whoever records a send holds these locks too, so one of the two sees the other's row. Everybody takes the outbox
  -- first and the message second, each by id: no deadlock.
  perform from public.outbox where message_id = any (message_ids) order by message_id for update;
  perform from public.messages where id = any (message_ids) order by id for no key update;
end
$$;
comment on function private.hold_messages(uuid[]) is 'Locks messages and their places in the outbox until the transaction ends.';
grant execute on function private.hold_messages(uuid[]) to service_role;

create function private.apply_statuses(message_ids uuid[]) returns void
language plpgsql set search_path = ''
-- Each message is looked up, in the order written, whatever the planner believes about the size of a table.
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  update public.messages as message set
    status = case when told.rank > told.rank_before then ('{sent,failed,delivered,read,played}'::text[])[told.rank] else message.status end,
    sent_at = coalesce(told.sent_at, message.sent_at),
    delivered_at = coalesce(told.delivered_at, message.delivered_at),
    read_at = coalesce(told.read_at, message.read_at),
    played_at = coalesce(told.played_at, message.played_at),
    failed_at = case when told.was_given_up then told.failed_at else coalesce(told.failed_at, message.failed_at) end,
    -- A report of delivery disproves an earlier failure.
    error = case
      when greatest(told.rank, told.rank_before) > 2 or told.rank_before = 0 and told.failed_at is null then null
      when told.failed_at is null then message.error
      else coalesce((
        select coalesce(report.error, private.error_of(report.errors)) from public.message_statuses as report
        where report.connection_id = message.connection_id and report.wamid = message.wamid and report.status = 'failed'
        order by report.occurred_at, report.participant limit 1), case when told.rank_before > 0 then message.error end)
    end
  from (
    select target.id, max(ladder.rank) as rank,
      -- We gave up on hearing about it, and were wrong to: any report counts for more.
      coalesce(target.error ->> 'code' = 'outcome_unknown', false) as was_given_up,
      case when target.error ->> 'code' = 'outcome_unknown' then 0
        else coalesce(array_position('{sent,failed,delivered,read,played}', target.status), 0) end as rank_before,
      min(report.occurred_at) filter (where report.status = 'sent') as sent_at,
      min(report.occurred_at) filter (where report.status = 'delivered') as delivered_at,
      min(report.occurred_at) filter (where report.status = 'read') as read_at,
      min(report.occurred_at) filter (where report.status = 'played') as played_at,
      min(report.occurred_at) filter (where report.status = 'failed') as failed_at
    from unnest(message_ids) as concerned (id)
    join public.messages as target on target.id = concerned.id and target.direction = 'outbound'
    join public.message_statuses as report on report.connection_id = target.connection_id and report.wamid = target.wamid
    -- The ladder of private.status_rank, written out: this runs for every report there is.
    cross join lateral (select array_position('{sent,failed,delivered,read,played}', report.status) as rank) as ladder
    where ladder.rank is not null
    group by target.id
  ) as told
  where message.id = told.id;

  -- What WhatsApp has reported on needs no sending any more.
  perform private.settle_outbound(message_ids);
end
$$;
comment on function private.apply_statuses(uuid[]) is
  'Brings messages to what their reports say. The caller holds them, see hold_messages. Running it again changes nothing.';
grant execute on function private.apply_statuses(uuid[]) to service_role;
grant execute on function private.error_of(jsonb) to service_role;
grant execute on function private.status_rank(text) to service_role;
