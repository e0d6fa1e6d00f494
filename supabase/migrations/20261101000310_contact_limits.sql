-- What a member writes about somebody has a size. What WhatsApp says of them, and two contacts that become one, are not refused.

create function private.check_contact() returns trigger
language plpgsql set search_path = ''
as $$
declare
  refused boolean;
begin
  if new.phone !~ '^\+[1-9][0-9]{4,14}$' then
    refused := private.refuse_content('WA014', 'phone', 'a number in E.164, like +972501234567');
  elsif char_length(new.name) > 1000 then
    refused := private.refuse_content('WA013', 'name', 'at most 1000 characters');
  elsif cardinality(new.tags) > 100 or array_position(new.tags, null) is not null then
    refused := private.refuse_content('WA015', 'tags', 'at most 100, none of them null');
  elsif exists (select from unnest(new.tags) as tag where char_length(tag) not between 1 and 100) then
    refused := private.refuse_content('WA013', 'tags', 'each from 1 to 100 characters');
  elsif jsonb_typeof(new.attributes) <> 'object' then
    refused := private.refuse_content('WA012', 'attributes', 'a JSON object');
  elsif pg_column_size(new.attributes) > 65536 then
    refused := private.refuse_content('WA013', 'attributes', 'at most 64 kB');
  end if;
  return new;
end
$$;
comment on function private.check_contact() is 'Raises WA012 to WA015 for a contact as a member may not write it.';

create trigger check_contact before insert or update of phone, name, tags, attributes on public.contacts
  for each row when (current_user = 'authenticated') execute function private.check_contact();
