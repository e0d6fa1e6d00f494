-- What an outgoing template must look like. Whether it fits the template itself, WhatsApp alone knows for sure.

-- Types of components and parameters that nobody here knows pass: WhatsApp adds some every year.
create function private.check_parameter(parameter jsonb, is_prose boolean, workspace_id uuid, field text) returns boolean
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  checked boolean := private.check_kind(parameter, 'object', field)
    and private.check_text(parameter -> 'type', 100, field || '.type')
    and private.check_optional_text(parameter -> 'parameter_name', 200, field || '.parameter_name');
  kind text := lower(parameter ->> 'type');
  value jsonb := parameter -> kind;
  place text := field || '.' || kind;
begin
  case kind
    when 'text' then
      if private.check_text(value, 32768, place) and is_prose and (value #>> '{}') ~ '[\n\t]|     ' then
        return private.refuse_content('WA014', place, 'no line breaks, no tabs, no more than 4 spaces in a row');
      end if;
    when 'payload' then
      return private.check_text(value, 256, place);
    when 'coupon_code' then
      return private.check_text(value, 20, place);
    when 'image', 'video', 'document' then
      return private.check_media(value, kind, workspace_id, place);
    when 'location' then
      return private.check_location(value, place);
    when 'currency' then
      checked := private.check_kind(value, 'object', place)
        and private.check_text(value -> 'fallback_value', 100, place || '.fallback_value')
        and private.check_text(value -> 'code', 3, place || '.code');
      if not coalesce(jsonb_typeof(value -> 'amount_1000') in ('string', 'number')
        and (value ->> 'amount_1000') ~ '^-?[0-9]{1,30}$', false) then
        return private.check_number(value -> 'amount_1000', -1e30, 1e30, place || '.amount_1000')
          and private.refuse_content('WA014', place || '.amount_1000', 'an integer: the amount times 1000');
      end if;
    when 'date_time' then
      return private.check_kind(value, 'object', place)
        and private.check_text(value -> 'fallback_value', 100, place || '.fallback_value');
    when 'limited_time_offer' then
      return private.check_kind(value, 'object', place)
        and private.check_digits(value -> 'expiration_time_ms', 1, 20, place || '.expiration_time_ms');
    when 'product', 'action' then
      return private.check_kind(value, 'object', place);
    else
      return true;
  end case;
  return true;
end
$$;
comment on function private.check_parameter(jsonb, boolean, uuid, text) is 'One parameter of a component. Prose is what stands in header and body.';
grant execute on function private.check_parameter(jsonb, boolean, uuid, text) to authenticated, service_role;

create function private.check_components(components jsonb, workspace_id uuid, field text) returns boolean
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  checked boolean;
  component jsonb;
  kind text;
  place text;
  parameters jsonb;
  parameter jsonb;
  written text;
begin
  for position in 0 .. private.check_array(components, 0, 20, field) - 1 loop
    component := components -> position;
    place := field || '[' || position || ']';
    checked := private.check_kind(component, 'object', place) and private.check_text(component -> 'type', 100, place || '.type');
    kind := lower(component ->> 'type');
    if kind = 'button' then
      checked := private.check_text(component -> 'sub_type', 40, place || '.sub_type')
        and private.check_digits(component -> 'index', 1, 1, place || '.index');
    elsif kind = 'carousel' then
      checked := private.check_template_cards(component -> 'cards', workspace_id, place || '.cards');
    end if;
    parameters := component -> 'parameters';
    if parameters is null or parameters = 'null' then
      continue;
    end if;
    place := place || '.parameters';
    for index in 0 .. private.check_array(parameters, 0, 100, place) - 1 loop
      parameter := parameters -> index;
      written := parameter ->> 'text';
      -- What nearly all of them are, without a call.
      if parameter ->> 'type' = 'text' and jsonb_typeof(parameter -> 'text') = 'string' and char_length(written) between 1 and 1024
        and written !~ '[\n\t]|     |^\s*$'
        and (parameter -> 'parameter_name' is null
          or (parameter -> 'parameter_name')::text ~ '^"\w+"$' and char_length(parameter ->> 'parameter_name') <= 200) then
        continue;
      end if;
      checked := private.check_parameter(parameter, kind in ('header', 'body'), workspace_id, place || '[' || index || ']');
    end loop;
  end loop;
  return true;
end
$$;
comment on function private.check_components(jsonb, uuid, text) is 'The components of a template or of one of its cards.';
grant execute on function private.check_components(jsonb, uuid, text) to authenticated, service_role;

create function private.check_template_cards(cards jsonb, workspace_id uuid, field text) returns boolean
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  checked boolean;
  place text;
begin
  for position in 0 .. private.check_array(cards, 1, 10, field) - 1 loop
    place := field || '[' || position || ']';
    checked := private.check_kind(cards -> position, 'object', place)
      and private.check_digits(cards -> position -> 'card_index', 1, 1, place || '.card_index')
      and private.check_components(cards -> position -> 'components', workspace_id, place || '.components');
  end loop;
  return true;
end
$$;
comment on function private.check_template_cards(jsonb, uuid, text) is 'One to ten cards of a carousel template.';
grant execute on function private.check_template_cards(jsonb, uuid, text) to authenticated, service_role;

create function private.check_template(content jsonb, workspace_id uuid) returns boolean
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  checked boolean := private.check_text(content -> 'name', 512, 'name')
    and private.check_kind(content -> 'language', 'object', 'language')
    and private.check_text(content #> '{language,code}', 16, 'language.code');
begin
  if content #>> '{language,policy}' is not null then
    checked := private.check_choice(content #> '{language,policy}', '{deterministic}', 'language.policy');
  end if;
  if content ->> 'components' is not null then
    checked := private.check_components(content -> 'components', workspace_id, 'components');
  end if;
  return true;
end
$$;
comment on function private.check_template(jsonb, uuid) is 'A template with its language, ready to be sent.';
grant execute on function private.check_template(jsonb, uuid) to authenticated, service_role;
