-- A WhatsApp number of a workspace. Its credential lives in Vault; the reference is kept where no member can read.
create table public.whatsapp_connections (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  provider text not null default '360dialog' check (provider in ('360dialog', 'meta')),
  phone_number_id text not null unique check (phone_number_id <> ''),
  waba_id text,
  former_ids text[] not null default '{}',
  display_phone_number text,
  status text not null default 'active' check (status in ('active', 'paused', 'disconnected')),
  status_reason text,
  quality_rating text,
  messages_per_second integer not null default 80 check (messages_per_second between 1 and 1000),
  send_read_receipts boolean not null default false,
  media_downloads_at_once integer not null default 8 check (media_downloads_at_once between 1 and 64),
  media_lifetime interval not null default '7 days' check (media_lifetime between '1 minute' and '30 days'),
  last_error jsonb,
  provider_notices jsonb not null default '{}' check (jsonb_typeof(provider_notices) = 'object'),
  created_at timestamptz not null default now(),
  verified_at timestamptz default now(),
  unique (workspace_id, id)
);
create index whatsapp_connections_waba on public.whatsapp_connections (waba_id);
create index whatsapp_connections_former on public.whatsapp_connections using gin (former_ids);
comment on table public.whatsapp_connections is 'A WhatsApp number, reached through 360dialog or Meta. Its credential is in Vault and never readable here.';
comment on column public.whatsapp_connections.former_ids is
  'Phone number ids and WABA ids that the number had before it was moved: what still comes under them is its own.';
comment on column public.whatsapp_connections.verified_at is
  'Since when it is known that the number is this workspace''s; null while that is a member''s word alone, and then nothing is heard of it.';
comment on column public.whatsapp_connections.provider_notices is
  'What WhatsApp last said about the number or its account: by webhook field, {at, value} in the provider''s own shape.';
comment on column public.whatsapp_connections.send_read_receipts is 'Whether customers see blue ticks when a conversation is marked as read here.';
comment on column public.whatsapp_connections.media_downloads_at_once is 'How many files of the number are fetched at the same time, by all workers together.';
comment on column public.whatsapp_connections.media_lifetime is
  'How long the provider keeps a file that somebody sent: 7 days by its id (Meta, media reference); 60 minutes for numbers with Local Storage or No Storage at Meta. Files that come are fetched by then or expire.';
comment on column public.whatsapp_connections.status is 'active; paused (the queue waits, nothing fails; status_reason says why); disconnected.';

create table private.connection_credentials (
  connection_id uuid primary key references public.whatsapp_connections (id) on delete cascade,
  secret_id uuid not null,
  updated_at timestamptz not null default now()
);
comment on table private.connection_credentials is 'Which Vault secret belongs to which number.';
alter table private.connection_credentials enable row level security;

create function private.enforce_connection_limit() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  allowed integer;
begin
  -- The lock makes two inserts at once take turns, so the count below is the truth.
  select connection_limit into allowed from public.workspaces where id = new.workspace_id
  for no key update;
  if (select count(*) from public.whatsapp_connections where workspace_id = new.workspace_id) >= allowed then
    raise exception 'the workspace may connect % WhatsApp number(s)', allowed
      using errcode = 'WA002', hint = 'Raise workspaces.connection_limit or remove a connection.';
  end if;
  return new;
end
$$;
create trigger enforce_connection_limit before insert on public.whatsapp_connections
  for each row execute function private.enforce_connection_limit();
-- A number that moves in takes a place like a new one.
create trigger enforce_connection_limit_on_move before update of workspace_id on public.whatsapp_connections
  for each row when (old.workspace_id <> new.workspace_id) execute function private.enforce_connection_limit();

alter table public.whatsapp_connections enable row level security;
create policy "members see connections" on public.whatsapp_connections
  for select to authenticated using (workspace_id in (select private.user_workspace_ids()));
create policy "owners and admins set up connections" on public.whatsapp_connections
  for update to authenticated
  using (workspace_id in (select private.user_managed_workspace_ids()))
  with check (workspace_id in (select private.user_managed_workspace_ids()));
-- What customers see; how much of the machine a number gets, and for how long a file is tried, is the operator's.
grant select, update (send_read_receipts) on public.whatsapp_connections to authenticated;
grant select, insert, update, delete on public.whatsapp_connections to service_role;
