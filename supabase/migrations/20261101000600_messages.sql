-- Messages in and out, one row each, content in the Cloud API's own shape.

create function private.message_preview(type text, content jsonb, revoked boolean default false) returns text
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return case when revoked then '🚫' else left(regexp_replace(btrim(concat_ws(' ',
    case message_preview.type
      when 'text' then null
      when 'image' then '🖼'
      when 'video' then '🎬'
      when 'audio' then '🎤'
      when 'document' then '📄'
      when 'sticker' then '💟'
      when 'location' then '📍'
      when 'contacts' then '👤'
      when 'template' then '📋'
      when 'order' then '🛒'
      when 'button' then null
      when 'interactive' then case content ->> 'type'
        when 'nfm_reply' then '📝' when 'call_permission_reply' then '📞' end
      when 'call' then '📞'
      else '❔'
    end,
    coalesce(
      case message_preview.type when 'text' then content ->> 'body' when 'button' then content ->> 'text' when 'order' then content ->> 'text' end,
      content ->> 'caption', content ->> 'filename', content ->> 'name',
      content #>> '{body,text}', content #>> '{button_reply,title}', content #>> '{list_reply,title}',
      content #>> '{nfm_reply,body}', content #>> '{0,name,formatted_name}', content #>> '{0,phones,0,phone}', content ->> 'address'
    )
  -- Only what is not a single space yet: most texts have nothing to replace.
  )), '[^\S ]\s*|\s{2,}', ' ', 'g'), 140) end;
end
$$;
comment on function private.message_preview(text, jsonb, boolean) is 'One line for the conversation list: a sign for the kind and what was written, no language, no ids.';

create function private.is_conversational(type text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return is_conversational.type not in ('reaction', 'edit', 'revoke', 'system');
end
$$;
comment on function private.is_conversational(text) is 'Whether a message of this type counts as unread, opens the window and becomes the preview.';

create table private.message_id_secret (secret uuid not null default gen_random_uuid());
insert into private.message_id_secret default values;
alter table private.message_id_secret enable row level security;
comment on table private.message_id_secret is 'One row: without it nobody can tell from a message''s id in which hour it was made.';

create function private.message_id_prefix() returns text
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (select left(md5(secret::text || floor(extract(epoch from now()) / 3600)), 8) from private.message_id_secret);
end
$$;
comment on function private.message_id_prefix() is 'The first eight digits of the ids of messages made in this hour.';

create function private.message_id(prefix text default private.message_id_prefix()) returns uuid
language plpgsql volatile set search_path = ''
as $$
begin
  return (prefix || substr(gen_random_uuid()::text, 9))::uuid;
end
$$;
comment on function private.message_id(text) is
  'A new message''s id: random, but for a beginning that the messages of an hour share. So they stand together in each index of ids, and a table of millions is written in the same few pages as a small one (bench/README.md).';
grant execute on function private.message_id_prefix() to authenticated, service_role;
grant execute on function private.message_id(text) to authenticated, service_role;

create table public.messages (
  id uuid primary key default private.message_id(),
  seq bigint generated always as identity,
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  connection_id uuid not null,
  conversation_id uuid,
  wamid text,
  wa_id text,
  bsuid text,
  profile_name text,
  direction text not null default 'outbound' check (direction in ('inbound', 'outbound')),
  type text not null check (type <> ''),
  content jsonb not null,
  original_content jsonb,
  imported boolean not null default false,
  status text not null default 'queued' check (status in (
    'received', 'queued', 'sending', 'sent', 'delivered', 'read', 'played', 'failed', 'uncertain', 'canceled')),
  reply_to_wamid text,
  sent_by uuid,
  client_reference text check (char_length(client_reference) between 1 and 200),
  send_after timestamptz,
  error jsonb,
  previous_attempts jsonb check (jsonb_typeof(previous_attempts) = 'array'),
  media_id text,
  media_status text check (media_status in ('pending', 'downloading', 'stored', 'failed', 'expired', 'corrupt')),
  media_path text,
  media_mime_type text,
  media_size bigint,
  media_sha256 text,
  media_filename text,
  media_width integer,
  media_height integer,
  media_duration real,
  media_error jsonb,
  occurred_at timestamptz not null default now(),
  sent_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  played_at timestamptz,
  failed_at timestamptz,
  edited_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  unique (workspace_id, id),
  unique (connection_id, wamid),
  unique (workspace_id, client_reference),
  check ((direction = 'inbound') = (status = 'received')),
  foreign key (workspace_id, connection_id) references public.whatsapp_connections (workspace_id, id),
  foreign key (workspace_id, conversation_id) references public.conversations (workspace_id, id)
    on delete set null (conversation_id)
  -- Room beside each row: its three or four reports, which change no index, change it in place.
) with (fillfactor = 60);
create index messages_thread on public.messages (workspace_id, conversation_id, occurred_at desc, seq desc);
comment on table public.messages is 'Every message, in and out. A member inserts conversation_id, type and content; the rest is the server''s.';
comment on column public.messages.id is 'Random, but for a beginning that the messages of an hour share: no order, no time to be read from it.';
comment on column public.messages.seq is 'Arrival number: breaks ties of occurred_at, which has a resolution of one second.';
comment on column public.messages.wa_id is 'The customer''s number in this message, as the provider wrote it: the sender of what came, the recipient of an echo.';
comment on column public.messages.bsuid is 'The customer''s business-scoped user id in this message.';
comment on column public.messages.profile_name is 'What the customer called themselves when they wrote it: in a group, who wrote.';
comment on column public.messages.imported is 'Out of the phone''s history: shown in its place, never unread.';
comment on column public.messages.original_content is 'What an edited message said first.';
comment on column public.messages.content is 'The Cloud API''s own object for the type, in and out.';
comment on column public.messages.occurred_at is 'The provider''s clock for what arrived, the insert for what is to be sent.';
comment on column public.messages.media_filename is 'What its sender called it: a name to offer, never a path.';
comment on column public.messages.media_width is 'Of an image or sticker in pixels, where its first kilobytes tell.';
comment on column public.messages.media_duration is 'Of a voice note in seconds, where its last page tells.';
comment on column public.messages.error is '{code, title, details, class, remedy} of the failure that ended the message.';

comment on column public.messages.previous_attempts is 'What became of it before somebody retried it: [{wamid, error, sent_at, failed_at}], oldest first.';

create function private.callback_data(message public.messages) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return message.id || coalesce('/' || nullif(jsonb_array_length(message.previous_attempts), 0), '');
end
$$;
comment on function private.callback_data(public.messages) is
  'What WhatsApp echoes in every report (biz_opaque_callback_data): the message''s id, and after a retry by hand the number of attempts before it.';
grant execute on function private.callback_data(public.messages) to service_role;

-- Invoker on purpose: a conversation that row level security hides is not found, exactly like one that does not exist.
create function private.prepare_message() returns trigger
language plpgsql set search_path = ''
-- By index, whatever the table was like when the session first came by.
set enable_seqscan = off
as $$
declare
  thread public.conversations;
begin
  if new.conversation_id is not null then
    select * into thread from public.conversations where id = new.conversation_id;
    if not found or new.workspace_id <> thread.workspace_id then
      raise exception 'no such conversation' using errcode = 'WA004';
    end if;
    new.workspace_id := thread.workspace_id;
    new.connection_id := coalesce(new.connection_id, thread.connection_id);
  elsif new.status = 'queued' and new.direction = 'outbound' then
    raise exception 'a message needs a conversation_id' using errcode = 'WA004';
  end if;
  if new.direction = 'inbound' then
    new.status := 'received';
  elsif new.status = 'queued' then
    new := private.prepare_outbound(new, thread);
  end if;
  return new;
end
$$;

create function private.need_open_window(thread public.conversations) returns void
language plpgsql stable set search_path = ''
as $$
begin
  if not public.is_window_open(thread) then
    raise exception 'the 24 hour window of this conversation is closed'
      using errcode = 'WA001', hint = 'Send a template; free-form messages may follow once the customer writes.';
  end if;
end
$$;
grant execute on function private.need_open_window(public.conversations) to authenticated, service_role;

create function private.prepare_outbound(message public.messages, thread public.conversations) returns public.messages
language plpgsql set search_path = ''
as $$
begin
  message.sent_by := coalesce((select auth.uid()), message.sent_by);
  perform private.check_envelope(
    message.type, message.content, message.client_reference, message.reply_to_wamid, message.send_after);
  if message.type = 'template' then
    -- WhatsApp needs a language; whoever names none means the workspace's.
    if coalesce(jsonb_typeof(message.content -> 'language'), 'null') = 'null' then
      message.content := message.content || jsonb_build_object('language', jsonb_build_object('code',
        (select default_language from public.workspaces where id = message.workspace_id)));
    elsif jsonb_typeof(message.content -> 'language') = 'string' then
      message.content := jsonb_set(message.content, '{language}', jsonb_build_object('code', message.content -> 'language'));
    end if;
  end if;
  perform private.check_content(message.type, message.content, message.workspace_id);
  if message.type = 'reaction' then
    if message.reply_to_wamid <> message.content ->> 'message_id' then
      perform private.refuse_content('WA016', 'reply_to_wamid', 'none: a reaction names its message in message_id alone');
    end if;
    message.reply_to_wamid := message.content ->> 'message_id';
  end if;
  if message.type = 'template' then
    if thread.phone is null then
      -- The code goes to a phone number; WhatsApp refuses to send it to a user id.
      if exists (
        select from public.message_templates as template
        where template.workspace_id = message.workspace_id and template.connection_id = message.connection_id
          and template.name = message.content ->> 'name' and template.language = message.content #>> '{language,code}'
          and upper(template.category) = 'AUTHENTICATION') then
        raise exception 'an authentication template needs a phone number' using errcode = 'WA017', detail = 'name',
          hint = 'This customer shows a username only: ask for the number first.';
      end if;
    end if;
  else
    perform private.need_open_window(thread);
  end if;
  return message;
end
$$;
grant execute on function private.prepare_outbound(public.messages, public.conversations) to authenticated, service_role;
-- What record_inbound writes comes complete; composite keys hold it to its tenant.
create trigger prepare_message before insert on public.messages
  for each row when (new.status = 'queued' or new.connection_id is null) execute function private.prepare_message();

alter table public.messages enable row level security;
create policy "members read messages" on public.messages
  for select to authenticated using (workspace_id in (select private.user_workspace_ids()));
create policy "members queue outbound messages" on public.messages
  for insert to authenticated
  with check (direction = 'outbound' and status = 'queued' and workspace_id in (select private.user_workspace_ids()));
grant select on public.messages to authenticated;
grant insert (workspace_id, conversation_id, direction, type, content, reply_to_wamid, client_reference, send_after)
  on public.messages to authenticated;
grant select, insert, update, delete on public.messages to service_role;
