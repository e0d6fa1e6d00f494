-- What webhooks tell beside messages and reports: changed identities, opt-outs, address books, templates, notices.
begin;
select plan(48);

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
update public.workspaces set connection_limit = 2 where id = md5('home')::uuid;
insert into public.whatsapp_connections (id, workspace_id, phone_number_id, waba_id) values
  (md5('one')::uuid, md5('home')::uuid, 'facts-one', 'facts-waba'), (md5('two')::uuid, md5('home')::uuid, 'facts-two', 'facts-waba'),
  (md5('away')::uuid, md5('away')::uuid, 'facts-away', 'facts-waba-away');
create function pg_temp.at(minutes integer) returns timestamptz language sql as $$
  select now() - interval '1 hour' + make_interval(mins => minutes)
$$;
-- One fact, or one message, as the receiver gives it.
create function pg_temp.told(kind text, minutes integer, fields jsonb) returns void language sql as $$
  select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(
    jsonb_build_object('kind', kind, 'phone_number_id', 'facts-one', 'occurred_at', pg_temp.at(minutes)) || fields))
$$;
create function pg_temp.wrote(wamid text, minutes integer, fields jsonb) returns void language sql as $$
  select public.record_inbound('[]', jsonb_build_array(
    jsonb_build_object('phone_number_id', 'facts-one', 'wamid', wamid, 'type', 'text', 'content', jsonb_build_object('body', wamid),
      'occurred_at', pg_temp.at(minutes)) || fields), '[]')
$$;
create function pg_temp.thread(wamid text) returns uuid language sql as $$
  select conversation_id from public.messages where messages.wamid = thread.wamid and workspace_id = md5('home')::uuid
$$;
create function pg_temp.contact(wamid text) returns setof public.contacts language sql as $$
  select contact.* from public.contacts as contact join public.conversations as thread on thread.contact_id = contact.id
  where thread.id = pg_temp.thread(wamid)
$$;
-- Statistics that differ from those counted from the messages.
create temporary view wrong as
  select thread.id from public.conversations as thread
  join private.stats_of(array(select id from public.conversations)) as truth on truth.conversation_id = thread.id
  where (thread.unread_count, thread.last_message_at, thread.last_message_preview, thread.window_expires_at)
    is distinct from (truth.unread_count, truth.last_message_at, truth.last_message_preview, truth.window_expires_at);

-- Two threads are one person

select pg_temp.wrote('f.phone', 1, '{"wa_id": "972500000001"}');
select pg_temp.wrote('f.user', 2, '{"bsuid": "IL.1"}');
update public.contacts set name = 'Dana', tags = '{vip}' where id = (select id from pg_temp.contact('f.phone'));
update public.contacts set tags = '{late}', attributes = '{"city": "Haifa"}' where id = (select id from pg_temp.contact('f.user'));
select public.mark_as_read(pg_temp.thread('f.phone'));
select isnt(pg_temp.thread('f.phone'), pg_temp.thread('f.user'), 'a phone and a user id that nobody has seen together are two threads');
select pg_temp.wrote('f.both', 3, '{"wa_id": "972500000001", "bsuid": "IL.1"}');
select is(pg_temp.thread('f.user'), pg_temp.thread('f.phone'), 'seen together they become one');
select is(pg_temp.thread('f.both'), pg_temp.thread('f.phone'), 'where the message is, too');
select results_eq(
  $$select phone, bsuid, unread_count, last_message_preview from public.conversations where id = pg_temp.thread('f.both')$$,
  $$values ('972500000001', 'IL.1', 2, 'f.both')$$, 'it bears both, and what was unread in either stays unread');
select results_eq(
  $$select name, phone, bsuid, tags, attributes from pg_temp.contact('f.both')$$,
  $$values ('Dana', '+972500000001', 'IL.1', '{late,vip}'::text[], '{"city": "Haifa"}'::jsonb)$$, 'and the two contacts are one, with all that was written on either');
select is(
  (select count(*) from public.contacts where workspace_id = md5('home')::uuid), 1::bigint, 'no second contact is left');
select is_empty('select * from wrong', 'statistics of a merged thread are those of its messages');

-- A number changes

select pg_temp.wrote('f.old', 4, '{"wa_id": "972500000002"}');
select pg_temp.told('identity', 5, '{"wa_id": "972500000002", "new_wa_id": "972500000003"}');
select results_eq(
  $$select phone from public.conversations where id = pg_temp.thread('f.old')$$, $$values ('972500000003')$$, 'a changed number goes on in the same thread');
select results_eq($$select phone from pg_temp.contact('f.old')$$, $$values ('+972500000003')$$, 'its contact goes along');
select pg_temp.wrote('f.new', 6, '{"wa_id": "972500000003"}');
select is(pg_temp.thread('f.new'), pg_temp.thread('f.old'), 'what the new number writes comes there');
select pg_temp.told('identity', 8, '{"wa_id": "972500000004", "new_wa_id": "972500000005"}');
select is_empty(
  $$select 1 from public.conversations where phone in ('972500000004', '972500000005')$$, 'a change of somebody who never wrote makes no thread');
select pg_temp.wrote('f.after', 9, '{"wa_id": "972500000005"}');
select pg_temp.wrote('f.before', 7, '{"wa_id": "972500000004"}');
select is(pg_temp.thread('f.before'), pg_temp.thread('f.after'), 'it waits: both numbers are one thread when they do write');
select results_eq(
  $$select phone from public.conversations where id = pg_temp.thread('f.after')$$, $$values ('972500000005')$$, 'with the number that was last, whichever came last');

-- A user id changes

select pg_temp.wrote('f.id', 10, '{"bsuid": "IL.10"}');
select pg_temp.told('identity', 11, '{"bsuid": "IL.10", "new_bsuid": "IL.11"}');
select pg_temp.wrote('f.id2', 12, '{"bsuid": "IL.11"}');
select is(pg_temp.thread('f.id2'), pg_temp.thread('f.id'), 'a changed user id goes on in the same thread');
select results_eq($$select bsuid from pg_temp.contact('f.id')$$, $$values ('IL.11')$$, 'with the same contact');
select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(jsonb_build_object(
  'kind', 'identity', 'phone_number_id', 'facts-two', 'occurred_at', pg_temp.at(13), 'bsuid', 'IL.11', 'new_bsuid', 'IL.12')));
select results_eq(
  $$select bsuid from public.conversations where id = pg_temp.thread('f.id')$$, $$values ('IL.11')$$, 'what is told to another number changes nothing here');

-- Marketing

select pg_temp.told('preference', 20, '{"wa_id": "972500000001", "details": {"value": "stop"}}');
select results_eq($$select marketing_opted_out_at from pg_temp.contact('f.both')$$, 'select pg_temp.at(20)', 'who says stop is opted out');
select pg_temp.told('preference', 19, '{"wa_id": "972500000001", "details": {"value": "resume"}}');
select results_eq($$select marketing_opted_out_at from pg_temp.contact('f.both')$$, 'select pg_temp.at(20)', 'an older word that comes later changes nothing');
select pg_temp.told('preference', 20, '{"wa_id": "972500000001", "details": {"value": "resume"}}');
select results_eq($$select marketing_opted_out_at from pg_temp.contact('f.both')$$, 'select pg_temp.at(20)', 'of two words in one second silence wins');
select pg_temp.told('preference', 21, '{"wa_id": "972500000001", "details": {"value": "resume"}}');
select results_eq($$select marketing_opted_out_at from pg_temp.contact('f.both')$$, 'select null::timestamptz', 'resume opts in again');
select pg_temp.told('preference', 22, '{"wa_id": "972500000001", "details": {"value": "stop", "category": "calls"}}');
select results_eq($$select marketing_opted_out_at from pg_temp.contact('f.both')$$, 'select null::timestamptz', 'another category is not marketing');
select pg_temp.told('preference', 23, '{"wa_id": "972500000009", "details": {"value": "stop"}}');
select results_eq(
  $$select marketing_opted_out_at from public.contacts where workspace_id = md5('home')::uuid and phone = '+972500000009'$$,
  'select pg_temp.at(23)', 'whom nobody knows yet is remembered all the same');
select is_empty(
  $$select 1 from public.contacts where workspace_id = md5('away')::uuid$$, 'and in no other workspace');

-- The address book

select pg_temp.told('contact', 30, '{"wa_id": "972500000003", "name": "Yossi"}');
select results_eq($$select name from pg_temp.contact('f.old')$$, $$values ('Yossi')$$, 'the phone''s address book names a contact');
select pg_temp.told('contact', 29, '{"wa_id": "972500000003", "name": "Joseph"}');
select results_eq($$select name from pg_temp.contact('f.old')$$, $$values ('Yossi')$$, 'an older entry does not');
select pg_temp.told('contact', 31, '{"wa_id": "972500000001", "name": "Dana Phone"}');
select results_eq($$select name from pg_temp.contact('f.both')$$, $$values ('Dana')$$, 'a name that a person gave stays');
select pg_temp.told('contact', 32, '{"wa_id": "972500000003", "name": "Yossi", "details": {"action": "remove"}}');
select results_eq($$select name from pg_temp.contact('f.old')$$, $$values ('Yossi')$$, 'a removed entry takes no name away');

-- Templates: told of a WABA, kept for each of its numbers

create function pg_temp.template(minutes integer, fields jsonb) returns void language sql as $$
  select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(jsonb_build_object('kind', 'template', 'waba_id', 'facts-waba',
    'occurred_at', pg_temp.at(minutes), 'template_id', '77', 'name', 'order_ready', 'language', 'he') || fields))
$$;
select pg_temp.template(40, '{"details": {"status": "APPROVED"}}');
select is(
  (select count(*) from public.message_templates where name = 'order_ready' and status = 'APPROVED' and workspace_id = md5('home')::uuid), 2::bigint,
  'a template belongs to every number of its WABA');
select is_empty($$select 1 from public.message_templates where workspace_id = md5('away')::uuid$$, 'and to no other WABA''s');
select is(pg_temp.by('agent', $$select count(*) from public.message_templates where name = 'order_ready'$$), '2', 'its members read it');
select is(pg_temp.by('stranger', $$select count(*) from public.message_templates where name = 'order_ready'$$), '0', 'a stranger does not');
select pg_temp.template(42, '{"details": {"quality": "RED"}}');
select pg_temp.template(41, '{"details": {"status": "REJECTED", "reason": "INVALID_FORMAT"}}');
select results_eq(
  $$select distinct status, reason, quality from public.message_templates where name = 'order_ready'$$,
  $$values ('REJECTED', 'INVALID_FORMAT', 'RED')$$, 'each field has its own clock');
select pg_temp.template(39, '{"details": {"status": "PENDING", "quality": "GREEN"}}');
select results_eq(
  $$select distinct status, quality from public.message_templates where name = 'order_ready'$$, $$values ('REJECTED', 'RED')$$, 'what is older changes nothing');
select pg_temp.template(43, '{"name": null, "language": null, "details": {"category": "UTILITY"}}');
select results_eq(
  $$select distinct category from public.message_templates where name = 'order_ready'$$, $$values ('UTILITY')$$, 'its id alone finds it');
select pg_temp.template(44, '{"template_id": "78", "name": null, "language": null, "details": {"category": "UTILITY"}}');
select is(
  (select count(*) from public.message_templates where workspace_id = md5('home')::uuid), 2::bigint, 'and an unknown id makes none');
select pg_temp.template(45, '{"template_id": "79", "name": "sale", "details": {"status": "APPROVED", "category": "UTILITY", "correct_category": "MARKETING"}}');
select results_eq(
  $$select distinct status, category, quality, reason, components from public.message_templates where name = 'sale' and workspace_id = md5('home')::uuid$$,
  $$values ('APPROVED', 'UTILITY', null::text, null::text, '[]'::jsonb)$$, 'a category that is only announced is not yet one');
select pg_temp.template(46, '{"template_id": "79", "name": "sale", "details": {"components": [{"type": "BODY", "text": "Only {{1}}"}], "message_template_element": "Only {{1}}"}}');
select pg_temp.template(45, '{"template_id": "79", "name": "sale", "details": {"components": [{"type": "BODY", "text": "Was {{1}}"}]}}');
select pg_temp.template(47, '{"template_id": "79", "name": "sale", "details": {"status": "REJECTED", "reason": "TAG_CONTENT_MISMATCH"}}');
select results_eq(
  $$select distinct status, reason, components from public.message_templates where name = 'sale' and workspace_id = md5('home')::uuid$$,
  $$values ('REJECTED', 'TAG_CONTENT_MISMATCH', '[{"type": "BODY", "text": "Only {{1}}"}]'::jsonb)$$, 'the newest wording stays through what is said of its status');
select pg_temp.template(48, '{"template_id": "79", "name": "sale", "details": {"status": "PAUSED", "reason": null, "other_info": {"title": "FIRST_PAUSE"}}}');
select results_eq(
  $$select distinct status, reason from public.message_templates where name = 'sale' and workspace_id = md5('home')::uuid$$,
  $$values ('PAUSED', null::text)$$, 'the reason of a status before is none of the next');
select pg_temp.template(49, '{"template_id": "80", "name": "sale", "language": "en", "details": {"status": "APPROVED"}}');
select is(
  (select string_agg(distinct language || ' ' || status, ', ') from public.message_templates where name = 'sale' and workspace_id = md5('home')::uuid),
  'en APPROVED, he PAUSED', 'each language is a template of its own');

-- Notices: what WhatsApp says about a number

select pg_temp.told('notice', 50, '{"name": "phone_number_quality_update", "details": {"event": "DOWNGRADE"}}');
select pg_temp.told('notice', 49, '{"name": "phone_number_quality_update", "details": {"event": "UPGRADE"}}');
select results_eq(
  $$select provider_notices #>> '{phone_number_quality_update,value,event}' from public.whatsapp_connections where id = md5('one')::uuid$$,
  $$values ('DOWNGRADE')$$, 'the newest notice of each field is kept');
select results_eq(
  $$select provider_notices from public.whatsapp_connections where id in (md5('two')::uuid, md5('away')::uuid)$$,
  $$values ('{}'::jsonb), ('{}'::jsonb)$$, 'on the number it speaks of alone');
create function pg_temp.noticed(minutes integer, name text, fields jsonb) returns text language sql as $$
  select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(jsonb_build_object('kind', 'notice', 'waba_id', 'facts-waba',
    'occurred_at', pg_temp.at(minutes), 'name', name) || fields));
  select string_agg(phone_number_id, ' ' order by phone_number_id) from public.whatsapp_connections where provider_notices ? name
$$;
select is(pg_temp.noticed(51, 'account_review_update', '{"details": {"decision": "APPROVED"}}'), 'facts-one facts-two', 'one about the account is told to each of its numbers');
update public.whatsapp_connections set display_phone_number = case id when md5('one')::uuid then '+972 3-555-0001' else '+972 3-555-0002' end
where workspace_id = md5('home')::uuid;
select is(pg_temp.noticed(52, 'phone_number_name_update', '{"display_phone_number": "97235550002", "details": {"decision": "APPROVED"}}'), 'facts-two',
  'one that names its number as it is shown, to that');
select pg_temp.noticed(53, 'errors', '{"phone_number_id": "facts-two", "details": {"errors": [{"code": 130429, "title": "Rate limit hit"}]}}');
select pg_temp.noticed(52, 'errors', '{"phone_number_id": "facts-two", "details": {"errors": [{"code": 1}]}}');
select results_eq(
  $$select phone_number_id, last_error from public.whatsapp_connections where workspace_id = md5('home')::uuid order by 1$$,
  $$values ('facts-one', null::jsonb), ('facts-two', '{"code": 130429, "title": "Rate limit hit"}')$$, 'errors are the number''s last error, by their own clock');

-- A WABA's fact touches the WABA whose token its webhook showed

create temporary table came as
select id from unnest(public.receive_inbound(e'360dialog\x1ffacts-away\x1f\x1f{}')) as id;
select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(jsonb_build_object('kind', 'template', 'waba_id', 'facts-waba',
  'event_id', (select id from came), 'occurred_at', pg_temp.at(60), 'template_id', '77', 'name', 'order_ready', 'language', 'he',
  'details', '{"status": "APPROVED"}'::jsonb)));
select results_eq(
  $$select distinct status from public.message_templates where name = 'order_ready'$$, $$values ('REJECTED')$$,
  'a stranger''s webhook changes nothing of it');
select public.record_inbound('[]', '[]', '[]', null, jsonb_build_array(jsonb_build_object('kind', 'notice', 'waba_id', 'facts-waba',
  'event_id', (select id from came), 'occurred_at', pg_temp.at(60), 'name', 'account_update', 'details', '{"event": "DISABLED"}'::jsonb)));
select is_empty(
  $$select 1 from public.whatsapp_connections where provider_notices ? 'account_update'$$, 'nor disables its account');

-- Anything twice

create temporary table once as
select (select jsonb_agg(c order by c.id) from public.contacts as c) as contacts,
  (select jsonb_agg(c order by c.id) from public.conversations as c) as threads,
  (select jsonb_agg(t order by t.id) from public.message_templates as t) as templates;
select pg_temp.told('identity', 5, '{"wa_id": "972500000002", "new_wa_id": "972500000003"}');
select pg_temp.told('preference', 20, '{"wa_id": "972500000001", "details": {"value": "stop"}}');
select pg_temp.told('contact', 30, '{"wa_id": "972500000003", "name": "Yossi"}');
select pg_temp.template(41, '{"details": {"status": "REJECTED", "reason": "INVALID_FORMAT"}}');
select results_eq(
  $$select (select jsonb_agg(c order by c.id) from public.contacts as c),
    (select jsonb_agg(c order by c.id) from public.conversations as c),
    (select jsonb_agg(t order by t.id) from public.message_templates as t)$$,
  'select * from once', 'told again, all of it changes nothing');
select is_empty('select * from wrong', 'and all statistics are those of their messages');

select * from finish();
rollback;
