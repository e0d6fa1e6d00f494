"""The rows of a crowd, each statement for a stretch of people at once, and what proves them."""

from __future__ import annotations

from typing import LiteralString

NAMES: LiteralString = (
    "Dana Noa Tamar Yael Maya Lior Omer Amit Tal Gal Adi Shira Roni Eden Neta Rivka Sara Leah David Moshe"
    " Yosef Ahmed Fatima Layla Omar Anna Olga Ivan Maria Jose Luis Ana Joao Priya Rahul Wei Chen Kofi Ama Zoe"
)

HOUSES: tuple[LiteralString, ...] = (
    "insert into workspaces (id, name, connection_limit)"
    " select id, 'bench', %(numbers)s from unnest(%(workspaces)s::uuid[]) as id",
    "insert into whatsapp_connections (id, workspace_id, provider, phone_number_id)"
    " select id, (%(workspaces)s::uuid[])[1 + (place - 1) / %(numbers)s], '360dialog',"
    " (100000000000000 + ('x' || left(id::text, 8))::bit(32)::bigint)::text"
    " from unnest(%(connections)s::uuid[]) with ordinality as number (id, place)",
    "insert into auth.users (id, email) select id, id || '@example.com' from unnest(%(agents)s::uuid[]) as id"
    " on conflict do nothing",
    "insert into workspace_members (workspace_id, user_id, role)"
    " select (%(workspaces)s::uuid[])[1 + (place - 1) / %(agents_each)s], id, 'agent'"
    " from unnest(%(agents)s::uuid[]) with ordinality as agent (id, place)",
)
SENTENCES: LiteralString = """
create temp table bench_sentences as
select number, string_agg('w' || floor(2000 * power((
    hashint4((number * 8 + place)::integer) + 2147483648) / 4294967296.0, 3)), ' ' order by place)
  || case when number %% 5 = 0 then ' hello' else '' end as words
from generate_series(0, 8191) as number, generate_series(1, 8) as place group by number"""
PEOPLE: LiteralString = """
create temp table bench_people as
select i, n, md5('thread ' || i)::uuid as conversation_id, md5('person ' || i)::uuid as contact_id,
  (%(workspaces)s::uuid[])[1 + house] as workspace_id,
  (%(connections)s::uuid[])[1 + house * %(numbers_each)s + i / 3 %% %(numbers_each)s] as connection_id,
  '97250' || lpad((i %% 10000000)::text, 7, '0') as phone, i %% 3 <> 0 as archived,
  case when i %% 60 = 0 then 1 + i / 60 %% 3 else 0 end as unread,
  case when i %% 30 = 0 then
    (%(agents)s::uuid[])[1 + house * %(agents_each)s + i / 30 %% %(agents_each)s] end as assigned_to,
  now() - power((i * 2654435761 %% 4294967296) / 4294967296.0, 1.5) * interval '730 days' as at
from generate_series(0::bigint, %(people)s - 1) as n,
  lateral (select %(first)s::bigint + n as i, n * cardinality(%(workspaces)s::uuid[]) / %(people)s as house) as whose"""
CONTACTS: LiteralString = """
insert into public.contacts (id, workspace_id, phone, profile_name, tags)
select contact_id, workspace_id, '+' || phone,
  split_part(%(names)s, ' ', (1 + i * 7919 %% 40)::integer) || ' '
    || case when i %% 500 = 7 and i < 10000 then 'Zwolinski' else 'Family' || i * 104729 %% 500 end,
  case when i %% 100 = 3 then '{vip}' when i %% 3 = 0 then '{returning}' else '{}' end::text[]
from bench_people"""
# Message m of a stretch is the next of each person in turn: neighbours in the table are of different threads, as in
# life. Its turn counts back from the newest, 0.
MESSAGES: LiteralString = """
insert into public.messages (id, seq, workspace_id, connection_id, conversation_id, wamid, direction, type,
  content, status, occurred_at, reply_to_wamid)
overriding system value
select md5('message ' || seq)::uuid, seq, workspace_id, connection_id, conversation_id, wamid,
  case when inbound then 'inbound' else 'outbound' end, type,
  case type when 'reaction' then jsonb_build_object('message_id', answered, 'emoji', '👍')
    when 'image' then jsonb_build_object('caption', words) else jsonb_build_object('body', words) end,
  case when inbound then 'received' else 'read' end, at - turn * interval '1 hour',
  case when type = 'reaction' or seq %% 16 = 1 then answered end
from (
  select person.*, sentence.words || case when seq %% 4 = 0 then ' ' || 1000000000 + seq else '' end
    || case when i %% 500 = 77 and i < 10000 and turn = 1 then ' banana' else '' end as words, seq, turn,
    turn < unread or (i + turn) %% 2 = 0 as inbound,
    case when turn >= 4 and seq %% 20 = 3 then 'reaction' when seq %% 20 = 7 then 'image' else 'text' end as type,
    'wamid.HBgMOTcyNTAxMjM0NTY3FQIAEhgUM0EwRTI' || lpad(seq::text, 12, '0') || 'AA==' as wamid,
    'wamid.HBgMOTcyNTAxMjM0NTY3FQIAEhgUM0EwRTI' || lpad((seq - %(abreast)s)::text, 12, '0') || 'AA==' as answered
  from (
    select %(sent)s + m as seq, %(oldest)s - m / %(abreast)s as turn, m %% %(abreast)s as n
    from generate_series(0::bigint, %(turns)s::bigint * %(abreast)s - 1) as m) as told
  join bench_people as person using (n)
  join bench_sentences as sentence on sentence.number = seq * 40503 %% 8192
) as message"""
CONVERSATIONS: LiteralString = """
insert into public.conversations (id, workspace_id, connection_id, phone_number_id, phone, contact_id, status,
  unread_count, read_through, assigned_to, last_customer_message_at, window_expires_at, last_message_at,
  last_message_seq, last_message_preview, last_message_direction)
select person.conversation_id, person.workspace_id, person.connection_id, number.phone_number_id,
  person.phone, person.contact_id,
  case when archived then 'archived' else 'open' end, unread, newest.seq - unread * %(abreast)s, assigned_to,
  wrote.at, wrote.at + interval '24 hours', newest.occurred_at, newest.seq,
  private.message_preview(newest.type, newest.content), newest.direction
from bench_people as person
join public.whatsapp_connections as number on number.id = person.connection_id
join public.messages as newest on newest.connection_id = person.connection_id and newest.wamid
  = 'wamid.HBgMOTcyNTAxMjM0NTY3FQIAEhgUM0EwRTI' || lpad((%(newest)s + n)::text, 12, '0') || 'AA=='
cross join lateral (
  select person.at - case when unread > 0 or i %% 2 = 0 then 0 else 1 end * interval '1 hour' as at) as wrote"""
IDENTIFIERS: LiteralString = """
insert into private.conversation_identifiers (connection_id, identifier, conversation_id)
select connection_id, private.phone_key(phone), conversation_id from bench_people"""
# All that hangs on no constraint: sorted in afterwards, which is several times as fast.
INDEXES = """
select format('drop index %%s', indexrelid::regclass), pg_get_indexdef(indexrelid) from pg_index
where indrelid = any (%s::regclass[]) and not exists (select from pg_constraint where conindid = indexrelid)"""
WRONG_STATS: LiteralString = """
with sample as (select array_agg(id) as ids from (
  select id from public.conversations where workspace_id = %(workspace)s
  order by md5(id::text) limit %(size)s) as drawn)
select count(*) from sample, private.stats_of(sample.ids) as truth
join public.conversations as thread on thread.id = truth.conversation_id
where (thread.unread_count, thread.last_customer_message_at, thread.window_expires_at, thread.last_message_at,
    thread.last_message_seq, thread.last_message_preview, thread.last_message_direction)
  is distinct from (truth.unread_count, truth.last_customer_message_at, truth.window_expires_at, truth.last_message_at,
    truth.last_message_seq, truth.last_message_preview, truth.last_message_direction)"""
COUNTED: LiteralString = """
select (select (total, unread, archived, window_closed)::text from public.get_conversation_stats(%(workspace)s)),
  (select (count(*), count(*) filter (where status = 'open' and unread_count > 0),
    count(*) filter (where status = 'archived'),
    count(*) filter (where status = 'open' and window_expires_at <= now()))::text
  from public.conversations where workspace_id = %(workspace)s)"""
