-- The thread of one WhatsApp user with one connection, and every identifier that user was seen under.
create table public.conversations (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  connection_id uuid not null,
  phone_number_id text not null,
  phone text,
  bsuid text,
  group_id text,
  contact_id uuid,
  status text not null default 'open' check (status in ('open', 'archived')),
  unread_count integer not null default 0 check (unread_count >= 0),
  is_read boolean not null generated always as (unread_count = 0) stored,
  read_through bigint not null default 0,
  last_customer_message_at timestamptz,
  window_expires_at timestamptz,
  last_message_at timestamptz,
  last_message_seq bigint,
  last_message_preview text,
  last_message_direction text check (last_message_direction in ('inbound', 'outbound')),
  assigned_to uuid,
  created_at timestamptz not null default now(),
  sort_at timestamptz not null generated always as (coalesce(last_message_at, created_at)) stored,
  unique (workspace_id, id),
  foreign key (workspace_id, connection_id) references public.whatsapp_connections (workspace_id, id),
  foreign key (workspace_id, contact_id) references public.contacts (workspace_id, id) on delete set null (contact_id),
  foreign key (workspace_id, assigned_to) references public.workspace_members (workspace_id, user_id)
    on delete set null (assigned_to),
  check (num_nonnulls(phone, bsuid, group_id) > 0)
) with (fillfactor = 80);
-- None has a column that a message changes: with room in its page a thread stays in its place, and no index hears of it.
-- The order of the inbox is in private.inbox_places.
create index conversations_connection on public.conversations (workspace_id, connection_id);
create index conversations_contact on public.conversations (workspace_id, contact_id);
create index conversations_assignee on public.conversations (workspace_id, assigned_to) where assigned_to is not null;
comment on table public.conversations is 'One thread per WhatsApp user and number. Its statistics are kept by triggers on messages.';
comment on column public.conversations.phone is 'The wa_id exactly as the provider sends it; null for users who show a username only.';
comment on column public.conversations.bsuid is 'The business-scoped user id, verbatim.';
comment on column public.conversations.group_id is 'A group thread: whoever writes in the group writes here; it has no phone, no user id and no contact.';
comment on column public.conversations.read_through is 'Arrival number of the newest message when it was last marked as read; unread_count counts customer messages after it.';
comment on column public.conversations.sort_at is 'Its place in the inbox: when its newest message was; of a thread without any, when it was made.';
comment on column public.conversations.window_expires_at is 'Until when free-form messages may be sent: the last customer message plus 24 hours.';

create table private.conversation_identifiers (
  connection_id uuid not null references public.whatsapp_connections (id) on delete cascade,
  identifier text not null,
  -- Deferred: an arriving message first wins the identifier, then creates the conversation it names.
  conversation_id uuid not null references public.conversations (id) on delete cascade deferrable initially deferred,
  -- Read with every message, by its index alone.
  primary key (connection_id, identifier) include (conversation_id)
);
create index conversation_identifiers_conversation on private.conversation_identifiers (conversation_id);
comment on table private.conversation_identifiers is 'Phone key, BSUID or parent BSUID to conversation; the primary key decides who is first.';
alter table private.conversation_identifiers enable row level security;

create function private.fill_conversation() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- Locked as the foreign key does in a moment: of a number that is just being moved, the new id.
  select phone_number_id into new.phone_number_id from public.whatsapp_connections where id = new.connection_id for key share;
  return new;
end
$$;
create trigger fill_conversation before insert on public.conversations
  for each row when (new.phone_number_id is null) execute function private.fill_conversation();

create function private.register_identifiers() returns trigger
language plpgsql security definer set search_path = ''
-- By index, whatever the table was like when the session first came by: thousands may follow in one statement.
set enable_seqscan = off
as $$
begin
  insert into private.conversation_identifiers (connection_id, identifier, conversation_id)
  select new.connection_id, identifier, new.id
  from unnest(array[private.phone_key(new.phone), new.bsuid, 'group:' || new.group_id]) as seen (identifier)
  where identifier is not null
  on conflict do nothing;
  if exists (
    select from private.conversation_identifiers as taken
    where taken.connection_id = new.connection_id and taken.conversation_id <> new.id
      and taken.identifier in (private.phone_key(new.phone), new.bsuid, 'group:' || new.group_id)
  ) then
    raise unique_violation using message = 'this user already has a conversation with this connection';
  end if;
  return null;
end
$$;
create trigger register_identifiers after insert on public.conversations
  for each row execute function private.register_identifiers();

create function public.is_window_open(conversation public.conversations) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return coalesce(conversation.window_expires_at > now(), false);
end
$$;
comment on function public.is_window_open(public.conversations) is 'Whether free-form messages may be sent to this conversation now.';
grant execute on function public.is_window_open(public.conversations) to authenticated, service_role;

alter table public.conversations enable row level security;
create policy "members read conversations" on public.conversations
  for select to authenticated using (workspace_id in (select private.user_workspace_ids()));
grant select on public.conversations to authenticated;
grant select, insert, update, delete on public.conversations to service_role;
