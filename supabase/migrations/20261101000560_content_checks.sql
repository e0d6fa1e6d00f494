-- The building blocks for saying what outgoing content must look like, so that every refusal names its field.

-- They run for each row of a campaign. So all of this is plpgsql, whose expressions stay planned, and every check
-- answers a value: an assignment of it is evaluated directly, where PERFORM would start a query.

create function private.refuse_content(code text, field text, allowed text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  case refuse_content.code
    when 'WA010' then
      raise exception 'messages of this type cannot be sent' using errcode = 'WA010', detail = field, hint = allowed;
    when 'WA011' then
      raise exception '% is missing or empty', field using errcode = 'WA011', detail = field, hint = allowed;
    when 'WA012' then
      raise exception '% has the wrong kind', field using errcode = 'WA012', detail = field, hint = allowed;
    when 'WA013' then
      raise exception '% is too long', field using errcode = 'WA013', detail = field, hint = allowed;
    when 'WA014' then
      raise exception '% has a value that is not allowed', field using errcode = 'WA014', detail = field, hint = allowed;
    when 'WA015' then
      raise exception '% has too few or too many elements', field using errcode = 'WA015', detail = field, hint = allowed;
    when 'WA016' then
      raise exception '% excludes or repeats another field', field using errcode = 'WA016', detail = field, hint = allowed;
    when 'WA021' then
      raise exception '% names no file', field using errcode = 'WA021', detail = field, hint = allowed;
    when 'WA022' then
      raise exception '% names a file of a type that WhatsApp does not take here', field using errcode = 'WA022', detail = field, hint = allowed;
    when 'WA023' then
      raise exception '% names a file that is empty or too large', field using errcode = 'WA023', detail = field, hint = allowed;
  end case;
end
$$;
comment on function private.refuse_content(text, text, text) is 'Raises the code. DETAIL is the field''s path in the content, HINT what is allowed there.';
grant execute on function private.refuse_content(text, text, text) to authenticated, service_role;

create function private.check_kind(value jsonb, kind text, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  if jsonb_typeof(value) = kind then
    return true;
  end if;
  -- A null is no value, here and everywhere.
  return private.refuse_content(
    case when coalesce(jsonb_typeof(value), 'null') = 'null' then 'WA011' else 'WA012' end, field,
    case kind when 'string' then 'a text' when 'boolean' then 'true or false' when 'number' then 'a number'
      when 'array' then 'a JSON array' else 'a JSON object' end);
end
$$;
comment on function private.check_kind(jsonb, text, text) is 'A required value of this JSON kind.';
grant execute on function private.check_kind(jsonb, text, text) to authenticated, service_role;

-- Characters are counted as code points: WhatsApp does not say how it counts, and this is how its own examples add up.
create function private.check_text(value jsonb, most integer, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  written text := value #>> '{}';
begin
  if jsonb_typeof(value) is distinct from 'string' then
    return private.check_kind(value, 'string', field);
  elsif char_length(written) > most then
    return private.refuse_content('WA013', field, format('at most %s characters', most));
  elsif written !~ '\S' then
    return private.refuse_content('WA011', field, format('1 to %s characters, not only spaces', most));
  end if;
  return true;
end
$$;
comment on function private.check_text(jsonb, integer, text) is 'A required text that says something, of so many characters at most.';
grant execute on function private.check_text(jsonb, integer, text) to authenticated, service_role;

create function private.check_optional_text(value jsonb, most integer, field text, may_be_empty boolean default false) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  if value is null or value = 'null' then
    return true;
  elsif may_be_empty and jsonb_typeof(value) = 'string' and char_length(value #>> '{}') <= most then
    return true;
  end if;
  return private.check_text(value, most, field);
end
$$;
comment on function private.check_optional_text(jsonb, integer, text, boolean) is 'A text that may be missing.';
grant execute on function private.check_optional_text(jsonb, integer, text, boolean) to authenticated, service_role;

create function private.check_choice(value jsonb, choices text[], field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  if private.check_kind(value, 'string', field) and (value #>> '{}') = any (choices) then
    return true;
  end if;
  return private.refuse_content('WA014', field, 'one of: ' || array_to_string(choices, ', '));
end
$$;
comment on function private.check_choice(jsonb, text[], text) is 'A required word out of a list.';
grant execute on function private.check_choice(jsonb, text[], text) to authenticated, service_role;

-- Digits as a text or as a number: WhatsApp takes both.
create function private.check_digits(value jsonb, fewest integer, most integer, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  if jsonb_typeof(value) in ('string', 'number') then
    if char_length(value #>> '{}') between fewest and most and (value #>> '{}') ~ '^[0-9]+$' then
      return true;
    end if;
    return private.refuse_content('WA014', field,
      case when most = 1 then 'one digit' else format('%s to %s digits', fewest, most) end);
  end if;
  return private.check_kind(value, 'string', field);
end
$$;
comment on function private.check_digits(jsonb, integer, integer, text) is 'A required id, index or time of day in digits.';
grant execute on function private.check_digits(jsonb, integer, integer, text) to authenticated, service_role;

-- A number or, as WhatsApp takes it, its text.
create function private.check_number(value jsonb, lowest numeric, highest numeric, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  if jsonb_typeof(value) = 'number' or (value #>> '{}') ~ '^[+-]?[0-9]{1,9}(\.[0-9]{0,30})?$' then
    if (value #>> '{}')::numeric between lowest and highest then
      return true;
    end if;
    return private.refuse_content('WA014', field, format('a number from %s to %s', lowest, highest));
  end if;
  return private.check_kind(value, 'number', field);
end
$$;
comment on function private.check_number(jsonb, numeric, numeric, text) is 'A required number in a range.';
grant execute on function private.check_number(jsonb, numeric, numeric, text) to authenticated, service_role;

create function private.check_url(value jsonb, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  if private.check_text(value, 2000, field) and (value #>> '{}') ~ '^https?://[^[:space:]]+$' then
    return true;
  end if;
  return private.refuse_content('WA014', field, 'a URL that begins with https:// or http://');
end
$$;
comment on function private.check_url(jsonb, text) is 'A required address on the web.';
grant execute on function private.check_url(jsonb, text) to authenticated, service_role;

create function private.check_array(value jsonb, fewest integer, most integer, field text) returns integer
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  if private.check_kind(value, 'array', field) and jsonb_array_length(value) not between fewest and most then
    perform private.refuse_content('WA015', field, format('%s to %s elements', fewest, most));
  end if;
  return jsonb_array_length(value);
end
$$;
comment on function private.check_array(jsonb, integer, integer, text) is 'A required array; answers its length.';
grant execute on function private.check_array(jsonb, integer, integer, text) to authenticated, service_role;

create function private.check_media(value jsonb, kind text, workspace_id uuid, field text) returns boolean
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  checked boolean;
  prefix text := case when field = '' then '' else field || '.' end;
  given integer := num_nonnulls(value ->> 'path', value ->> 'link', value ->> 'id');
begin
  if jsonb_typeof(value) is distinct from 'object' then
    return private.check_kind(value, 'object', field);
  elsif given <> 1 then
    return private.refuse_content(case given when 0 then 'WA011' else 'WA016' end,
      prefix || case when value ->> 'path' is null and given > 0 then 'link' else 'path' end, 'exactly one of path, link and id');
  elsif value ->> 'filename' is not null then
    if kind <> 'document' then
      return private.refuse_content('WA014', prefix || 'filename', 'only documents have a filename');
    end if;
    checked := private.check_text(value -> 'filename', 240, prefix || 'filename');
  end if;
  if value ->> 'link' is not null then
    return private.check_url(value -> 'link', prefix || 'link');
  elsif value ->> 'id' is not null then
    return private.check_digits(value -> 'id', 1, 32, prefix || 'id');
  end if;
  -- No segment may be empty, `.` or `..`: a client on the way would fold it, and it would lead elsewhere.
  if private.check_text(value -> 'path', 1024, prefix || 'path')
    and starts_with(value ->> 'path', workspace_id || '/outgoing/') and (value ->> 'path') !~ '(^|/)\.{0,2}(/|$)' then
    return private.check_file(value ->> 'path', kind, coalesce(value -> 'voice' = 'true', false), prefix || 'path');
  end if;
  return private.refuse_content('WA014', prefix || 'path', format('an object of the bucket under %s/outgoing/', workspace_id));
end
$$;
comment on function private.check_media(jsonb, text, uuid, text) is 'A file by path in our bucket, by link or by the provider''s id; field is empty when it is the whole content.';
grant execute on function private.check_media(jsonb, text, uuid, text) to authenticated, service_role;

create function private.check_location(value jsonb, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  prefix text := case when field = '' then '' else field || '.' end;
begin
  return private.check_kind(value, 'object', field)
    and private.check_number(value -> 'latitude', -90, 90, prefix || 'latitude')
    and private.check_number(value -> 'longitude', -180, 180, prefix || 'longitude')
    and private.check_optional_text(value -> 'name', 1000, prefix || 'name')
    and private.check_optional_text(value -> 'address', 1000, prefix || 'address');
end
$$;
comment on function private.check_location(jsonb, text) is 'A place; field is empty when it is the whole content.';
grant execute on function private.check_location(jsonb, text) to authenticated, service_role;
