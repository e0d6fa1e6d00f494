-- People of a workspace, found by phone whatever way it is written.

create function private.phone_key(phone text) returns text
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  digits text := translate(phone, '+(). -', '');
begin
  -- Brazil, Argentina and Mexico: one subscriber is reached with and without an extra digit, and WhatsApp itself
  -- changes it at will. Only the key folds the variants; the number is stored as it came. What is no number at all
  -- stands for itself.
  return case
    when digits !~ '^[0-9]+$' then phone
    when digits ~ '^55[1-9][0-9]9[6-9][0-9]{7}$' then left(digits, 4) || right(digits, 8)
    when digits ~ '^549[0-9]{10}$' then '54' || right(digits, 10)
    when digits ~ '^521[0-9]{10}$' then '52' || right(digits, 10)
    else digits
  end;
end
$$;
comment on function private.phone_key(text) is 'What two spellings of one phone number have in common. For matching only, never for sending.';
grant execute on function private.phone_key(text) to authenticated, service_role;

create table public.contacts (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  phone text check (phone ~ '^\+[1-9][0-9]{4,14}$'),
  phone_key text generated always as (private.phone_key(phone)) stored,
  bsuid text,
  name text,
  synced_name text,
  synced_name_at timestamptz,
  profile_name text,
  profile_name_at timestamptz,
  tags text[] not null default '{}',
  attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
  marketing_opted_out_at timestamptz,
  marketing_preference_at timestamptz,
  created_at timestamptz not null default now(),
  unique (workspace_id, id),
  unique (workspace_id, phone_key),
  unique (workspace_id, bsuid)
  -- Room beside each row, so that what changes often and stands in no index changes in place.
) with (fillfactor = 90);
comment on table public.contacts is 'People of a workspace. name is what a person of the workspace gave; profile_name is what WhatsApp says.';
comment on column public.contacts.phone is 'E.164 with its plus sign; null for people known by a username only.';
comment on column public.contacts.bsuid is 'The business-scoped user id under which WhatsApp last showed this person.';
comment on column public.contacts.synced_name is 'What the phone''s address book says; it is the name, too, until a person of the workspace gives another.';
comment on column public.contacts.synced_name_at is 'The provider''s clock for synced_name.';
comment on column public.contacts.profile_name_at is 'A moment at which profile_name was the person''s name; later messages may say it, too.';
comment on column public.contacts.marketing_preference_at is 'The provider''s clock for what this person last said about marketing, stop or resume.';
comment on column public.contacts.phone_key is 'Computed: the form in which variants of one number are equal.';

alter table public.contacts enable row level security;
create policy "members read contacts" on public.contacts
  for select to authenticated using (workspace_id in (select private.user_workspace_ids()));
create policy "members add contacts" on public.contacts
  for insert to authenticated with check (workspace_id in (select private.user_workspace_ids()));
create policy "members change contacts" on public.contacts
  for update to authenticated
  using (workspace_id in (select private.user_workspace_ids()))
  with check (workspace_id in (select private.user_workspace_ids()));
create policy "members delete contacts" on public.contacts
  for delete to authenticated using (workspace_id in (select private.user_workspace_ids()));
grant select, delete on public.contacts to authenticated;
grant insert (workspace_id, phone, name, tags, attributes) on public.contacts to authenticated;
grant update (phone, name, tags, attributes) on public.contacts to authenticated;
grant select, insert, update, delete on public.contacts to service_role;
