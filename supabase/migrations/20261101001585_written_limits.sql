-- What a member writes into a plain table is refused by the name of its field, before a constraint refuses it by its own.

create function private.check_note() returns trigger
language plpgsql set search_path = ''
as $$
declare
  refused boolean;
begin
  if coalesce(btrim(new.body), '') = '' then
    refused := private.refuse_content('WA011', 'body', 'from 1 to 10000 characters');
  elsif char_length(new.body) > 10000 then
    refused := private.refuse_content('WA013', 'body', 'at most 10000 characters');
  end if;
  return new;
end
$$;
comment on function private.check_note() is 'Raises WA011 or WA013 for a note as a member may not write it.';
create trigger check_note before insert or update of body on public.contact_notes
  for each row when (current_user = 'authenticated') execute function private.check_note();

create function private.check_canned_reply() returns trigger
language plpgsql set search_path = ''
as $$
declare
  refused boolean;
begin
  if coalesce(new.shortcut, '') !~ '^\S{1,50}$' then
    refused := private.refuse_content('WA014', 'shortcut', 'from 1 to 50 characters, none of them a space');
  elsif coalesce(btrim(new.body), '') = '' then
    refused := private.refuse_content('WA011', 'body', 'from 1 to 4096 characters');
  elsif char_length(new.body) > 4096 then
    refused := private.refuse_content('WA013', 'body', 'at most 4096 characters');
  end if;
  return new;
end
$$;
comment on function private.check_canned_reply() is 'Raises WA011, WA013 or WA014 for a canned reply as a member may not write it.';
create trigger check_canned_reply before insert or update of shortcut, body on public.canned_replies
  for each row when (current_user = 'authenticated') execute function private.check_canned_reply();

create function private.check_workspace() returns trigger
language plpgsql set search_path = ''
as $$
declare
  refused boolean;
begin
  if coalesce(btrim(new.name), '') = '' then
    refused := private.refuse_content('WA011', 'name', 'from 1 to 200 characters');
  elsif char_length(new.name) > 200 then
    refused := private.refuse_content('WA013', 'name', 'at most 200 characters');
  elsif coalesce(char_length(new.default_language), 0) not between 2 and 15 then
    refused := private.refuse_content('WA014', 'default_language', 'a language of WhatsApp''s templates, like he or en_US');
  elsif new.media_retention_days not between 1 and 36500 then
    refused := private.refuse_content('WA014', 'media_retention_days', 'from 1 to 36500, or null to keep files');
  elsif new.broadcasts is null then
    refused := private.refuse_content('WA011', 'broadcasts', 'true or false');
  end if;
  return new;
end
$$;
comment on function private.check_workspace() is 'Raises WA011, WA013 or WA014 for what a member may not make of a workspace.';
create trigger check_workspace before update of name, default_language, media_retention_days, broadcasts on public.workspaces
  for each row when (current_user = 'authenticated') execute function private.check_workspace();
