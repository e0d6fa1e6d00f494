-- A thread as a frontend shows it: each message with what it answers and what people put to it.

create index messages_reactions on public.messages (connection_id, reply_to_wamid) where type = 'reaction';

create type public.conversation_message as (
  id uuid, conversation_id uuid, direction text, type text, content jsonb, status text, error jsonb, occurred_at timestamptz,
  sent_at timestamptz, delivered_at timestamptz, read_at timestamptz, failed_at timestamptz, edited_at timestamptz,
  revoked_at timestamptz, sent_by uuid, client_reference text, media_status text, media_path text, media_mime_type text,
  media_size bigint, media_filename text, media_width integer, media_height integer, media_duration real, media_error jsonb,
  profile_name text, wamid text, reply_to_wamid text, reply_to jsonb, reactions jsonb);
comment on type public.conversation_message is 'A row of get_conversation_messages.';

create function private.get_conversation_messages(conversation_id uuid, "limit" integer, before uuid)
returns setof public.conversation_message
language plpgsql stable security definer set search_path = ''
-- One plan for all threads, long or short: making it anew takes longer than the page.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  thread public.conversations := private.visible_conversation(get_conversation_messages.conversation_id);
  page_size integer := private.page_size(get_conversation_messages.limit);
  before_at timestamptz := 'infinity';
  before_seq bigint := 0;
  place_of uuid;
begin
  if before is not null then
    -- By its id alone: with the thread beside it, the whole thread would be read to find it.
    select message.occurred_at, message.seq, message.conversation_id into before_at, before_seq, place_of
    from public.messages as message where message.id = before;
    if place_of is distinct from thread.id then
      raise exception 'no such message' using errcode = 'WA004';
    end if;
  end if;
  return query
  select page.id, page.conversation_id, page.direction, page.type, page.content, page.status, page.error, page.occurred_at,
    page.sent_at, page.delivered_at, page.read_at, page.failed_at, page.edited_at, page.revoked_at, page.sent_by,
    page.client_reference, page.media_status, page.media_path, page.media_mime_type, page.media_size, page.media_filename,
    page.media_width, page.media_height, page.media_duration, page.media_error, page.profile_name, page.wamid, page.reply_to_wamid,
    target.shown, coalesce(reactions.shown, '[]')
  from (
    select message.* from public.messages as message
    where message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
      and message.type not in ('reaction', 'edit', 'revoke') and (message.occurred_at, message.seq) < (before_at, before_seq)
    order by message.occurred_at desc, message.seq desc limit page_size
  ) as page
  left join lateral (
    select jsonb_build_object('id', target.id, 'direction', target.direction, 'type', target.type,
      'preview', private.message_preview(target.type, target.content, target.revoked_at is not null)) as shown
    from public.messages as target
    where target.connection_id = page.connection_id and target.wamid = page.reply_to_wamid
  ) as target on true
  cross join lateral (
    -- Of each person the last: in a group by who it is, else by the side. One without an emoji takes the one before it away.
    select jsonb_agg(jsonb_build_object('emoji', last.content ->> 'emoji', 'direction', last.direction, 'wa_id', last.wa_id,
      'bsuid', last.bsuid, 'occurred_at', last.occurred_at) order by last.occurred_at, last.seq) as shown
    from (
      select distinct on (who.is) reaction.*
      from public.messages as reaction
      cross join lateral (
        select case when thread.group_id is not null and reaction.direction = 'inbound' then coalesce(reaction.bsuid, reaction.wa_id)
          else reaction.direction end as is) as who
      where reaction.connection_id = page.connection_id and reaction.reply_to_wamid = page.wamid and reaction.type = 'reaction'
        and reaction.status not in ('failed', 'canceled')
      order by who.is, reaction.occurred_at desc, reaction.seq desc
    ) as last
    where last.content ->> 'emoji' <> ''
  ) as reactions
  order by page.occurred_at desc, page.seq desc;
end
$$;
comment on function private.get_conversation_messages(uuid, integer, uuid) is 'get_conversation_messages, for whoever belongs to the workspace.';
revoke execute on function private.get_conversation_messages(uuid, integer, uuid) from public;
grant execute on function private.get_conversation_messages(uuid, integer, uuid) to authenticated, service_role;

create function public.get_conversation_messages(conversation_id uuid, "limit" integer default 50, before uuid default null)
returns setof public.conversation_message
language plpgsql stable set search_path = ''
as $$
begin
  return query
  select * from private.get_conversation_messages(
    get_conversation_messages.conversation_id, get_conversation_messages.limit, get_conversation_messages.before);
end
$$;
comment on function public.get_conversation_messages(uuid, integer, uuid) is
  'A page of a thread, newest first: at most `limit` (1 to 200) messages before the one with the id `before`. Reactions, edits and revokes are in what they change. WA004, WA024.';
grant execute on function public.get_conversation_messages(uuid, integer, uuid) to authenticated, service_role;
