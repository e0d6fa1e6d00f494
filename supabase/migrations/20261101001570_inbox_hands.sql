-- What a member does to a conversation: put it away, give it to somebody, say whose it is.

create function private.archive_conversation(conversation_id uuid, status text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  thread public.conversations := private.visible_conversation(conversation_id);
begin
  update public.conversations as own set status = archive_conversation.status
  where own.id = thread.id and own.status <> archive_conversation.status;
end
$$;
comment on function private.archive_conversation(uuid, text) is 'Sets the status of a conversation of the caller''s. WA004.';
revoke execute on function private.archive_conversation(uuid, text) from public;
grant execute on function private.archive_conversation(uuid, text) to authenticated, service_role;

create function public.archive_conversation(conversation_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.archive_conversation(archive_conversation.conversation_id, 'archived');
end
$$;
comment on function public.archive_conversation(uuid) is 'Puts a conversation away until its customer writes again. WA004.';
grant execute on function public.archive_conversation(uuid) to authenticated, service_role;

create function public.unarchive_conversation(conversation_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.archive_conversation(unarchive_conversation.conversation_id, 'open');
end
$$;
comment on function public.unarchive_conversation(uuid) is 'Takes an archived conversation out again. WA004.';
grant execute on function public.unarchive_conversation(uuid) to authenticated, service_role;

create function private.assign_conversation(conversation_id uuid, user_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  thread public.conversations := private.visible_conversation(conversation_id);
begin
  -- The member before the thread, as whoever removes them takes them.
  perform from public.workspace_members as member
  where member.workspace_id = thread.workspace_id and member.user_id = assign_conversation.user_id for key share;
  update public.conversations as own set assigned_to = assign_conversation.user_id
  where own.id = thread.id and own.assigned_to is distinct from assign_conversation.user_id;
exception when foreign_key_violation then
  -- By the key and not by a look before, which somebody who leaves at this moment would pass.
  raise exception 'no member of the workspace' using errcode = 'WA025', detail = 'user_id', hint = 'The id of a member, or null for nobody.';
end
$$;
comment on function private.assign_conversation(uuid, uuid) is 'Gives a conversation of the caller''s to a member, or to nobody. WA004, WA025.';
revoke execute on function private.assign_conversation(uuid, uuid) from public;
grant execute on function private.assign_conversation(uuid, uuid) to authenticated, service_role;

create function public.assign_conversation(conversation_id uuid, user_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.assign_conversation(assign_conversation.conversation_id, assign_conversation.user_id);
end
$$;
comment on function public.assign_conversation(uuid, uuid) is 'Gives a conversation to a member of its workspace; null: to nobody. WA004, WA025.';
grant execute on function public.assign_conversation(uuid, uuid) to authenticated, service_role;

create function private.link_contact(conversation_id uuid, contact_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  thread public.conversations := private.visible_conversation(conversation_id);
begin
  if thread.group_id is not null and link_contact.contact_id is not null then
    raise exception 'a group has no contact' using errcode = 'WA026', hint = 'Whoever writes in a group is a contact by their own number.';
  end if;
  update public.conversations as own set contact_id = link_contact.contact_id
  where own.id = thread.id and own.contact_id is distinct from link_contact.contact_id;
exception when foreign_key_violation then
  raise exception 'no such contact' using errcode = 'WA004';
end
$$;
comment on function private.link_contact(uuid, uuid) is 'Says whose a conversation of the caller''s is. WA004, WA026.';
revoke execute on function private.link_contact(uuid, uuid) from public;
grant execute on function private.link_contact(uuid, uuid) to authenticated, service_role;

create function public.link_contact_to_conversation(conversation_id uuid, contact_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  if link_contact_to_conversation.contact_id is null then
    raise exception 'no such contact' using errcode = 'WA004';
  end if;
  perform private.link_contact(link_contact_to_conversation.conversation_id, link_contact_to_conversation.contact_id);
end
$$;
comment on function public.link_contact_to_conversation(uuid, uuid) is 'Says which contact of the workspace a conversation is with. WA004, WA026.';
grant execute on function public.link_contact_to_conversation(uuid, uuid) to authenticated, service_role;

create function public.unlink_contact_from_conversation(conversation_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.link_contact(unlink_contact_from_conversation.conversation_id, null);
end
$$;
comment on function public.unlink_contact_from_conversation(uuid) is
  'Takes a conversation''s contact from it, which stays. The customer''s next message links it to the contact that has their number. WA004.';
grant execute on function public.unlink_contact_from_conversation(uuid) to authenticated, service_role;
