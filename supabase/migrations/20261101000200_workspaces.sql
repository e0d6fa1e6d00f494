-- The tenant and who belongs to it. Every other row hangs off a workspace.
create table public.workspaces (
  id uuid primary key default gen_random_uuid(),
  name text not null check (char_length(name) between 1 and 200),
  default_language text not null default 'he' check (char_length(default_language) between 2 and 15),
  connection_limit integer not null default 1 check (connection_limit >= 0),
  media_retention_days integer check (media_retention_days between 1 and 36500),
  broadcasts boolean not null default false,
  deleted_at timestamptz,
  created_at timestamptz not null default now()
);
comment on table public.workspaces is 'A tenant. Row level security keeps everything below it apart from other workspaces.';
comment on column public.workspaces.default_language is 'Template language when a send names none.';
comment on column public.workspaces.connection_limit is 'How many WhatsApp numbers the workspace may connect.';
comment on column public.workspaces.media_retention_days is 'After how many days the files of its messages leave the bucket; null: never. For owners and admins to set.';
comment on column public.workspaces.broadcasts is 'Whether its topic workspace:<id> is told of every change. For owners and admins to set.';
comment on column public.workspaces.deleted_at is 'Since when it is being deleted: it has no members any more, and its rows are on their way out.';

create table public.workspace_members (
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'agent')),
  created_at timestamptz not null default now(),
  primary key (workspace_id, user_id)
);
create index workspace_members_user on public.workspace_members (user_id);
comment on table public.workspace_members is 'Who may work in a workspace, and as what: owner, admin or agent.';

-- Definer, or the policy on workspace_members would ask itself. Set-returning and parameterless, so that a policy
-- evaluates it once per statement and not once per row. In plpgsql, which keeps its plan: every statement of a member asks
-- it, and so does Realtime for every change and subscriber.
create function private.user_workspace_ids() returns setof uuid
language plpgsql stable security definer set search_path = ''
as $$
begin
  return query select workspace_id from public.workspace_members where user_id = (select auth.uid());
end
$$;
comment on function private.user_workspace_ids() is 'The workspaces the signed-in user belongs to.';
grant execute on function private.user_workspace_ids() to authenticated;

create function private.user_managed_workspace_ids() returns setof uuid
language plpgsql stable security definer set search_path = ''
as $$
begin
  return query
  select workspace_id from public.workspace_members
  where user_id = (select auth.uid()) and role in ('owner', 'admin');
end
$$;
comment on function private.user_managed_workspace_ids() is 'The workspaces the signed-in user is owner or admin of.';
grant execute on function private.user_managed_workspace_ids() to authenticated;

create function private.is_backend() returns boolean
language sql stable set search_path = ''
as $$
  select coalesce(auth.jwt() ->> 'role', 'service_role') = 'service_role'
$$;
comment on function private.is_backend() is
  'True for service_role and for a direct SQL session (the Data API always sets a role claim); false for users.';

alter table public.workspaces enable row level security;
create policy "members see their workspaces" on public.workspaces
  for select to authenticated using (id in (select private.user_workspace_ids()));
create policy "owners and admins set up their workspaces" on public.workspaces
  for update to authenticated
  using (id in (select private.user_managed_workspace_ids()))
  with check (id in (select private.user_managed_workspace_ids()));
-- connection_limit is the operator's.
grant select, update (name, default_language, media_retention_days, broadcasts) on public.workspaces to authenticated;
grant select, insert, update, delete on public.workspaces to service_role;

alter table public.workspace_members enable row level security;
create policy "members see who else is a member" on public.workspace_members
  for select to authenticated using (workspace_id in (select private.user_workspace_ids()));
grant select on public.workspace_members to authenticated;
grant select, insert, update, delete on public.workspace_members to service_role;
