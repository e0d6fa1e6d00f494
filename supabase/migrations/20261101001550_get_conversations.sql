-- The inbox as a frontend shows it: a page of conversations, and one of them with all that stands beside it.

create type public.conversation_list_item as (
  id uuid, workspace_id uuid, connection_id uuid, phone_number_id text, phone text, bsuid text, group_id text, title text,
  contact jsonb, status text, is_read boolean, unread_count integer, assigned_to uuid, last_message_at timestamptz,
  last_message_preview text, last_message_direction text, last_customer_message_at timestamptz, window_expires_at timestamptz,
  is_window_open boolean, window_seconds_left integer, cursor text);
comment on type public.conversation_list_item is 'A row of get_conversations.';

create type public.conversation_details as (
  id uuid, workspace_id uuid, connection_id uuid, phone_number_id text, phone text, bsuid text, group_id text, title text,
  contact jsonb, status text, is_read boolean, unread_count integer, assigned_to uuid, last_message_at timestamptz,
  last_message_preview text, last_message_direction text, last_customer_message_at timestamptz, window_expires_at timestamptz,
  is_window_open boolean, window_seconds_left integer, cursor text, connection jsonb);
comment on type public.conversation_details is 'What get_conversation answers: a row of get_conversations with its connection, and its contact with attributes and notes.';

-- One select list for whoever lists: read inside other queries, as a function could not be.
create view private.conversation_items with (security_invoker = true) as
select thread.id, thread.workspace_id, thread.connection_id, thread.phone_number_id, thread.phone, thread.bsuid, thread.group_id,
  coalesce(nullif(contact.name, ''), nullif(contact.profile_name, ''), thread.phone, thread.bsuid, thread.group_id) as title,
  case when contact.id is not null then jsonb_build_object('id', contact.id, 'name', contact.name,
    'profile_name', contact.profile_name, 'phone', contact.phone, 'tags', contact.tags,
    'marketing_opted_out_at', contact.marketing_opted_out_at) end as contact,
  thread.status, thread.is_read, thread.unread_count, thread.assigned_to, thread.last_message_at, thread.last_message_preview,
  thread.last_message_direction, thread.last_customer_message_at, thread.window_expires_at,
  coalesce(thread.window_expires_at > now(), false) as is_window_open,
  case when thread.window_expires_at > now() then ceil(extract(epoch from thread.window_expires_at - now()))::integer else 0 end as window_seconds_left,
  -- A place in the inbox: microseconds, then the conversation.
  (extract(epoch from thread.sort_at) * 1000000)::bigint || '.' || thread.id as cursor
from public.conversations as thread
left join public.contacts as contact on contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id;
comment on view private.conversation_items is 'Conversations as the inbox lists them: rows of public.conversation_list_item.';

create function private.get_conversations(workspace_id uuid, filters jsonb) returns setof public.conversation_list_item
language plpgsql stable security definer set search_path = ''
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  ids uuid[];
begin
  perform private.need_workspace(get_conversations.workspace_id);
  ids := private.find_conversations(private.read_filters(get_conversations.workspace_id, coalesce(nullif(filters, 'null'), '{}')));
  return query
  select item.* from unnest(ids) with ordinality as page (id, place)
  join private.conversation_items as item on item.id = page.id
  order by page.place;
end
$$;
comment on function private.get_conversations(uuid, jsonb) is
  'get_conversations, for whoever belongs to the workspace. Definer: the operators of a search are not leakproof, and under row level security their index would lie idle.';
revoke execute on function private.get_conversations(uuid, jsonb) from public;
grant execute on function private.get_conversations(uuid, jsonb) to authenticated, service_role;

create function public.get_conversations(workspace_id uuid, filters jsonb default '{}')
returns setof public.conversation_list_item
language plpgsql stable set search_path = ''
as $$
begin
  return query select * from private.get_conversations(get_conversations.workspace_id, get_conversations.filters);
end
$$;
comment on function public.get_conversations(uuid, jsonb) is
  'A page of the inbox, newest first. filters: search, status, unread, assignee, tags, connection_id, limit, and cursor, that of the last row seen. WA004, WA024.';
grant execute on function public.get_conversations(uuid, jsonb) to authenticated, service_role;

create function private.visible_conversation(conversation_id uuid) returns public.conversations
language plpgsql stable security definer set search_path = ''
as $$
declare
  thread public.conversations;
begin
  select * into thread from public.conversations as own
  where own.id = visible_conversation.conversation_id and (
    exists (
      select from public.workspace_members as member
      where member.workspace_id = own.workspace_id and member.user_id = (select auth.uid()))
    or private.is_backend());
  if not found then
    raise exception 'no such conversation' using errcode = 'WA004';
  end if;
  return thread;
end
$$;
comment on function private.visible_conversation(uuid) is 'A conversation of the caller''s. WA004: there is none, or it is somebody else''s.';
revoke execute on function private.visible_conversation(uuid) from public;
grant execute on function private.visible_conversation(uuid) to authenticated, service_role;

create function private.get_conversation(conversation_id uuid) returns setof public.conversation_details
language plpgsql stable security definer set search_path = ''
set enable_seqscan = off
as $$
declare
  thread public.conversations := private.visible_conversation(conversation_id);
  item public.conversation_list_item;
begin
  select * into item from private.conversation_items as listed where listed.id = thread.id;
  item.contact := item.contact || (
    select jsonb_build_object('attributes', contact.attributes, 'notes', coalesce((
      select jsonb_agg(jsonb_build_object('id', note.id, 'body', note.body, 'created_by', note.created_by, 'created_at', note.created_at)
        order by note.created_at desc, note.id)
      from public.contact_notes as note where note.workspace_id = contact.workspace_id and note.contact_id = contact.id), '[]'))
    from public.contacts as contact where contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id);
  return query
  select item.*, jsonb_build_object('id', connection.id, 'display_phone_number', connection.display_phone_number,
    'provider', connection.provider, 'status', connection.status)
  from public.whatsapp_connections as connection where connection.id = thread.connection_id;
end
$$;
comment on function private.get_conversation(uuid) is 'get_conversation, for whoever belongs to its workspace.';
revoke execute on function private.get_conversation(uuid) from public;
grant execute on function private.get_conversation(uuid) to authenticated, service_role;

create function public.get_conversation(conversation_id uuid) returns setof public.conversation_details
language plpgsql stable set search_path = ''
as $$
begin
  return query select * from private.get_conversation(get_conversation.conversation_id);
end
$$;
comment on function public.get_conversation(uuid) is 'One conversation as get_conversations lists it, with its connection, and its contact''s attributes and notes. WA004.';
grant execute on function public.get_conversation(uuid) to authenticated, service_role;
