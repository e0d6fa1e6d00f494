-- Which parts each kind of interactive message has.

create function private.check_action(kind text, action jsonb, workspace_id uuid) returns boolean
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  checked boolean;
  parameters jsonb := action -> 'parameters';
  name text := case check_action.kind
    when 'location_request_message' then 'send_location' when 'contact_request' then 'request_contact_info'
    else check_action.kind end;
begin
  case kind
    when 'button' then
      return private.check_reply_buttons(action -> 'buttons', 'reply', 'action.buttons');
    when 'list' then
      return private.check_text(action -> 'button', 20, 'action.button')
        and private.check_sections(action -> 'sections', kind);
    when 'product_list' then
      return private.check_text(action -> 'catalog_id', 100, 'action.catalog_id')
        and private.check_sections(action -> 'sections', kind);
    when 'product' then
      return private.check_text(action -> 'catalog_id', 100, 'action.catalog_id')
        and private.check_text(action -> 'product_retailer_id', 1000, 'action.product_retailer_id');
    when 'carousel' then
      return private.check_cards(action -> 'cards', workspace_id);
    else
      -- All others are called by their name.
      checked := private.check_choice(action -> 'name', array[name], 'action.name');
  end case;
  if kind in ('cta_url', 'flow', 'address_message') or action ->> 'parameters' is not null then
    checked := private.check_kind(parameters, 'object', 'action.parameters');
  end if;
  case kind
    when 'cta_url' then
      return private.check_link_button(parameters, 'action.parameters');
    when 'flow' then
      return private.check_flow(parameters);
    when 'address_message' then
      return private.check_text(parameters -> 'country', 2, 'action.parameters.country');
    when 'catalog_message' then
      return private.check_optional_text(parameters -> 'thumbnail_product_retailer_id', 1000,
        'action.parameters.thumbnail_product_retailer_id');
    when 'voice_call' then
      if parameters ->> 'ttl_minutes' is not null then
        checked := private.check_number(parameters -> 'ttl_minutes', 1, 43200, 'action.parameters.ttl_minutes');
      end if;
      return private.check_optional_text(parameters -> 'display_text', 20, 'action.parameters.display_text')
        and private.check_optional_text(parameters -> 'payload', 512, 'action.parameters.payload');
    else
      return true;
  end case;
end
$$;
comment on function private.check_action(text, jsonb, uuid) is 'The action of an interactive message.';
grant execute on function private.check_action(text, jsonb, uuid) to authenticated, service_role;

create function private.check_interactive(content jsonb, workspace_id uuid) returns boolean
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  checked boolean := private.check_kind(content -> 'type', 'string', 'type');
  -- Meta's page says contact_request, clients in use say request_contact_info: both go out.
  kinds constant text[] := '{button,list,cta_url,flow,product,product_list,catalog_message,location_request_message,address_message,voice_call,call_permission_request,carousel,contact_request,request_contact_info}';
  kind text := lower(content ->> 'type');
begin
  if kind <> all (kinds) then
    return private.refuse_content('WA014', 'type', 'one of: ' || array_to_string(kinds, ', '));
  end if;
  if kind = 'product_list' or content ->> 'header' is not null then
    if kind in ('product', 'carousel') then
      return private.refuse_content('WA014', 'header', 'a message of this kind has no header');
    end if;
    checked := private.check_header(content -> 'header',
      case when kind in ('list', 'product_list') then '{text}' else '{text,image,video,document}' end::text[], workspace_id, 'header');
  end if;
  if kind <> 'product' or content ->> 'body' is not null then
    -- A list's body: Meta's page says 4096, its OpenAPI file 1024.
    checked := private.check_part(content -> 'body', case kind when 'list' then 4096 else 1024 end, 'body');
  end if;
  if content ->> 'footer' is not null then
    if kind = 'carousel' then
      return private.refuse_content('WA014', 'footer', 'a message of this kind has no footer');
    end if;
    checked := private.check_part(content -> 'footer', 60, 'footer');
  end if;
  return private.check_kind(content -> 'action', 'object', 'action')
    and private.check_action(kind, content -> 'action', workspace_id);
end
$$;
comment on function private.check_interactive(jsonb, uuid) is 'An interactive message, ready to be sent.';
grant execute on function private.check_interactive(jsonb, uuid) to authenticated, service_role;
