-- What an outgoing interactive message must look like, kind by kind.

create function private.check_part(part jsonb, most integer, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return private.check_kind(part, 'object', field) and private.check_text(part -> 'text', most, field || '.text');
end
$$;
comment on function private.check_part(jsonb, integer, text) is 'A body or footer: an object with a text.';
grant execute on function private.check_part(jsonb, integer, text) to authenticated, service_role;

create function private.check_header(header jsonb, kinds text[], workspace_id uuid, field text) returns boolean
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  kind text;
begin
  if private.check_kind(header, 'object', field) and private.check_kind(header -> 'type', 'string', field || '.type') then
    -- WhatsApp takes the word in any case.
    kind := lower(header ->> 'type');
  end if;
  if kind <> all (kinds) then
    return private.refuse_content('WA014', field || '.type', 'one of: ' || array_to_string(kinds, ', '));
  elsif kind = 'text' then
    return private.check_text(header -> 'text', 60, field || '.text');
  end if;
  return private.check_media(header -> kind, kind, workspace_id, field || '.' || kind);
end
$$;
comment on function private.check_header(jsonb, text[], uuid, text) is 'A header of one of these kinds.';
grant execute on function private.check_header(jsonb, text[], uuid, text) to authenticated, service_role;

-- kind: reply (of a button message) or quick_reply (of a card); the object of that name has id and title.
create function private.check_reply_buttons(buttons jsonb, kind text, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  checked boolean;
  button jsonb;
  place text;
  ids text[] := '{}';
  titles text[] := '{}';
begin
  for position in 0 .. private.check_array(buttons, 1, 3, field) - 1 loop
    button := buttons -> position;
    place := field || '[' || position || ']';
    checked := private.check_kind(button, 'object', place)
      and private.check_choice(button -> 'type', array[kind], place || '.type')
      and private.check_kind(button -> kind, 'object', place || '.' || kind);
    button := button -> kind;
    place := place || '.' || kind;
    checked := private.check_text(button -> 'id', 256, place || '.id')
      and private.check_text(button -> 'title', 20, place || '.title');
    if button ->> 'id' = any (ids) then
      return private.refuse_content('WA016', place || '.id', 'an id of its own for every button');
    elsif button ->> 'title' = any (titles) then
      return private.refuse_content('WA016', place || '.title', 'a title of its own for every button');
    end if;
    ids := ids || (button ->> 'id');
    titles := titles || (button ->> 'title');
  end loop;
  return true;
end
$$;
comment on function private.check_reply_buttons(jsonb, text, text) is 'One to three buttons, each its own id and title.';
grant execute on function private.check_reply_buttons(jsonb, text, text) to authenticated, service_role;

create function private.check_rows(rows jsonb, ids text[], field text) returns text[]
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  checked boolean;
  item jsonb;
  place text;
begin
  for position in 0 .. private.check_array(rows, 1, 10, field) - 1 loop
    item := rows -> position;
    place := field || '[' || position || ']';
    checked := private.check_kind(item, 'object', place)
      and private.check_text(item -> 'id', 200, place || '.id')
      and private.check_text(item -> 'title', 24, place || '.title')
      and private.check_optional_text(item -> 'description', 72, place || '.description');
    if item ->> 'id' = any (ids) then
      checked := private.refuse_content('WA016', place || '.id', 'an id of its own for every row');
    end if;
    ids := ids || (item ->> 'id');
  end loop;
  return ids;
end
$$;
comment on function private.check_rows(jsonb, text[], text) is 'The rows of one section; answers all ids so far.';
grant execute on function private.check_rows(jsonb, text[], text) to authenticated, service_role;

-- Sections of a list have rows, those of a product list product_items.
create function private.check_sections(sections jsonb, kind text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  checked boolean;
  section jsonb;
  place text;
  ids text[] := '{}';
  sections_given integer := private.check_array(sections, 1, 10, 'action.sections');
begin
  for position in 0 .. sections_given - 1 loop
    section := sections -> position;
    place := 'action.sections[' || position || ']';
    checked := private.check_kind(section, 'object', place);
    if sections_given > 1 then
      checked := private.check_text(section -> 'title', 24, place || '.title');
    else
      checked := private.check_optional_text(section -> 'title', 24, place || '.title');
    end if;
    if kind = 'list' then
      ids := private.check_rows(section -> 'rows', ids, place || '.rows');
    else
      for item in 0 .. private.check_array(section -> 'product_items', 1, 30, place || '.product_items') - 1 loop
        checked := private.check_kind(section -> 'product_items' -> item, 'object', place || '.product_items[' || item || ']')
          and private.check_text(section -> 'product_items' -> item -> 'product_retailer_id', 1000,
            place || '.product_items[' || item || '].product_retailer_id');
      end loop;
    end if;
  end loop;
  if cardinality(ids) > 10 then
    return private.refuse_content('WA015', 'action.sections', 'at most 10 rows in all sections together');
  end if;
  return true;
end
$$;
comment on function private.check_sections(jsonb, text) is 'One to ten sections; from two on each has a title.';
grant execute on function private.check_sections(jsonb, text) to authenticated, service_role;

create function private.check_flow(parameters jsonb) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  checked boolean;
  given integer := num_nonnulls(parameters ->> 'flow_id', parameters ->> 'flow_name');
begin
  if parameters -> 'flow_message_version' is distinct from '3' then
    checked := private.check_choice(parameters -> 'flow_message_version', '{3}', 'action.parameters.flow_message_version');
  end if;
  if given <> 1 then
    return private.refuse_content(case given when 0 then 'WA011' else 'WA016' end,
      'action.parameters.flow_id', 'exactly one of flow_id and flow_name');
  end if;
  checked := private.check_text(parameters -> 'flow_cta', 30, 'action.parameters.flow_cta')
    and private.check_optional_text(parameters -> 'flow_id', 100, 'action.parameters.flow_id')
    and private.check_optional_text(parameters -> 'flow_name', 200, 'action.parameters.flow_name')
    and private.check_optional_text(parameters -> 'flow_token', 1000, 'action.parameters.flow_token');
  if parameters ->> 'mode' is not null then
    checked := private.check_choice(parameters -> 'mode', '{draft,published}', 'action.parameters.mode');
  end if;
  if parameters ->> 'flow_action' is not null then
    checked := private.check_choice(parameters -> 'flow_action', '{navigate,data_exchange}', 'action.parameters.flow_action');
  end if;
  return true;
end
$$;
comment on function private.check_flow(jsonb) is 'The parameters of an action that opens a Flow.';
grant execute on function private.check_flow(jsonb) to authenticated, service_role;

create function private.check_link_button(parameters jsonb, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return private.check_kind(parameters, 'object', field)
    and private.check_text(parameters -> 'display_text', 20, field || '.display_text')
    and private.check_url(parameters -> 'url', field || '.url');
end
$$;
comment on function private.check_link_button(jsonb, text) is 'A button that opens a web page.';
grant execute on function private.check_link_button(jsonb, text) to authenticated, service_role;

create function private.check_cards(cards jsonb, workspace_id uuid) returns boolean
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  checked boolean;
  card jsonb;
  place text;
begin
  for position in 0 .. private.check_array(cards, 2, 10, 'action.cards') - 1 loop
    card := cards -> position;
    place := 'action.cards[' || position || ']';
    checked := private.check_kind(card, 'object', place)
      and private.check_number(card -> 'card_index', 0, 9, place || '.card_index')
      and private.check_choice(card -> 'type', '{cta_url,product}', place || '.type')
      and private.check_kind(card -> 'action', 'object', place || '.action');
    if card ->> 'header' is not null then
      checked := private.check_header(card -> 'header', '{image,video}', workspace_id, place || '.header');
    end if;
    if card ->> 'body' is not null then
      checked := private.check_part(card -> 'body', 160, place || '.body');
      if (card #>> '{body,text}') ~ '\n[^\n]*\n[^\n]*\n' then
        return private.refuse_content('WA014', place || '.body.text', 'at most two line breaks');
      end if;
    end if;
    checked := private.check_card_action(card -> 'action', place || '.action');
  end loop;
  return true;
end
$$;
comment on function private.check_cards(jsonb, uuid) is 'Two to ten cards of a carousel that is no template.';
grant execute on function private.check_cards(jsonb, uuid) to authenticated, service_role;

create function private.check_card_action(action jsonb, field text) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  if action ->> 'buttons' is not null then
    return private.check_reply_buttons(action -> 'buttons', 'quick_reply', field || '.buttons');
  elsif action ->> 'catalog_id' is not null or action ->> 'product_retailer_id' is not null then
    return private.check_text(action -> 'catalog_id', 100, field || '.catalog_id')
      and private.check_text(action -> 'product_retailer_id', 1000, field || '.product_retailer_id');
  end if;
  return private.check_choice(action -> 'name', '{cta_url}', field || '.name')
    and private.check_link_button(action -> 'parameters', field || '.parameters');
end
$$;
comment on function private.check_card_action(jsonb, text) is 'What a card offers: quick replies, a product or a link.';
grant execute on function private.check_card_action(jsonb, text) to authenticated, service_role;
