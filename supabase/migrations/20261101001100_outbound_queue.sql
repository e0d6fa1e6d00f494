-- The outbox: one lean row per message that still has to be sent. It leaves when the message is settled.
create table public.outbox (
  message_id uuid primary key,
  workspace_id uuid,
  connection_id uuid,
  conversation_id uuid,
  seq bigint not null generated always as identity,
  line_at timestamptz not null default clock_timestamp(),
  priority smallint not null default 0,
  available_at timestamptz not null default now(),
  ready_at timestamptz,
  attempts integer not null default 0,
  unsent integer not null default 0,
  lease_token uuid,
  leased_at timestamptz,
  lease_expires_at timestamptz,
  preparing boolean not null default false,
  beside boolean not null default false,
  uncertain_since timestamptz,
  foreign key (workspace_id, message_id) references public.messages (workspace_id, id) on delete cascade,
  -- A canary is nobody's, see ring_doorbell.
  check (num_nulls(workspace_id, connection_id, conversation_id) in (0, 3)),
  check (workspace_id is not null or num_nonnulls(ready_at, lease_token, uncertain_since) = 0)
  -- Rows come and go within a second: dead ones are cleared away early and without pauses.
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
create index outbox_line on public.outbox (conversation_id, line_at, seq);
create index outbox_ready on public.outbox (connection_id, priority, ready_at, seq) where ready_at is not null;
-- By the time and not by the token: a row that is looked for by its token would be looked for here.
create index outbox_leased on public.outbox (connection_id, lease_expires_at) where lease_expires_at is not null;
create unique index outbox_head on public.outbox (conversation_id) where (ready_at is not null or lease_token is not null) and not beside;
create index outbox_uncertain on public.outbox (uncertain_since) where uncertain_since is not null;
create index outbox_canaries on public.outbox (available_at) where workspace_id is null;
comment on table public.outbox is 'Messages that still have to be sent. Its rows ring the worker through Realtime and leave when settled.';
comment on column public.outbox.line_at is 'Its place among its conversation''s messages: when it was written, or send_after; then seq.';
comment on column public.outbox.priority is '0 free-form, which answers somebody; 1 a template into an open window; 2 any other template.';
comment on column public.outbox.available_at is 'Not before: an attempt that failed for a while.';
comment on column public.outbox.ready_at is 'Set for the head of a conversation only, while it is not being sent: when it may go, its own time and its pair''s. The number''s rate comes on top.';
comment on column public.outbox.preparing is 'Its files are on their way to WhatsApp and it has not been sent: a lease that runs out now is no uncertainty.';
comment on column public.outbox.unsent is 'How often in a row nothing of it has left, which is no attempt.';
comment on column public.outbox.beside is 'Its thread became part of another while both had one on the wire: else there is never more than one.';
comment on column public.outbox.uncertain_since is 'When the answer to a send was lost. Such a row is never sent again; a status or the sweep settles it.';
alter table public.outbox enable row level security;
grant select, insert, update, delete on public.outbox to service_role;

-- What WhatsApp has been sent, per number and per pair of number and customer: nothing here is needed for longer than minutes.
create table private.outbound_numbers (
  connection_id uuid primary key references public.whatsapp_connections (id) on delete cascade,
  done_at timestamptz[] not null default '{}',
  done integer[] not null default '{}',
  narrowed_to double precision,
  narrowed_at timestamptz,
  held_until timestamptz,
  strikes integer not null default 0
) with (fillfactor = 50);
comment on table private.outbound_numbers is 'The pace of each number: sends of the last second, and how far WhatsApp has told it to slow down.';
comment on column private.outbound_numbers.done is 'How many sends ended at each of done_at.';
comment on column private.outbound_numbers.narrowed_to is 'Messages per second at narrowed_at; doubles every 30 seconds until it is the connection''s own rate again.';
alter table private.outbound_numbers enable row level security;
grant select, insert, update, delete on private.outbound_numbers to service_role;

-- No foreign key: its check would lock the conversation, which whoever records a send must not wait for.
create table private.outbound_pairs (
  conversation_id uuid primary key,
  paid_at timestamptz not null default '-infinity',
  held_until timestamptz,
  strikes integer not null default 0
) with (fillfactor = 70);
comment on table private.outbound_pairs is 'The pace of each conversation. Its row is also the lock under which the head of a conversation changes.';
comment on column private.outbound_pairs.paid_at is 'When every message so far is paid for at one per 6 seconds; 44 may be owed.';
alter table private.outbound_pairs enable row level security;
grant select, insert, update, delete on private.outbound_pairs to service_role;

create function private.pair_ready_at(pair private.outbound_pairs) returns timestamptz
language plpgsql immutable set search_path = ''
as $$
begin
  -- One message per 6 seconds to one user, bursts up to 45 (Meta, pair rate limits).
  return greatest(pair.paid_at - 44 * interval '6 seconds', pair.held_until);
end
$$;

-- These two as their owner, whoever calls: triggers call them as the owner and recordings as the backend, in one transaction.
-- A plan that row level security may touch is thrown away whenever somebody else comes: each call would plan all of it anew.
create function private.lock_pairs(conversation_ids uuid[]) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  locked integer := -1;
begin
  -- Once more where one was found and is gone before it could be locked: a sweep has forgotten it in between.
  while locked < (select count(distinct id) from unnest(conversation_ids) as id) loop
    insert into private.outbound_pairs (conversation_id)
    select distinct id from unnest(conversation_ids) as id
    where not exists (select from private.outbound_pairs where conversation_id = id)
    order by id
    on conflict do nothing;
    perform from private.outbound_pairs where conversation_id = any (conversation_ids) order by conversation_id for update;
    get diagnostics locked = row_count;
  end loop;
end
$$;
comment on function private.lock_pairs(uuid[]) is 'Makes whoever changes the heads of these conversations take turns. After the outbox and the messages, never before.';

create function private.set_heads(conversation_ids uuid[]) returns void
language plpgsql security definer set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  perform private.lock_pairs(conversation_ids);
  -- Whoever is no longer the head steps back before another steps forward: there is never more than one.
  update public.outbox as item set ready_at = null
  where item.conversation_id = any (conversation_ids) and item.ready_at is not null
    and (item.lease_token is not null or item.uncertain_since is not null
      or item.message_id <> (
        select head.message_id from public.outbox as head
        where head.conversation_id = item.conversation_id and head.uncertain_since is null
        order by head.line_at, head.seq limit 1));
  update public.outbox as item set ready_at = head.ready_at, beside = false
  from (
    select first.message_id,
      -- What is uncertain holds its followers for a minute.
      greatest(first.line_at, first.available_at, private.pair_ready_at(pair), (
        select max(lost.uncertain_since) + interval '1 minute' from public.outbox as lost
        where lost.conversation_id = pair.conversation_id and lost.uncertain_since is not null)) as ready_at
    from unnest(conversation_ids) as concerned (id)
    join private.outbound_pairs as pair on pair.conversation_id = concerned.id
    cross join lateral (
      select * from public.outbox as one
      where one.conversation_id = concerned.id and one.uncertain_since is null
      order by one.line_at, one.seq limit 1) as first
    where not exists (
      select from public.outbox as flying where flying.conversation_id = concerned.id and flying.lease_token is not null)
  ) as head
  where item.message_id = head.message_id and item.ready_at is distinct from head.ready_at
    -- Asked of the row itself: a claim that commits while this waits for the row is not seen above. In one condition: of a
    -- queue never analysed with rows in it, two "is null" are believed to leave none, and all of it was read first.
    and num_nonnulls(item.lease_token, item.uncertain_since) = 0;
end
$$;
comment on function private.set_heads(uuid[]) is
  'Whoever is first of a conversation may go, at its time and not before the pair''s; nobody while one is being sent. Running it again changes nothing.';
grant execute on function private.pair_ready_at(private.outbound_pairs) to service_role;
grant execute on function private.lock_pairs(uuid[]) to service_role;
grant execute on function private.set_heads(uuid[]) to service_role;

-- Whatever takes a message out of its line, a deletion of the message itself included, lets the next one forward.
create function private.follow_up() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  threads uuid[] := array(
    select distinct conversation_id from gone_items
    where conversation_id is not null and num_nonnulls(ready_at, lease_token, uncertain_since) > 0);
begin
  if threads <> '{}' then
    perform private.set_heads(threads);
  end if;
  return null;
end
$$;
create trigger follow_up after delete on public.outbox
  referencing old table as gone_items
  for each statement execute function private.follow_up();

create function private.merge_lines(kept uuid, gone uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  -- Before the pairs, as whoever records a send has them. Nobody writes: the caller holds both conversations.
  perform from public.outbox where conversation_id in (kept, gone) order by message_id for update;
  perform private.lock_pairs(array[kept, gone]);
  update public.outbox as item set ready_at = null where item.conversation_id = kept and item.ready_at is not null;
  update public.outbox as item set
    ready_at = null,
    conversation_id = kept,
    -- Both may have one on the wire at this moment; whoever comes next waits for both.
    beside = item.lease_token is not null and exists (
      select from public.outbox as flying where flying.conversation_id = kept and flying.lease_token is not null)
  where item.conversation_id = gone;
  update private.outbound_pairs as pair set
    paid_at = greatest(pair.paid_at, other.paid_at), held_until = greatest(pair.held_until, other.held_until)
  from private.outbound_pairs as other where pair.conversation_id = kept and other.conversation_id = gone;
  perform private.set_heads(array[kept]);
end
$$;
comment on function private.merge_lines(uuid, uuid) is 'What waits in two conversations that become one waits in one line, in the order of writing.';
grant execute on function private.merge_lines(uuid, uuid) to service_role;

create function private.enqueue_messages(message_ids uuid[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  now_here timestamptz;
  threads uuid[] := array(
    select distinct message.conversation_id from unnest(message_ids) as one (id) join public.messages as message on message.id = one.id);
begin
  -- Numbered under the pair's lock: whoever has the higher number comes to light later. With messages.seq, which is
  -- drawn before the lock, a claim could see the second of two messages first and send both at once.
  perform from public.conversations where id = any (threads) order by id for no key update;
  perform private.lock_pairs(threads);
  now_here := clock_timestamp();
  with arrived as (
    select message.*, greatest(message.send_after, now_here) as line_at,
      row_number() over (partition by message.conversation_id order by greatest(message.send_after, now_here), message.seq) as place
    from unnest(message_ids) as one (id) join public.messages as message on message.id = one.id
  ), entered as (
    insert into public.outbox (message_id, workspace_id, connection_id, conversation_id, line_at, priority, ready_at)
    select arrived.id, arrived.workspace_id, arrived.connection_id, arrived.conversation_id, arrived.line_at,
      case when arrived.type <> 'template' then 0 when thread.window_expires_at > now_here then 1 else 2 end,
      -- The usual case at once: nobody else waits, and the first of these is the head.
      case when arrived.place = 1 and not exists (
          select from public.outbox as other where other.conversation_id = arrived.conversation_id)
        then greatest(arrived.line_at, private.pair_ready_at(pair)) end
    from arrived
    -- "offset 0": one look-up by key for each, also where statistics say that the table is empty. Joined, all of it would
    -- be read for each: an insert of 50,000 took minutes.
    cross join lateral (select * from public.conversations where id = arrived.conversation_id offset 0) as thread
    cross join lateral (
      select * from private.outbound_pairs where conversation_id = arrived.conversation_id offset 0) as pair
    order by arrived.seq
    returning conversation_id, ready_at
  )
  -- Where somebody waits already, a message for now may overtake one for tomorrow.
  select array_agg(conversation_id) into threads
  from (select conversation_id from entered group by 1 having count(ready_at) = 0) as others;
  if threads is not null then
    perform private.set_heads(threads);
  end if;
end
$$;
comment on function private.enqueue_messages(uuid[]) is 'Puts queued messages at the end of their conversations'' lines, in the order of their seq.';
grant execute on function private.enqueue_messages(uuid[]) to service_role;

create function private.enqueue_outbound() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  queued uuid[] := array(select id from queued_messages where direction = 'outbound' and status = 'queued');
begin
  if queued <> '{}' then
    perform private.enqueue_messages(queued);
  end if;
  return null;
end
$$;
create trigger enqueue_outbound after insert on public.messages
  referencing new table as queued_messages
  for each statement execute function private.enqueue_outbound();

-- Nothing is sent to a thread that somebody has deleted. Its messages stay, and each of them ends.
create function private.end_outbound() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- Outbox, then messages, each by id, before the foreign key touches them: the order that reports keep, too.
  perform from public.outbox where conversation_id = old.id order by message_id for update;
  perform from public.messages where workspace_id = old.workspace_id and conversation_id = old.id order by id for update;
  with ended as (
    delete from public.outbox where conversation_id = old.id
    returning message_id, lease_token is null and uncertain_since is null as unsent
  )
  update public.messages as message set
    status = case when ended.unsent then 'canceled' else 'failed' end,
    failed_at = case when ended.unsent then null else now() end,
    -- A report with this message's id still tells the truth about one that was on the wire.
    error = case when ended.unsent then message.error else jsonb_build_object('code', 'outcome_unknown',
      'title', 'The conversation was deleted while this was being sent', 'class', 'UNCERTAIN') end
  from ended
  where message.id = ended.message_id
    -- A workspace that goes takes its messages along.
    and exists (select from public.workspaces where id = old.workspace_id);
  delete from private.outbound_pairs where conversation_id = old.id;
  return old;
end
$$;
create trigger end_outbound before delete on public.conversations
  for each row execute function private.end_outbound();

create function public.ring_doorbell() returns uuid
language plpgsql set search_path = ''
as $$
declare
  canary uuid := gen_random_uuid();
begin
  delete from public.outbox where workspace_id is null and available_at < now() - interval '1 minute';
  insert into public.outbox (message_id) values (canary);
  return canary;
end
$$;
comment on function public.ring_doorbell() is
  'Puts a row into the outbox that is no message: a worker that does not hear of it through Realtime knows that its doorbell is broken.';
grant execute on function public.ring_doorbell() to service_role;
