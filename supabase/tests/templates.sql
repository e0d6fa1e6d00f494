-- What providers say when they are asked: listings of templates beside the words of webhooks, and the health of numbers.
begin;
select plan(52);

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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id, waba_id) values
  (md5('one')::uuid, md5('home')::uuid, 'templates-one', 'templates-waba'),
  (md5('away')::uuid, md5('away')::uuid, 'templates-away', 'templates-waba-away');

create function pg_temp.at(minutes integer) returns timestamptz language sql as $$
  select now() - interval '1 hour' + make_interval(mins => minutes)
$$;
-- A listing of that minute: one row a template, `{name, ...}` over an approved Hebrew one.
create function pg_temp.listed(minutes integer, complete boolean, variadic told jsonb[] default '{}') returns text language sql as $$
  select concat_ws(' ', answer -> 'listed', answer -> 'added', answer -> 'changed', answer -> 'deleted')
  from public.record_templates(md5('one')::uuid, (
    select coalesce(jsonb_agg('{"language": "he", "status": "APPROVED", "category": "UTILITY", "quality": "GREEN", "components": [{"type": "BODY", "text": "a"}]}'
      || one), '[]') from unnest(told) as one), pg_temp.at(minutes), complete) as answer
$$;
create function pg_temp.webhook(minutes integer, details jsonb) returns void language sql as $$
  select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(jsonb_build_object('kind', 'template', 'waba_id', 'templates-waba',
    'occurred_at', pg_temp.at(minutes), 'name', 'news', 'language', 'he', 'template_id', '77', 'details', details)))
$$;
create function pg_temp.known() returns text language sql as $$
  select string_agg(concat_ws(' ', name, language, status, category, quality), ', ' order by name, language)
  from public.message_templates where connection_id = md5('one')::uuid
$$;
create function pg_temp.versions() returns text language sql as $$
  select string_agg(ctid || ' ' || xmin, ', ' order by id) from public.message_templates where connection_id = md5('one')::uuid
$$;
create function pg_temp.number() returns setof public.whatsapp_connections language sql as $$
  select * from public.whatsapp_connections where id = md5('one')::uuid
$$;

-- Listings

select is(pg_temp.listed(1, true), '0 0 0 0', 'an account without templates');
select is(
  pg_temp.listed(2, true, '{"name": "news"}', '{"name": "code", "category": "AUTHENTICATION", "language": "en"}'), '2 2 0 0', 'two are new');
select is(pg_temp.known(), 'code en APPROVED AUTHENTICATION GREEN, news he APPROVED UTILITY GREEN', 'and known');
create temporary table before as select pg_temp.versions() as versions;
select is(
  pg_temp.listed(3, true, '{"name": "news"}', '{"name": "code", "category": "AUTHENTICATION", "language": "en"}'), '2 0 0 0', 'the same again');
select is(pg_temp.versions(), (select versions from before), 'is not written');
select is(
  pg_temp.listed(4, true, '{"name": "news", "category": "MARKETING", "status": "PAUSED"}', '{"name": "code", "category": "AUTHENTICATION", "language": "en"}'),
  '2 0 1 0', 'what has changed');
select is(pg_temp.known(), 'code en APPROVED AUTHENTICATION GREEN, news he PAUSED MARKETING GREEN', 'is');
select is(pg_temp.listed(3, true, '{"name": "news"}'), '1 0 0 1', 'an older listing');
select is(pg_temp.known(), 'code en DELETED AUTHENTICATION GREEN, news he PAUSED MARKETING GREEN', 'does not change it, only what nobody has spoken of since');
select is(
  pg_temp.listed(5, true, '{"name": "news", "status": "REJECTED", "reason": "SCAM"}', '{"name": "code", "category": "AUTHENTICATION", "language": "en"}'),
  '2 0 2 0', 'one that is back');
select is(pg_temp.known(), 'code en APPROVED AUTHENTICATION GREEN, news he REJECTED UTILITY GREEN', 'is there again');
select is((select reason from public.message_templates where name = 'news' and connection_id = md5('one')::uuid), 'SCAM', 'with the reason of a refusal');
select is(pg_temp.listed(6, false, '{"name": "news"}'), '1 0 1 0', 'a listing that may lack something');
select is(
  (select reason from public.message_templates where name = 'news' and connection_id = md5('one')::uuid), null, 'a reason goes with its status');
select is(pg_temp.known(), 'code en APPROVED AUTHENTICATION GREEN, news he APPROVED UTILITY GREEN', 'takes nothing for gone');
select is(pg_temp.listed(7, true, '{"name": "news"}'), '1 0 0 1', 'a complete one does');
select is(pg_temp.listed(8, true, '{"name": "news"}'), '1 0 0 0', 'once');
select is(
  pg_temp.listed(9, true, '{"name": "news"}', '{"name": null}', '{"name": "news", "language": null}', '{"name": "news"}'), '1 0 0 0',
  'what has no name or language is none, what comes twice is one');
select is(pg_temp.listed(10, true, '{"name": "news", "status": null, "category": null, "quality": null, "components": null}'), '1 0 0 0', 'what is not said');
select is(pg_temp.known(), 'code en DELETED AUTHENTICATION GREEN, news he APPROVED UTILITY GREEN', 'stays as it is');
select is(
  pg_temp.by('service_role', format('select public.record_templates(%L, ''[]'', now())', md5('nobody')::uuid)), 'WA004', 'a number that is not there');

-- Beside webhooks

select lives_ok($$select pg_temp.webhook(12, '{"status": "PAUSED"}')$$, 'a webhook');
select is(pg_temp.listed(11, true, '{"name": "news", "category": "MARKETING"}'), '1 0 1 0', 'and a listing from before it');
select is(pg_temp.known(), 'code en DELETED AUTHENTICATION GREEN, news he PAUSED MARKETING GREEN', 'which knows better about the rest only');
select is(pg_temp.listed(11, true), '0 0 0 0', 'nor does it delete what was spoken of since');
select is(
  concat_ws(' ', answer -> 'changed', (select status from public.message_templates where name = 'news' and connection_id = md5('one')::uuid)),
  '0 PAUSED', 'a listing of the same moments may lag')
from public.record_templates(md5('one')::uuid,
  '[{"name": "news", "language": "he", "status": "APPROVED"}]', pg_temp.at(12) + interval '4 seconds') as answer;
select is(pg_temp.listed(13, true, '{"name": "news", "category": "MARKETING"}'), '1 0 1 0', 'a newer one wins');
select lives_ok($$select pg_temp.webhook(10, '{"status": "DISABLED", "quality": "RED"}')$$, 'a webhook that comes late');
select is(pg_temp.known(), 'code en DELETED AUTHENTICATION GREEN, news he APPROVED MARKETING RED', 'says what is newer than what is known of its field');
select is((select provider_template_id from public.message_templates where name = 'news' and connection_id = md5('one')::uuid), '77', 'its id stays');

-- Categories count

insert into public.conversations (id, workspace_id, connection_id, bsuid) values (md5('eva')::uuid, md5('home')::uuid, md5('one')::uuid, 'IL.eva');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$eva$$)::uuid, $$template$$, $${"name": "code", "language": "en"}$$)'),
  'WA017', 'a code does not go to a username, once the listing has said that it is one');

-- Health

create function pg_temp.health(minutes integer, told jsonb) returns text language sql as $$
  select public.record_number_health(md5('one')::uuid, '{"quality_rating": "GREEN", "display_phone_number": "+972 3-555-1234", "problems": []}'
    || told, pg_temp.at(minutes))
$$;
select is(pg_temp.health(1, '{"can_send_message": "AVAILABLE"}'), 'active', 'a healthy number');
select results_eq(
  $$select quality_rating, display_phone_number, provider_notices #>> '{health,value,can_send_message}' from pg_temp.number()$$,
  $$values ('GREEN', '+972 3-555-1234', 'AVAILABLE')$$, 'is described');
select is(pg_temp.health(2, '{"can_send_message": "BLOCKED", "problems": ["WABA 141006: no payment"]}'), 'paused', 'a blocked one');
select results_eq(
  $$select status_reason, last_error ->> 'title', last_error ->> 'code', status_since = now() from pg_temp.number()$$,
  $$values ('blocked', 'WABA 141006: no payment', 'blocked', true)$$, 'is paused, with what WhatsApp says');
select is(pg_temp.health(1, '{"can_send_message": "AVAILABLE"}'), 'paused', 'an older word lets nothing go on');
select is(pg_temp.health(3, '{"can_send_message": null, "quality_rating": null}'), 'paused', 'nor does none');
select is((select quality_rating from pg_temp.number()), 'GREEN', 'and what is not said stays');
select is(pg_temp.health(4, '{"can_send_message": "LIMITED", "quality_rating": "RED"}'), 'active', 'once it may send it goes on');
select results_eq($$select status_reason, last_error, quality_rating from pg_temp.number()$$, $$values (null::text, null::jsonb, 'RED')$$, 'by itself');
update public.whatsapp_connections set status = 'paused', status_reason = 'operator' where id = md5('one')::uuid;
select is(pg_temp.health(5, '{"can_send_message": "BLOCKED"}'), 'paused', 'what somebody has paused');
select is(pg_temp.health(6, '{"can_send_message": "AVAILABLE"}'), 'paused', 'stays so');
select is((select status_reason from pg_temp.number()), 'operator', 'for their reason');
create function pg_temp.rate_after(minutes integer, told text) returns integer language plpgsql as $$
begin
  perform pg_temp.health(minutes, jsonb_build_object('messages_per_second', told::integer));
  return (select messages_per_second from pg_temp.number());
end
$$;
select is(pg_temp.rate_after(7, '20'), 20, 'a number that shares its phone with the app is slow');
update public.whatsapp_connections set messages_per_second = 10 where id = md5('one')::uuid;
select is(pg_temp.rate_after(8, '20'), 10, 'what an operator has set stays');
select is(pg_temp.rate_after(9, '1000'), 1000, 'until WhatsApp grants it something else');
select is(pg_temp.rate_after(10, '80'), 80, 'or less');
update public.whatsapp_connections set messages_per_second = 60 where id = md5('one')::uuid;
select is(pg_temp.rate_after(11, null), 60, 'and what it does not say changes nothing');
select is(public.record_number_health(md5('nobody')::uuid, '{}', now()), null, 'a number that is not there has none');

-- Who may

select is(pg_temp.by(actor, format('select public.record_templates(%L, ''[]'', now())', md5('one')::uuid)), '42501', actor || ' records none')
from unnest(array['owner', 'stranger', 'anon']) as actor;

select * from finish();
rollback;
