-- What may be sent: every limit of every type, just inside and just outside, and which field is named.
begin;
select plan(130);

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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id)
values (md5('home number')::uuid, md5('home')::uuid, 'content-home'), (md5('away number')::uuid, md5('away')::uuid, 'content-away');
insert into public.conversations (id, workspace_id, connection_id, phone, bsuid) values
  (md5('dana')::uuid, md5('home')::uuid, md5('home number')::uuid, '972501234567', null),
  (md5('eva')::uuid, md5('home')::uuid, md5('home number')::uuid, null, 'IL.eva');
insert into public.messages (workspace_id, conversation_id, direction, type, content)
values (md5('home')::uuid, md5('dana')::uuid, 'inbound', 'order', '{"never": "checked"}');
insert into public.message_templates (workspace_id, connection_id, name, language, category, status) values
  (md5('home')::uuid, md5('home number')::uuid, 'code', 'he', 'AUTHENTICATION', 'APPROVED'),
  (md5('home')::uuid, md5('home number')::uuid, 'news', 'he', 'MARKETING', 'APPROVED'),
  (md5('away')::uuid, md5('away number')::uuid, 'news', 'he', 'AUTHENTICATION', 'APPROVED');
insert into storage.objects (bucket_id, name, metadata)
select 'whatsapp-media', md5('home')::uuid || '/outgoing/' || name, '{"mimetype": "image/png", "size": 68}'
from unnest(array['a.png', '2026/a b..png', 'a']) as name;

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

-- Text

insert into example (type, shorthand, refusal) values
  ('text', '{"body": "x*4096"}', null),
  ('text', '{"body": "x*4097"}', 'WA013 body'),
  ('text', '{"body": ""}', 'WA011 body'),
  ('text', '{"body": " \n "}', 'WA011 body'),
  ('text', '{}', 'WA011 body'),
  ('text', '{"body": null}', 'WA011 body'),
  ('text', '{"body": 5}', 'WA012 body'),
  ('text', '{"body": "a", "preview_url": true}', null),
  ('text', '{"body": "a", "preview_url": null}', null),
  ('text', '{"body": "a", "preview_url": "yes"}', 'WA012 preview_url'),
  ('text', '{"body": "a", "of_tomorrow": {}}', null),
  ('text', '"a"', 'WA005 content'),
  ('text', '[]', 'WA005 content');

-- Types

insert into example (type, shorthand, refusal) values
  ('order', '{}', 'WA010 type'),
  ('button', '{"text": "a"}', 'WA010 type'),
  ('system', '{}', 'WA010 type'),
  ('edit', '{}', 'WA010 type'),
  ('hologram', '"a"', 'WA010 type');

-- Media

insert into example (type, shorthand, refusal) values
  ('image', '{"link": "https://example.com/a.png", "caption": "x*1024"}', null),
  ('image', '{"link": "https://example.com/a.png", "caption": "x*1025"}', 'WA013 caption'),
  ('image', '{"link": "https://example.com/a.png", "caption": ""}', null),
  ('image', '{"link": "https://example.com/a.png", "caption": 1}', 'WA012 caption'),
  ('video', '{"link": "http://example.com/a.mp4"}', null),
  ('video', '{"link": "ftp://example.com/a.mp4"}', 'WA014 link'),
  ('video', '{"link": "https://example.com/a b.mp4"}', 'WA014 link'),
  ('video', '{"link": "https://x*1992"}', null),
  ('video', '{"link": "https://x*1993"}', 'WA013 link'),
  ('image', '{}', 'WA011 path'),
  ('image', '{"link": null}', 'WA011 path'),
  ('image', '{"id": "1", "link": "https://example.com/a.png"}', 'WA016 link'),
  ('image', '{"id": "1", "path": "a"}', 'WA016 path'),
  ('image', '{"id": "123"}', null),
  ('image', '{"id": 123}', null),
  ('image', '{"id": "12a"}', 'WA014 id'),
  ('image', '{"id": {}}', 'WA012 id'),
  ('image', '{"id": "1", "filename": "a.png"}', 'WA014 filename'),
  ('document', '{"id": "1", "filename": "x*240"}', null),
  ('document', '{"id": "1", "filename": "x*241"}', 'WA013 filename'),
  ('document', '{"id": "1", "filename": ""}', 'WA011 filename'),
  ('audio', '{"id": "1", "voice": true}', null),
  ('audio', '{"id": "1", "voice": 1}', 'WA012 voice'),
  ('audio', '{"id": "1", "caption": "a"}', 'WA014 caption'),
  ('sticker', '{"id": "1"}', null),
  ('sticker', '{"id": "1", "caption": "a"}', 'WA014 caption'),
  ('image', '{"path": "HOME/outgoing/a.png"}', null),
  ('image', '{"path": "HOME/outgoing/2026/a b..png"}', null),
  ('image', '{"path": "HOME/outgoing/b.png"}', 'WA021 path'),
  ('image', '{"path": "AWAY/outgoing/a.png"}', 'WA014 path'),
  ('image', '{"path": "HOME/a.png"}', 'WA014 path'),
  ('image', '{"path": "HOME/outgoing/"}', 'WA014 path'),
  ('image', '{"path": "HOME/outgoing//a.png"}', 'WA014 path'),
  ('image', '{"path": "HOME/outgoing/../a.png"}', 'WA014 path'),
  ('image', '{"path": "HOME/outgoing/a/.."}', 'WA014 path'),
  ('image', '{"path": "/HOME/outgoing/a.png"}', 'WA014 path'),
  ('image', '{"path": ["a"]}', 'WA012 path');

-- Location, contacts, reaction

insert into example (type, shorthand, refusal) values
  ('location', '{"latitude": 90, "longitude": -180, "name": "x*1000", "address": "a"}', null),
  ('location', '{"latitude": "32.08", "longitude": "-34.7"}', null),
  ('location', '{"latitude": 90.1, "longitude": 0}', 'WA014 latitude'),
  ('location', '{"latitude": 0, "longitude": "181"}', 'WA014 longitude'),
  ('location', '{"latitude": 0}', 'WA011 longitude'),
  ('location', '{"latitude": "north", "longitude": 0}', 'WA012 latitude'),
  ('location', '{"latitude": 0, "longitude": 0, "name": "x*1001"}', 'WA013 name'),
  ('contacts', '[@5<{"name": {"formatted_name": "a"}}>]', null),
  ('contacts', '[@6<{"name": {"formatted_name": "a"}}>]', 'WA015 content'),
  ('contacts', '[]', 'WA015 content'),
  ('contacts', '{}', 'WA005 content'),
  ('contacts', '[{"name": {"first_name": "a"}}]', 'WA011 [0].name.formatted_name'),
  ('contacts', '[{"phones": []}]', 'WA011 [0].name'),
  ('contacts', '[{"name": {"formatted_name": "a"}, "phones": [{"phone": 1}]}]', 'WA012 [0].phones[0].phone'),
  ('contacts', '[{"name": {"formatted_name": "a"}, "org": {"company": "x*1001"}}]', 'WA013 [0].org.company'),
  ('contacts', '[{"name": {"formatted_name": "a"}, "emails": {}}]', 'WA012 [0].emails'),
  ('contacts', '[{"name": {"formatted_name": "a"}, "birthday": "1990-02-03", "emails": [{"email": "", "tomorrow": 1}]}]', null),
  ('contacts', '[{"name": {"formatted_name": "a"}, "birthday": "3.2.1990"}]', 'WA014 [0].birthday'),
  ('reaction', '{"message_id": "wamid.1", "emoji": "👍🏽"}', null),
  ('reaction', '{"message_id": "wamid.1", "emoji": "1️⃣"}', null),
  ('reaction', '{"message_id": "wamid.1", "emoji": ""}', null),
  ('reaction', '{"message_id": "wamid.1"}', 'WA011 emoji'),
  ('reaction', '{"emoji": "👍"}', 'WA011 message_id'),
  ('reaction', '{"message_id": "wamid.1", "emoji": "yes"}', 'WA014 emoji'),
  ('reaction', '{"message_id": "wamid.1", "emoji": "👍x*40"}', 'WA013 emoji');

-- Templates

insert into example (type, shorthand, refusal) values
  ('template', '{"name": "a", "language": {"code": "he", "policy": "deterministic"}}', null),
  ('template', '{"name": "x*513", "language": {"code": "he"}}', 'WA013 name'),
  ('template', '{"language": {"code": "he"}}', 'WA011 name'),
  ('template', '{"name": "a"}', 'WA011 language'),
  ('template', '{"name": "a", "language": {"code": "x*17"}}', 'WA013 language.code'),
  ('template', '{"name": "a", "language": {"code": "he", "policy": "fallback"}}', 'WA014 language.policy'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": {}}', 'WA012 components'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [@21<{"type": "body"}>]}', 'WA015 components'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "BODY", "parameters": [@3<{"type": "TEXT", "text": "#"}>]}, {"type": "of_tomorrow"}]}', null),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"parameters": []}]}', 'WA011 components[0].type'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": {}}]}', 'WA012 components[0].parameters'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [@101<{"type": "text", "text": "a"}>]}]}', 'WA015 components[0].parameters'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "x*32768"}]}]}', null),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "x*32769"}]}]}', 'WA013 components[0].parameters[0].text'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": " "}]}]}', 'WA011 components[0].parameters[0].text'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "a    b"}]}]}', null),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "a     b"}]}]}', 'WA014 components[0].parameters[0].text'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "header", "parameters": [{"type": "text", "text": "a\nb"}]}]}', 'WA014 components[0].parameters[0].text'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "text", "parameter_name": "first name!", "text": "a"}]}]}', null),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "text", "parameter_name": 1, "text": "a"}]}]}', 'WA012 components[0].parameters[0].parameter_name'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "header", "parameters": [{"type": "image", "image": {"path": "HOME/outgoing/a"}}]}]}', null),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "header", "parameters": [{"type": "image", "image": {"path": "AWAY/outgoing/a"}}]}]}', 'WA014 components[0].parameters[0].image.path'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "header", "parameters": [{"type": "location", "location": {"latitude": 91, "longitude": 0}}]}]}', 'WA014 components[0].parameters[0].location.latitude'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "currency", "currency": {"fallback_value": "1 NIS", "code": "ILS", "amount_1000": 1000}}]}]}', null),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "currency", "currency": {"fallback_value": "1 NIS", "code": "ILS", "amount_1000": 1.5}}]}]}', 'WA014 components[0].parameters[0].currency.amount_1000'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "body", "parameters": [{"type": "date_time", "date_time": {}}]}]}', 'WA011 components[0].parameters[0].date_time.fallback_value'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "button", "sub_type": "copy_code", "index": 0, "parameters": [{"type": "coupon_code", "coupon_code": "x*20"}]}]}', null),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "button", "sub_type": "copy_code", "index": "0", "parameters": [{"type": "coupon_code", "coupon_code": "x*21"}]}]}', 'WA013 components[0].parameters[0].coupon_code'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": "x*257"}]}]}', 'WA013 components[0].parameters[0].payload'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "button", "sub_type": "url", "index": "10"}]}', 'WA014 components[0].index'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "button", "index": "0"}]}', 'WA011 components[0].sub_type'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "button", "sub_type": "flow", "index": "0", "parameters": [{"type": "action", "action": 1}]}]}', 'WA012 components[0].parameters[0].action'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "limited_time_offer", "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": "soon"}}]}]}', 'WA014 components[0].parameters[0].limited_time_offer.expiration_time_ms'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "carousel", "cards": [@10<{"card_index": #, "components": [{"type": "body"}]}>]}]}', null),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "carousel", "cards": [@11<{}>]}]}', 'WA015 components[0].cards'),
  ('template', '{"name": "a", "language": {"code": "he"}, "components": [{"type": "carousel", "cards": [{"card_index": 0, "components": [{"type": "header", "parameters": [{"type": "video", "video": {}}]}]}]}]}', 'WA011 components[0].cards[0].components[0].parameters[0].video.path');

select is(
  pg_temp.refusal(type, replace(replace(shorthand, 'HOME', md5('home')::uuid::text), 'AWAY', md5('away')::uuid::text)), refusal,
  left(type || ' ' || shorthand, 160)) from example order by place;

-- Who is told

select is(
  pg_temp.by(actor, 'insert into public.messages (workspace_id, conversation_id, type, content) values (md5($$home$$)::uuid, md5($$dana$$)::uuid, $$text$$, $${"body": ""}$$)'),
  'WA011', 'refused for ' || actor) from unnest(array['owner', 'agent', 'service_role']) as actor;
select is(
  pg_temp.by('anon', 'select private.check_content($$text$$, $${"body": "a"}$$, md5($$home$$)::uuid)'), '42501', 'anon may not even ask');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content, reply_to_wamid) values (md5($$dana$$)::uuid, $$text$$, $${"body": "a"}$$, $$ $$)'),
  'WA011', 'a reply to nothing is none');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content, reply_to_wamid) values (md5($$dana$$)::uuid, $$text$$, $${"body": "a"}$$, $$wamid.1$$)'),
  '1', 'a text may be a reply');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content, reply_to_wamid) values (md5($$dana$$)::uuid, $$reaction$$, $${"message_id": "wamid.1", "emoji": "👍"}$$, $$wamid.2$$)'),
  'WA016', 'a reaction may not be one to another message than its own');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$dana$$)::uuid, $$reaction$$, $${"message_id": "wamid.1", "emoji": "👍"}$$)'),
  '1', 'it names its message itself');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$dana$$)::uuid, $$template$$, $${"name": "news", "language": 7}$$)'),
  'WA012', 'a language that is neither word nor object');

-- One-time codes

select is(
  pg_temp.by('agent', format('insert into public.messages (conversation_id, type, content) values (md5(%L)::uuid, $$template$$, %L)', who, content)),
  answer, who || ' ' || content)
from (values ('dana', '{"name": "code"}', '1'), ('eva', '{"name": "code"}', 'WA017'), ('eva', '{"name": "code", "language": "he"}', 'WA017'),
  ('eva', '{"name": "code", "language": "en"}', '1'), ('eva', '{"name": "news"}', '1')) as sent (who, content, answer);

select * from finish();
rollback;
