"""The inbox's questions in plain SQL, each written for itself alone: no membership, no filters to read, no errors.

Asked by the tables' owner, so without row level security, over the same indexes and for the same columns.
"""

from __future__ import annotations

from typing import LiteralString

_COLUMNS: LiteralString = """
select thread.id, thread.workspace_id, thread.connection_id, thread.phone_number_id, thread.phone, thread.bsuid,
  thread.group_id,
  coalesce(nullif(contact.name, ''), nullif(contact.profile_name, ''), thread.phone, thread.bsuid, thread.group_id)
    as title,
  case when contact.id is not null then jsonb_build_object('id', contact.id, 'name', contact.name,
    'profile_name', contact.profile_name, 'phone', contact.phone, 'tags', contact.tags,
    'marketing_opted_out_at', contact.marketing_opted_out_at) end as contact,
  thread.status, thread.is_read, thread.unread_count, thread.assigned_to, thread.last_message_at,
    thread.last_message_preview,
  thread.last_message_direction, thread.last_customer_message_at, thread.window_expires_at,
  coalesce(thread.window_expires_at > now(), false) as is_window_open,
  case when thread.window_expires_at > now() then ceil(extract(epoch from thread.window_expires_at - now()))::integer
    else 0 end,
  (extract(epoch from thread.sort_at) * 1000000)::bigint || '.' || thread.id as cursor"""
_LISTED: LiteralString = (
    _COLUMNS
    + """
from page
join public.conversations as thread on thread.id = page.id
left join public.contacts as contact on contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id
order by page.sort_at desc, page.id desc"""
)
LIST: LiteralString = (
    """
with page as (
  select stretch.id, stretch.sort_at
  from unnest(%(connections)s::uuid[]) as own (id) cross join unnest(%(states)s::smallint[]) as list (state)
  cross join lateral (
    select place.conversation_id as id, place.sort_at from private.inbox_places as place
    where place.connection_id = own.id and place.state = list.state and (place.sort_at, place.conversation_id) < (%(before_at)s, %(before_id)s)
    order by place.sort_at desc, place.conversation_id desc limit 50) as stretch
  order by stretch.sort_at desc, stretch.id desc limit 50)"""
    + _LISTED
)
MINE: LiteralString = (
    """
with page as (
  select stretch.id, stretch.sort_at
  from unnest(%(connections)s::uuid[]) as own (id) cross join unnest('{1,3}'::smallint[]) as list (state)
  cross join lateral (
    select place.conversation_id as id, place.sort_at from private.inbox_places as place
    where place.assigned_to = %(me)s and place.connection_id = own.id and place.state = list.state
    order by place.sort_at desc, place.conversation_id desc limit 50) as stretch
  order by stretch.sort_at desc, stretch.id desc limit 50)"""
    + _LISTED
)
NOBODYS: LiteralString = (
    """
with page as (
  select stretch.id, stretch.sort_at
  from unnest(%(connections)s::uuid[]) as own (id) cross join unnest('{0,2}'::smallint[]) as list (state)
  cross join lateral (
    select place.conversation_id as id, place.sort_at from private.inbox_places as place
    where place.connection_id = own.id and place.state = list.state
    order by place.sort_at desc, place.conversation_id desc limit 50) as stretch
  order by stretch.sort_at desc, stretch.id desc limit 50)"""
    + _LISTED
)
_OF_CONTACTS: LiteralString = """
  select thread.id, thread.sort_at from public.contacts as contact
  join public.conversations as thread on thread.workspace_id = contact.workspace_id and thread.contact_id = contact.id
  where private.contact_words(contact.workspace_id, contact.name, contact.profile_name, contact.phone, contact.tags)
    @@ %(contact_query)s::tsquery and thread.workspace_id = %(workspace)s and thread.status = 'open'"""
TAGGED: LiteralString = "with page as (" + _OF_CONTACTS + " order by 2 desc, 1 desc limit 50)" + _LISTED
SEARCH: LiteralString = (
    "with page as ("
    + _OF_CONTACTS
    + """
  union
  select thread.id, thread.sort_at from public.messages as message
  join public.conversations as thread on thread.id = message.conversation_id
  where private.message_words(message.workspace_id, message.type, message.content) @@ %(message_query)s::tsquery
    and message.type in ('text', 'button', 'template', 'location', 'contacts', 'interactive', 'image', 'video',
      'document')
    and thread.workspace_id = %(workspace)s and thread.status = 'open'
  order by 2 desc, 1 desc limit 50)"""
    + _LISTED
)
STATS: LiteralString = """
with windows as (
  select count(*) as open
  from unnest(%(connections)s::uuid[]) as own (id) cross join generate_series(0, 3) as list (state)
  join private.inbox_places as place on place.connection_id = own.id and place.state = list.state
    and place.sort_at > now() - interval '24 hours'
  where place.window_expires_at > now())
select coalesce(sum(total), 0)::bigint, coalesce(sum(unread), 0)::bigint, coalesce(sum(archived), 0)::bigint,
  (coalesce(sum(total - archived), 0) - (select open from windows))::bigint
from private.conversation_counts where workspace_id = %(workspace)s"""
THREAD: LiteralString = """
select page.id, page.conversation_id, page.direction, page.type, page.content, page.status, page.error,
  page.occurred_at,
  page.sent_at, page.delivered_at, page.read_at, page.failed_at, page.edited_at, page.revoked_at, page.sent_by,
  page.client_reference, page.media_status, page.media_path, page.media_mime_type, page.media_size, page.media_filename,
  page.media_width, page.media_height, page.media_duration, page.media_error, page.profile_name, page.wamid,
    page.reply_to_wamid,
  target.shown, coalesce(reactions.shown, '[]')
from (
  select message.* from public.messages as message
  where message.workspace_id = %(workspace)s and message.conversation_id = %(thread)s
    and message.type not in ('reaction', 'edit', 'revoke') and (message.occurred_at, message.seq) < (%(before_at)s,
      %(before_seq)s)
  order by message.occurred_at desc, message.seq desc limit 50
) as page
left join lateral (
  select jsonb_build_object('id', target.id, 'direction', target.direction, 'type', target.type,
    'preview', private.message_preview(target.type, target.content, target.revoked_at is not null)) as shown
  from public.messages as target
  where target.connection_id = page.connection_id and target.wamid = page.reply_to_wamid
) as target on true
cross join lateral (
  select jsonb_agg(jsonb_build_object('emoji', last.content ->> 'emoji', 'direction', last.direction, 'wa_id',
    last.wa_id,
    'bsuid', last.bsuid, 'occurred_at', last.occurred_at) order by last.occurred_at, last.seq) as shown
  from (
    select distinct on (reaction.direction) reaction.*
    from public.messages as reaction
    where reaction.connection_id = page.connection_id and reaction.reply_to_wamid = page.wamid and reaction.type =
      'reaction'
      and reaction.status not in ('failed', 'canceled')
    order by reaction.direction, reaction.occurred_at desc, reaction.seq desc
  ) as last
  where last.content ->> 'emoji' <> ''
) as reactions
order by page.occurred_at desc, page.seq desc"""
