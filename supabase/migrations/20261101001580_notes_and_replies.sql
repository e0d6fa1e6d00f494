-- What a workspace writes down for itself: about people, and to answer with.
create table public.contact_notes (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null,
  contact_id uuid not null,
  body text not null check (char_length(body) between 1 and 10000),
  created_by uuid default auth.uid(),
  created_at timestamptz not null default now(),
  unique (workspace_id, id),
  foreign key (workspace_id, contact_id) references public.contacts (workspace_id, id) on delete cascade
);
create index contact_notes_contact on public.contact_notes (workspace_id, contact_id, created_at desc);
comment on table public.contact_notes is 'What members write down about a contact, for each other. It goes with the contact.';
comment on column public.contact_notes.created_by is 'Whose session wrote it; stays when they leave.';

alter table public.contact_notes enable row level security;
create policy "members read notes" on public.contact_notes
  for select to authenticated using (workspace_id in (select private.user_workspace_ids()));
create policy "members write notes" on public.contact_notes
  for insert to authenticated with check (workspace_id in (select private.user_workspace_ids()));
create policy "members change notes" on public.contact_notes
  for update to authenticated
  using (workspace_id in (select private.user_workspace_ids()))
  with check (workspace_id in (select private.user_workspace_ids()));
create policy "members delete notes" on public.contact_notes
  for delete to authenticated using (workspace_id in (select private.user_workspace_ids()));
grant select, delete on public.contact_notes to authenticated;
grant insert (workspace_id, contact_id, body), update (body) on public.contact_notes to authenticated;
grant select, insert, update, delete on public.contact_notes to service_role;

create table public.canned_replies (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  shortcut text not null check (shortcut ~ '^\S{1,50}$'),
  body text not null check (char_length(body) between 1 and 4096),
  created_at timestamptz not null default now(),
  unique (workspace_id, shortcut)
);
comment on table public.canned_replies is 'Texts that a workspace answers with again and again, each under a word without spaces.';

alter table public.canned_replies enable row level security;
create policy "members read canned replies" on public.canned_replies
  for select to authenticated using (workspace_id in (select private.user_workspace_ids()));
create policy "members write canned replies" on public.canned_replies
  for insert to authenticated with check (workspace_id in (select private.user_workspace_ids()));
create policy "members change canned replies" on public.canned_replies
  for update to authenticated
  using (workspace_id in (select private.user_workspace_ids()))
  with check (workspace_id in (select private.user_workspace_ids()));
create policy "members delete canned replies" on public.canned_replies
  for delete to authenticated using (workspace_id in (select private.user_workspace_ids()));
grant select, delete on public.canned_replies to authenticated;
grant insert (workspace_id, shortcut, body), update (shortcut, body) on public.canned_replies to authenticated;
grant select, insert, update, delete on public.canned_replies to service_role;
