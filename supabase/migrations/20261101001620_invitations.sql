-- The way into a workspace: an address is invited, and whoever signs in with it and brings the token becomes a member.
create table public.workspace_invitations (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  email text not null check (email = lower(email) and char_length(email) <= 320),
  role text not null check (role in ('owner', 'admin', 'agent')),
  invited_by uuid,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '7 days',
  unique (workspace_id, email)
);
comment on table public.workspace_invitations is 'Who was invited and has not come yet. Owners and admins read and withdraw them.';
comment on column public.workspace_invitations.invited_by is 'The member who invited; when they leave, the invitation goes, too.';

create table private.invitation_tokens (
  invitation_id uuid primary key references public.workspace_invitations (id) on delete cascade,
  token_hash bytea not null unique
);
comment on table private.invitation_tokens is 'SHA-256 of each invitation''s token; the token itself is told once, to whoever invites.';
alter table private.invitation_tokens enable row level security;

create function private.user_owned_workspace_ids() returns setof uuid
language sql stable security definer set search_path = ''
as $$
  select workspace_id from public.workspace_members where user_id = (select auth.uid()) and role = 'owner'
$$;
comment on function private.user_owned_workspace_ids() is 'The workspaces the signed-in user is an owner of.';
grant execute on function private.user_owned_workspace_ids() to authenticated;

alter table public.workspace_invitations enable row level security;
create policy "owners and admins see invitations" on public.workspace_invitations
  for select to authenticated using (workspace_id in (select private.user_managed_workspace_ids()));
create policy "owners and admins withdraw invitations" on public.workspace_invitations
  for delete to authenticated
  using (workspace_id in (select private.user_managed_workspace_ids())
    and (role <> 'owner' or workspace_id in (select private.user_owned_workspace_ids())));
grant select, delete on public.workspace_invitations to authenticated;
grant select, insert, update, delete on public.workspace_invitations to service_role;

create function private.invite_member(workspace_id uuid, email text, role text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  own_role text := private.enter_workspace(invite_member.workspace_id, array['owner', 'admin']);
  address text := lower(btrim(invite_member.email));
  token text := replace(gen_random_uuid() || gen_random_uuid()::text, '-', '');
  made public.workspace_invitations;
begin
  if address is null or char_length(address) > 320 or address !~ '^[^\s@]+@[^\s@]+$' then
    perform private.refuse_field('email', 'an email address');
  end if;
  perform private.need_role(invite_member.role);
  if own_role <> 'owner' and (invite_member.role = 'owner' or exists (
    select from public.workspace_invitations as known
    where known.workspace_id = invite_member.workspace_id and known.email = address and known.role = 'owner')) then
    perform private.refuse_role();
  end if;
  if exists (
    select from public.workspace_members as member join auth.users as person on person.id = member.user_id
    where member.workspace_id = invite_member.workspace_id and lower(person.email) = address) then
    raise exception 'they are a member already' using errcode = 'WA033';
  end if;
  -- The newest word holds: the token of an earlier invitation ends.
  delete from public.workspace_invitations as known
  where known.workspace_id = invite_member.workspace_id and known.email = address;
  insert into public.workspace_invitations as invitation (workspace_id, email, role, invited_by)
  values (invite_member.workspace_id, address, invite_member.role, (select auth.uid()))
  returning * into made;
  insert into private.invitation_tokens (invitation_id, token_hash) values (made.id, sha256(convert_to(token, 'UTF8')));
  return jsonb_build_object('id', made.id, 'token', token, 'expires_at', made.expires_at);
end
$$;
grant execute on function private.invite_member(uuid, text, text) to authenticated, service_role;

create function public.invite_member(workspace_id uuid, email text, role text) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  return private.invite_member(workspace_id, email, role);
end
$$;
comment on function public.invite_member(uuid, text, text) is
  '{id, token, expires_at}: an invitation of an address, in place of an earlier one. The token is told only here: send it to them. Owner and admin; only owners invite owners. WA004, WA032, WA033, WA034.';
grant execute on function public.invite_member(uuid, text, text) to authenticated, service_role;

create function private.accept_invitation(token text) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  invitation public.workspace_invitations;
begin
  select asked.* into invitation
  from private.invitation_tokens as known join public.workspace_invitations as asked on asked.id = known.invitation_id
  where known.token_hash = sha256(convert_to(accept_invitation.token, 'UTF8'));
  -- The workspace before the invitation, as everybody takes them; then whether it still is.
  perform from public.workspaces where id = invitation.workspace_id for no key update;
  delete from public.workspace_invitations as asked
  where asked.id = invitation.id and asked.expires_at > now()
    and asked.email = (select lower(email) from auth.users where id = (select auth.uid()));
  if not found then
    raise exception 'no such invitation' using errcode = 'WA031',
      hint = 'It was for another address, was used or withdrawn, or is older than a week. Ask for a new one.';
  end if;
  insert into public.workspace_members (workspace_id, user_id, role)
  values (invitation.workspace_id, (select auth.uid()), invitation.role) on conflict do nothing;
  if not found then
    raise exception 'you are a member already' using errcode = 'WA033';
  end if;
  return invitation.workspace_id;
end
$$;
grant execute on function private.accept_invitation(text) to authenticated;

create function public.accept_invitation(token text) returns uuid
language plpgsql set search_path = ''
as $$
begin
  return private.accept_invitation(token);
end
$$;
comment on function public.accept_invitation(text) is
  'Makes the caller, who signed in with the invited address, a member; answers the workspace''s id. WA031, WA033.';
grant execute on function public.accept_invitation(text) to authenticated;
