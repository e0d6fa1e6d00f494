-- Message templates as the provider has them.
create table public.message_templates (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  connection_id uuid not null,
  provider_template_id text,
  name text not null,
  language text not null,
  category text,
  status text not null,
  quality text,
  components jsonb not null default '[]',
  reason text,
  as_of jsonb not null default '{}',
  synced_at timestamptz not null default now(),
  unique (workspace_id, connection_id, name, language),
  foreign key (workspace_id, connection_id) references public.whatsapp_connections (workspace_id, id) on delete cascade
);
comment on table public.message_templates is 'Templates of a connection, synced from the provider.';
comment on column public.message_templates.reason is 'Why it was rejected, paused or disabled, in the provider''s words.';
comment on column public.message_templates.as_of is 'When the provider last spoke of status, category, quality and components: an older word that comes late changes nothing.';
create index message_templates_provider_id on public.message_templates (connection_id, provider_template_id);
alter table public.message_templates enable row level security;
create policy "members read templates" on public.message_templates
  for select to authenticated using (workspace_id in (select private.user_workspace_ids()));
grant select on public.message_templates to authenticated;
grant select, insert, update, delete on public.message_templates to service_role;
