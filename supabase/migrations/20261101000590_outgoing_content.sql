-- Content that WhatsApp would refuse is refused at insert, with the field's name and what is allowed there.

create function private.check_card(card jsonb, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  checked boolean := private.check_kind(card, 'object', field)
    and private.check_kind(card -> 'name', 'object', field || '.name')
    and private.check_text(card #> '{name,formatted_name}', 1000, field || '.name.formatted_name');
  part text;
begin
  foreach part in array '{phones,emails,addresses,urls}'::text[] loop
    if card ->> part is not null then
      for position in 0 .. private.check_array(card -> part, 0, 50, field || '.' || part) - 1 loop
        checked := private.check_lines(card -> part -> position, field || '.' || part || '[' || position || ']');
      end loop;
    end if;
  end loop;
  if card ->> 'org' is not null then
    checked := private.check_lines(card -> 'org', field || '.org');
  end if;
  if card ->> 'birthday' is not null and not coalesce((card ->> 'birthday') ~ '^\d{4}-\d{2}-\d{2}$', false) then
    return private.check_kind(card -> 'birthday', 'string', field || '.birthday')
      and private.refuse_content('WA014', field || '.birthday', 'a date as YYYY-MM-DD');
  end if;
  return private.check_lines(card -> 'name', field || '.name');
end
$$;
comment on function private.check_card(jsonb, text) is 'One contact card.';
grant execute on function private.check_card(jsonb, text) to authenticated, service_role;

create function private.check_lines(value jsonb, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  checked boolean := private.check_kind(value, 'object', field);
  lines constant text[] := '{first_name,last_name,middle_name,prefix,suffix,phone,wa_id,email,url,type,street,city,state,zip,country,country_code,company,department,title}';
  line text;
begin
  foreach line in array lines loop
    if value ? line then
      checked := private.check_optional_text(value -> line, 1000, field || '.' || line, may_be_empty => true);
    end if;
  end loop;
  return true;
end
$$;
comment on function private.check_lines(jsonb, text) is 'A part of a contact card: all that WhatsApp documents in it are texts.';
grant execute on function private.check_lines(jsonb, text) to authenticated, service_role;

create function private.check_content(type text, content jsonb, workspace_id uuid) returns void
language plpgsql stable strict parallel safe set search_path = ''
as $$
declare
  checked boolean;
begin
  if check_content.type not in ('text', 'template', 'interactive', 'image', 'video', 'audio', 'document', 'sticker', 'location', 'contacts', 'reaction') then
    perform private.refuse_content('WA010', 'type',
      'one of: text, template, interactive, image, video, audio, document, sticker, location, contacts, reaction');
  elsif jsonb_typeof(content) <> (case check_content.type when 'contacts' then 'array' else 'object' end) then
    raise exception 'content of type % has the wrong shape', check_content.type
      using errcode = 'WA005', detail = 'content', hint = 'Use the Cloud API''s own object for the type.';
  end if;
  case check_content.type
    when 'text' then
      checked := private.check_text(content -> 'body', 4096, 'body');
      if content ->> 'preview_url' is not null then
        checked := private.check_kind(content -> 'preview_url', 'boolean', 'preview_url');
      end if;
    when 'template' then
      checked := private.check_template(content, workspace_id);
    when 'interactive' then
      checked := private.check_interactive(content, workspace_id);
    when 'image', 'video', 'audio', 'document', 'sticker' then
      checked := private.check_media(content, check_content.type, workspace_id, '');
      if check_content.type = 'audio' and content ->> 'voice' is not null then
        checked := private.check_kind(content -> 'voice', 'boolean', 'voice');
      end if;
      if content ->> 'caption' is not null then
        if check_content.type in ('audio', 'sticker') then
          checked := private.refuse_content('WA014', 'caption', 'audio and stickers have no caption');
        end if;
        checked := private.check_optional_text(content -> 'caption', 1024, 'caption', may_be_empty => true);
      end if;
    when 'location' then
      checked := private.check_location(content, '');
    when 'contacts' then
      for position in 0 .. private.check_array(content, 1, 5, 'content') - 1 loop
        checked := private.check_card(content -> position, '[' || position || ']');
      end loop;
    when 'reaction' then
      checked := private.check_text(content -> 'message_id', 512, 'message_id')
        and private.check_kind(content -> 'emoji', 'string', 'emoji')
        and private.check_optional_text(content -> 'emoji', 40, 'emoji', may_be_empty => true);
      -- An emoji is never ASCII alone, not even the number keys.
      if content ->> 'emoji' <> '' and octet_length(content ->> 'emoji') = char_length(content ->> 'emoji') then
        checked := private.refuse_content('WA014', 'emoji', 'an emoji, or an empty text to remove the reaction');
      end if;
  end case;
end
$$;
comment on function private.check_content(text, jsonb, uuid) is 'Raises WA005, WA010 to WA016 or WA021 to WA023 for content that WhatsApp would refuse. Keys it does not know pass.';
grant execute on function private.check_content(text, jsonb, uuid) to authenticated, service_role;
