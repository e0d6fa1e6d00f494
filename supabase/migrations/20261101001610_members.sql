-- Who belongs to a workspace changes through functions only: an owner always stays, and nobody makes themself more.

create function private.refuse_field(field text, allowed text) returns void
language plpgsql set search_path = ''
as $$
begin
  raise exception '% is not allowed', field using errcode = 'WA032', detail = field, hint = allowed;
end
$$;
comment on function private.refuse_field(text, text) is 'Raises WA032: the field in details, what it may be in the hint.';
grant execute on function private.refuse_field(text, text) to authenticated, service_role;

create function private.refuse_role() returns void
language plpgsql set search_path = ''
as $$
begin
  raise exception 'your role in the workspace does not allow this' using errcode = 'WA034',
    hint = 'Owners may do all, admins nothing to owners, agents nothing to members.';
end
$$;
comment on function private.refuse_role() is 'Raises WA034. For members only: a stranger is told WA004.';
grant execute on function private.refuse_role() to authenticated, service_role;

create function private.enter_workspace(workspace_id uuid, roles text[]) returns text
language plpgsql security definer set search_path = ''
as $$
declare
  role text;
begin
  -- The lock first: what follows is decided by what holds then, and two who change members at once take turns.
  perform from public.workspaces as tenant
  where tenant.id = enter_workspace.workspace_id
    and (private.is_backend() or tenant.id in (select private.user_workspace_ids()))
  for no key update;
  if found and private.is_backend() then
    role := 'owner';
  elsif found then
    select member.role into role from public.workspace_members as member
    where member.workspace_id = enter_workspace.workspace_id and member.user_id = (select auth.uid());
  end if;
  if role is null then
    raise exception 'no such workspace' using errcode = 'WA004';
  elsif role <> all (roles) then
    perform private.refuse_role();
  end if;
  return role;
end
$$;
comment on function private.enter_workspace(uuid, text[]) is
  'Locks a workspace and answers the caller''s role in it, the backend''s being owner. WA004, WA034 when it is none of these.';
grant execute on function private.enter_workspace(uuid, text[]) to authenticated, service_role;

create function private.need_role(role text) returns void
language plpgsql immutable set search_path = ''
as $$
begin
  if role is null or role not in ('owner', 'admin', 'agent') then
    perform private.refuse_field('role', 'owner, admin or agent');
  end if;
end
$$;
comment on function private.need_role(text) is 'Raises WA032 unless it is a role.';
grant execute on function private.need_role(text) to authenticated, service_role;

-- Whatever the way: by function, by the backend, or with a user who is deleted.
create function private.keep_an_owner() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  tenant uuid;
begin
  for tenant in select distinct workspace_id from former_members where role = 'owner' order by workspace_id loop
    -- The lock makes two owners who leave at once take turns. A workspace that goes itself needs nobody.
    perform from public.workspaces where id = tenant and deleted_at is null for no key update;
    if found and not exists (select from public.workspace_members where workspace_id = tenant and role = 'owner') then
      raise exception 'a workspace keeps an owner' using errcode = 'WA030',
        hint = 'Make another member owner first, or delete the workspace.';
    end if;
  end loop;
  -- What they had given out or were offered goes with their right to it.
  delete from public.workspace_invitations as invitation using former_members as former
  where invitation.workspace_id = former.workspace_id
    and (invitation.invited_by = former.user_id
      or invitation.email = (select lower(email) from auth.users where id = former.user_id))
    and not exists (
      select from public.workspace_members as member
      where member.workspace_id = former.workspace_id and member.user_id = former.user_id
        and (member.role = 'owner' or member.role = former.role));
  return null;
end
$$;
create trigger keep_an_owner_on_delete after delete on public.workspace_members
  referencing old table as former_members
  for each statement execute function private.keep_an_owner();
create trigger keep_an_owner_on_update after update on public.workspace_members
  referencing old table as former_members
  for each statement execute function private.keep_an_owner();

create function private.create_workspace(name text, default_language text) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  made uuid;
begin
  -- A token outlives its user by up to an hour.
  if not exists (select from auth.users where id = (select auth.uid())) then
    raise exception 'no such user' using errcode = 'WA004';
  end if;
  if char_length(btrim(name)) not between 1 and 200 or name is null then
    perform private.refuse_field('name', 'from 1 to 200 characters');
  elsif default_language !~ '^[A-Za-z]{2,3}(_[A-Za-z0-9]{2,8}){0,2}$' or char_length(default_language) > 15 or default_language is null then
    perform private.refuse_field('default_language', 'a language of WhatsApp''s templates, like he or en_US');
  end if;
  insert into public.workspaces (name, default_language)
  values (btrim(create_workspace.name), create_workspace.default_language) returning id into made;
  insert into public.workspace_members (workspace_id, user_id, role) values (made, (select auth.uid()), 'owner');
  return made;
end
$$;
grant execute on function private.create_workspace(text, text) to authenticated;

create function public.create_workspace(name text, default_language text default 'he') returns uuid
language plpgsql set search_path = ''
as $$
begin
  return private.create_workspace(name, default_language);
end
$$;
comment on function public.create_workspace(text, text) is 'Makes a workspace whose owner is the caller; answers its id. WA004, WA032.';
grant execute on function public.create_workspace(text, text) to authenticated;

create function private.change_member_role(workspace_id uuid, user_id uuid, role text) returns void
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  own_role text := private.enter_workspace(change_member_role.workspace_id, array['owner', 'admin']);
  former text;
begin
  select member.role into former from public.workspace_members as member
  where member.workspace_id = change_member_role.workspace_id and member.user_id = change_member_role.user_id;
  if former is null then
    raise exception 'no such member' using errcode = 'WA004';
  end if;
  perform private.need_role(change_member_role.role);
  if own_role <> 'owner' and 'owner' in (former, change_member_role.role) then
    perform private.refuse_role();
  end if;
  update public.workspace_members as member set role = change_member_role.role
  where member.workspace_id = change_member_role.workspace_id and member.user_id = change_member_role.user_id;
end
$$;
grant execute on function private.change_member_role(uuid, uuid, text) to authenticated, service_role;

create function public.change_member_role(workspace_id uuid, user_id uuid, role text) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.change_member_role(workspace_id, user_id, role);
end
$$;
comment on function public.change_member_role(uuid, uuid, text) is
  'Makes a member owner, admin or agent. For owners, and for admins among admins and agents. WA004, WA030, WA032, WA034.';
grant execute on function public.change_member_role(uuid, uuid, text) to authenticated, service_role;

create function private.remove_member(workspace_id uuid, user_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  own_role text := private.enter_workspace(remove_member.workspace_id, array['owner', 'admin', 'agent']);
  former text;
begin
  select member.role into former from public.workspace_members as member
  where member.workspace_id = remove_member.workspace_id and member.user_id = remove_member.user_id;
  if former is null then
    raise exception 'no such member' using errcode = 'WA004';
  end if;
  -- Everybody may leave.
  if remove_member.user_id is distinct from (select auth.uid())
    and (own_role = 'agent' or own_role = 'admin' and former = 'owner') then
    perform private.refuse_role();
  end if;
  delete from public.workspace_members as member
  where member.workspace_id = remove_member.workspace_id and member.user_id = remove_member.user_id;
end
$$;
grant execute on function private.remove_member(uuid, uuid) to authenticated, service_role;

create function public.remove_member(workspace_id uuid, user_id uuid) returns void
-- What they were given is nobody's with the same statement, a hundred thousand threads in eight seconds: access ends, however many.
language plpgsql set search_path = '' set statement_timeout = '60s'
as $$
begin
  perform private.remove_member(workspace_id, user_id);
end
$$;
comment on function public.remove_member(uuid, uuid) is
  'Ends a membership at once: one''s own, or as owner anybody''s, as admin that of admins and agents. The last owner stays. WA004, WA030, WA034.';
grant execute on function public.remove_member(uuid, uuid) to authenticated, service_role;
