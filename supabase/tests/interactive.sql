-- What an interactive message may hold: every limit of every kind, and which field is named.
begin;
select plan(67);

-- `by(actor, statement)`: what the statement answers when the actor says it; rows affected for a change, else the SQLSTATE.
-- Actors are owner, admin and agent of workspace `home`, stranger (owner of workspace `away`), anon and service_role.
create function pg_temp.by(actor text, statement text) returns text language plpgsql as $$
declare
  api_role text := case when actor in ('anon', 'service_role') then actor else 'authenticated' end;
  answer text;
begin
  perform set_config('request.jwt.claims', jsonb_build_object('role', api_role, 'sub', md5(actor)::uuid)::text, true);
  perform set_config('role', api_role, true);
  if statement ilike 'select%' then
    execute statement into answer;
  else
    execute statement;
    get diagnostics answer = row_count;
  end if;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  return answer;
exception when others then
  return sqlstate;
end
$$;

insert into auth.users (id, email)
select md5(actor)::uuid, actor || '@example.com' from unnest(array['owner', 'admin', 'agent', 'stranger']) as actor;
insert into public.workspaces (id, name) values (md5('home')::uuid, 'Home'), (md5('away')::uuid, 'Away');
insert into public.workspace_members (workspace_id, user_id, role)
select md5('home')::uuid, md5(role)::uuid, role from unnest(array['owner', 'admin', 'agent']) as role
union all select md5('away')::uuid, md5('stranger')::uuid, 'owner';

-- Shorthand: `x*9` is nine letters, `@3<a#>` is `a0, a1, a2`.
create function pg_temp.written(shorthand text) returns jsonb language plpgsql as $$
declare
  found text[];
begin
  loop
    found := regexp_match(shorthand, '(x\*(\d+))');
    exit when found is null;
    shorthand := replace(shorthand, found[1] || '"', repeat('x', found[2]::integer) || '"');
  end loop;
  loop
    found := regexp_match(shorthand, '(@(\d+)<([^<>]*)>)');
    exit when found is null;
    shorthand := replace(shorthand, found[1], coalesce(
      (select string_agg(replace(found[3], '#', number::text), ', ') from generate_series(0, found[2]::integer - 1) as number), ''));
  end loop;
  return shorthand;
end
$$;
-- Code and field of the refusal; null when it is accepted.
create function pg_temp.refusal(type text, shorthand text) returns text language plpgsql as $$
declare
  content jsonb := pg_temp.written(shorthand);
  field text;
  allowed text;
begin
  perform private.check_content(type, content, md5('home')::uuid);
  return null;
exception when others then
  get stacked diagnostics field = pg_exception_detail, allowed = pg_exception_hint;
  return sqlstate || ' ' || field || case allowed when '' then ' without a hint' else '' end;
end
$$;
create temporary table example (place integer generated always as identity, type text, shorthand text, refusal text);

-- Interactive: what all kinds have

insert into example (type, shorthand, refusal) values
  ('interactive', '{"type": "butter"}', 'WA014 type'),
  ('interactive', '{}', 'WA011 type'),
  ('interactive', '{"type": "button"}', 'WA011 body'),
  ('interactive', '{"type": "location_request_message", "body": {"text": "x*1024"}, "footer": {"text": "x*60"}, "action": {"name": "send_location"}}', null),
  ('interactive', '{"type": "location_request_message", "body": {"text": "x*1025"}, "action": {"name": "send_location"}}', 'WA013 body.text'),
  ('interactive', '{"type": "location_request_message", "body": {"text": "a"}, "footer": {"text": "x*61"}, "action": {"name": "send_location"}}', 'WA013 footer.text'),
  ('interactive', '{"type": "location_request_message", "body": {"text": "a"}, "action": {"name": "location"}}', 'WA014 action.name'),
  ('interactive', '{"type": "location_request_message", "body": {"text": "a"}}', 'WA011 action'),
  ('interactive', '{"type": "button", "header": {"type": "text", "text": "x*60"}, "body": {"text": "a"}, "action": {"buttons": [@3<{"type": "reply", "reply": {"id": "#", "title": "#"}}>]}}', null),
  ('interactive', '{"type": "button", "header": {"type": "text", "text": "x*61"}, "body": {"text": "a"}}', 'WA013 header.text'),
  ('interactive', '{"type": "button", "header": {"type": "sticker"}, "body": {"text": "a"}}', 'WA014 header.type'),
  ('interactive', '{"type": "button", "header": {"type": "image", "image": {"path": "AWAY/outgoing/a"}}, "body": {"text": "a"}}', 'WA014 header.image.path'),
  ('interactive', '{"type": "button", "header": {"type": "image", "image": {"id": "1", "link": "https://a.b"}}, "body": {"text": "a"}}', 'WA016 header.image.link'),
  ('interactive', '{"type": "button", "header": {"type": "document"}, "body": {"text": "a"}}', 'WA011 header.document');

-- Buttons

insert into example (type, shorthand, refusal) values
  ('interactive', '{"type": "button", "body": {"text": "a"}, "action": {"buttons": []}}', 'WA015 action.buttons'),
  ('interactive', '{"type": "button", "body": {"text": "a"}, "action": {"buttons": [@4<{"type": "reply", "reply": {"id": "#", "title": "#"}}>]}}', 'WA015 action.buttons'),
  ('interactive', '{"type": "button", "body": {"text": "a"}, "action": {"buttons": [{"type": "reply", "reply": {"id": "x*256", "title": "x*20"}}]}}', null),
  ('interactive', '{"type": "button", "body": {"text": "a"}, "action": {"buttons": [{"type": "reply", "reply": {"id": "x*257", "title": "a"}}]}}', 'WA013 action.buttons[0].reply.id'),
  ('interactive', '{"type": "button", "body": {"text": "a"}, "action": {"buttons": [@1<{"type": "reply", "reply": {"id": "1", "title": "1"}}>, {"type": "reply", "reply": {"id": "a", "title": "x*21"}}]}}', 'WA013 action.buttons[1].reply.title'),
  ('interactive', '{"type": "button", "body": {"text": "a"}, "action": {"buttons": [@2<{"type": "reply", "reply": {"id": "a", "title": "#"}}>]}}', 'WA016 action.buttons[1].reply.id'),
  ('interactive', '{"type": "button", "body": {"text": "a"}, "action": {"buttons": [@2<{"type": "reply", "reply": {"id": "#", "title": "a"}}>]}}', 'WA016 action.buttons[1].reply.title'),
  ('interactive', '{"type": "button", "body": {"text": "a"}, "action": {"buttons": [{"type": "url"}]}}', 'WA014 action.buttons[0].type');

-- Lists

insert into example (type, shorthand, refusal) values
  ('interactive', '{"type": "list", "body": {"text": "x*4096"}, "action": {"button": "x*20", "sections": [{"title": "x*24", "rows": [@10<{"id": "#", "title": "a", "description": "x*72"}>]}]}}', null),
  ('interactive', '{"type": "list", "body": {"text": "x*4097"}}', 'WA013 body.text'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "header": {"type": "image", "image": {"id": "1"}}}', 'WA014 header.type'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "x*21"}}', 'WA013 action.button'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "a", "sections": [@11<{"title": "#", "rows": [{"id": "#", "title": "a"}]}>]}}', 'WA015 action.sections'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "a", "sections": [{"rows": [@11<{"id": "#", "title": "a"}>]}]}}', 'WA015 action.sections[0].rows'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "a", "sections": [{"title": "a", "rows": [@6<{"id": "a#", "title": "a"}>]}, {"title": "b", "rows": [@5<{"id": "b#", "title": "a"}>]}]}}', 'WA015 action.sections'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "a", "sections": [@2<{"rows": [{"id": "#", "title": "a"}]}>]}}', 'WA011 action.sections[0].title'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "a", "sections": [@2<{"title": "a", "rows": [{"id": "a", "title": "a"}]}>]}}', 'WA016 action.sections[1].rows[0].id'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "a", "sections": [{"title": "x*25"}]}}', 'WA013 action.sections[0].title'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "a", "sections": [{"rows": [{"id": "x*201", "title": "a"}]}]}}', 'WA013 action.sections[0].rows[0].id'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "a", "sections": [{"rows": [{"id": "x*200", "title": "x*25"}]}]}}', 'WA013 action.sections[0].rows[0].title'),
  ('interactive', '{"type": "list", "body": {"text": "a"}, "action": {"button": "a", "sections": [{"rows": [{"id": "a", "title": "a", "description": "x*73"}]}]}}', 'WA013 action.sections[0].rows[0].description');

-- Links, Flows, catalogues, addresses, calls

insert into example (type, shorthand, refusal) values
  ('interactive', '{"type": "cta_url", "body": {"text": "a"}, "action": {"name": "cta_url", "parameters": {"display_text": "x*20", "url": "https://a.b"}}}', null),
  ('interactive', '{"type": "cta_url", "body": {"text": "a"}, "action": {"name": "cta_url", "parameters": {"display_text": "x*21", "url": "https://a.b"}}}', 'WA013 action.parameters.display_text'),
  ('interactive', '{"type": "cta_url", "body": {"text": "a"}, "action": {"name": "cta_url", "parameters": {"display_text": "a", "url": "a.b"}}}', 'WA014 action.parameters.url'),
  ('interactive', '{"type": "cta_url", "body": {"text": "a"}, "action": {"name": "cta_url"}}', 'WA011 action.parameters'),
  ('interactive', '{"type": "flow", "body": {"text": "a"}, "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "1", "flow_cta": "x*30", "flow_action": "navigate"}}}', null),
  ('interactive', '{"type": "flow", "body": {"text": "a"}, "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "1", "flow_cta": "x*31"}}}', 'WA013 action.parameters.flow_cta'),
  ('interactive', '{"type": "flow", "body": {"text": "a"}, "action": {"name": "flow", "parameters": {"flow_message_version": "2", "flow_id": "1", "flow_cta": "a"}}}', 'WA014 action.parameters.flow_message_version'),
  ('interactive', '{"type": "flow", "body": {"text": "a"}, "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_cta": "a"}}}', 'WA011 action.parameters.flow_id'),
  ('interactive', '{"type": "flow", "body": {"text": "a"}, "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "1", "flow_name": "a", "flow_cta": "a"}}}', 'WA016 action.parameters.flow_id'),
  ('interactive', '{"type": "flow", "body": {"text": "a"}, "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "1", "flow_cta": "a", "mode": "live"}}}', 'WA014 action.parameters.mode'),
  ('interactive', '{"type": "product", "action": {"catalog_id": "1", "product_retailer_id": "2"}}', null),
  ('interactive', '{"type": "product", "header": {"type": "text", "text": "a"}, "action": {}}', 'WA014 header'),
  ('interactive', '{"type": "product", "action": {"catalog_id": "1"}}', 'WA011 action.product_retailer_id'),
  ('interactive', '{"type": "product_list", "header": {"type": "text", "text": "a"}, "body": {"text": "a"}, "action": {"catalog_id": "1", "sections": [{"title": "a", "product_items": [@30<{"product_retailer_id": "#"}>]}]}}', null),
  ('interactive', '{"type": "product_list", "header": {"type": "text", "text": "a"}, "body": {"text": "a"}, "action": {"catalog_id": "1", "sections": [{"title": "a", "product_items": [@31<{"product_retailer_id": "#"}>]}]}}', 'WA015 action.sections[0].product_items'),
  ('interactive', '{"type": "product_list", "body": {"text": "a"}}', 'WA011 header'),
  ('interactive', '{"type": "catalog_message", "body": {"text": "a"}, "action": {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": 1}}}', 'WA012 action.parameters.thumbnail_product_retailer_id'),
  ('interactive', '{"type": "address_message", "body": {"text": "a"}, "action": {"name": "address_message", "parameters": {"country": "IN"}}}', null),
  ('interactive', '{"type": "address_message", "body": {"text": "a"}, "action": {"name": "address_message", "parameters": {"country": "IND"}}}', 'WA013 action.parameters.country'),
  ('interactive', '{"type": "voice_call", "body": {"text": "a"}, "action": {"name": "voice_call", "parameters": {"ttl_minutes": 43201}}}', 'WA014 action.parameters.ttl_minutes'),
  ('interactive', '{"type": "request_contact_info", "body": {"text": "a"}, "action": {"name": "request_contact_info"}}', null),
  ('interactive', '{"type": "contact_request", "body": {"text": "a"}, "action": {"name": "contact_request"}}', 'WA014 action.name');

-- Cards

insert into example (type, shorthand, refusal) values
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "action": {"cards": [@10<{"card_index": #, "type": "cta_url", "header": {"type": "image", "image": {"id": "1"}}, "body": {"text": "x*160"}, "action": {"buttons": [{"type": "quick_reply", "quick_reply": {"id": "a", "title": "a"}}]}}>]}}', null),
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "action": {"cards": [{}]}}', 'WA015 action.cards'),
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "action": {"cards": [@11<{}>]}}', 'WA015 action.cards'),
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "header": {"type": "text", "text": "a"}, "action": {}}', 'WA014 header'),
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "footer": {"text": "a"}, "action": {}}', 'WA014 footer'),
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "action": {"cards": [@2<{"card_index": #, "type": "cta_url", "body": {"text": "x*161"}, "action": {}}>]}}', 'WA013 action.cards[0].body.text'),
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "action": {"cards": [@2<{"card_index": #, "type": "cta_url", "body": {"text": "1\n2\n3\n4"}, "action": {}}>]}}', 'WA014 action.cards[0].body.text'),
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "action": {"cards": [@2<{"card_index": 10, "type": "cta_url", "action": {}}>]}}', 'WA014 action.cards[0].card_index'),
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "action": {"cards": [@2<{"card_index": #, "type": "cta_url", "action": {}}>]}}', 'WA011 action.cards[0].action.name'),
  ('interactive', '{"type": "carousel", "body": {"text": "a"}, "action": {"cards": [@2<{"card_index": #, "type": "product", "action": {"catalog_id": "1"}}>]}}', 'WA011 action.cards[0].action.product_retailer_id');

select is(
  pg_temp.refusal(type, replace(replace(shorthand, 'HOME', md5('home')::uuid::text), 'AWAY', md5('away')::uuid::text)), refusal,
  left(type || ' ' || shorthand, 160)) from example order by place;

select * from finish();
rollback;
