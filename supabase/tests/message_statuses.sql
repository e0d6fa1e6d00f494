-- Delivery reports: in any order, before or after their message, for one recipient or a group.
begin;
select plan(21);

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
values (md5('home number')::uuid, md5('home')::uuid, 'message_statuses-home'), (md5('away number')::uuid, md5('away')::uuid, 'message_statuses-away');
create function pg_temp.report(wamid text, status text, fields jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_object('phone_number_id', 'message_statuses-home', 'wamid', wamid, 'status', status, 'participant', '',
    'occurred_at', '2026-11-01 12:00+00'::timestamptz + make_interval(mins => private.status_rank(status))) || fields
$$;
-- record_inbound as the backend calls it; gives what it answers, or the SQLSTATE.
create function pg_temp.record(statuses jsonb) returns text language sql as $function$
  select pg_temp.by('service_role', format('select public.record_inbound($$[]$$, $$[]$$, %L)', statuses))
$function$;
create function pg_temp.sent(wamid text, body text default 'ours') returns uuid language sql as $$
  insert into public.messages (workspace_id, conversation_id, type, content, status, wamid)
  values (md5('home')::uuid, md5('dana')::uuid, 'text', jsonb_build_object('body', body), 'sent', wamid) returning id
$$;

insert into public.conversations (id, workspace_id, connection_id, phone, window_expires_at)
values (md5('dana')::uuid, md5('home')::uuid, md5('home number')::uuid, '972507777777', now() + interval '1 hour');

-- Any order

create temporary table orders (first text, second text, third text, outcome text);
insert into orders values
  ('sent', 'delivered', 'read', 'read'), ('sent', 'read', 'delivered', 'read'), ('delivered', 'sent', 'read', 'read'),
  ('delivered', 'read', 'sent', 'read'), ('read', 'sent', 'delivered', 'read'), ('read', 'delivered', 'sent', 'read'),
  ('failed', 'delivered', 'sent', 'delivered'), ('delivered', 'failed', 'sent', 'delivered'), ('sent', 'failed', 'sent', 'failed'),
  ('failed', 'sent', 'sent', 'failed'), ('read', 'played', 'sent', 'played'), ('sent', 'warned', 'deleted', 'sent');
create function pg_temp.told(kind text, first text, second text, third text) returns text language plpgsql as $$
declare
  name text := concat_ws('.', kind, first, second, third);
  ours uuid := pg_temp.sent(name);
begin
  perform pg_temp.record(jsonb_build_array(pg_temp.report(name, first)));
  perform pg_temp.record(jsonb_build_array(pg_temp.report(name, second), pg_temp.report(name, third), pg_temp.report(name, first)));
  return (select status from public.messages where id = ours);
end
$$;
select is_empty(
  $$select * from orders where pg_temp.told('wamid', first, second, third) is distinct from outcome$$,
  'in any order of reports the status is the furthest one');
select results_eq(
  $$select sent_at, delivered_at, read_at, error from public.messages where wamid = 'wamid.read.delivered.sent'$$,
  $$values ('2026-11-01 12:01+00'::timestamptz, '2026-11-01 12:03+00'::timestamptz, '2026-11-01 12:04+00'::timestamptz, null::jsonb)$$,
  'and each time is its own');
select is_empty(
  $$select wamid, error from public.messages
    where workspace_id = md5('home')::uuid and status <> 'failed' and (error is not null or status <> 'delivered' and failed_at is not null)$$,
  'what has not failed shows no error, however often it was reported');
select is(
  (select count(*) from public.message_statuses where wamid = 'wamid.sent.warned.deleted'), 3::bigint, 'a status nobody knows is kept');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.report('wamid.failed.sent.sent', 'failed', '{"errors": [{"code": 1}], "occurred_at": "2026-11-01T12:05:00Z"}'))), '0', 'a report once more');
select isnt(
  (select error ->> 'code' from public.messages where wamid = 'wamid.failed.sent.sent'), '1', 'is the one that came first');
select is(
  (select public.record_inbound('[]', '[]', jsonb_build_array(pg_temp.report('wamid.reason', 'failed',
    '{"errors": [{"code": 131049, "title": "Not delivered", "error_data": {"details": "healthy ecosystem"}}]}'))) from pg_temp.sent('wamid.reason')), 0, 'a failure with its reason');
select results_eq(
  $$select status, error, failed_at from public.messages where wamid = 'wamid.reason'$$,
  $$values ('failed', '{"code": 131049, "title": "Not delivered", "details": "healthy ecosystem"}'::jsonb, '2026-11-01 12:02+00'::timestamptz)$$,
  'is shown on the message');
select is(
  pg_temp.record(jsonb_build_array(
    pg_temp.report('wamid.group', 'delivered', '{"participant": "1"}'), pg_temp.report('wamid.group', 'delivered', '{"participant": "2"}'),
    pg_temp.report('wamid.group', 'read', '{"participant": "2"}'), pg_temp.report('wamid.group', 'delivered', '{"participant": "1"}'))), '0',
  'reports of a group, of a message that is not known yet');
select is((select count(*) from public.message_statuses where wamid = 'wamid.group'), 3::bigint, 'are kept, one per participant');
select is(pg_temp.record(jsonb_build_array(
    pg_temp.report('wamid.nobody', 'delivered', '{"participant": null}'), pg_temp.report('wamid.nobody', 'delivered'))), '0',
  'no participant and an empty one in one call are the same');
-- Nothing of a report is lost
select is(
  pg_temp.record(jsonb_build_array(
    pg_temp.report('wamid.whole', 'sent', '{"callback_data": "booking-7", "details": {"recipient_id": "972507777777",
      "conversation": {"id": "6ceb", "origin": {"type": "marketing"}}, "pricing": {"billable": true, "category": "marketing"}}}'),
    pg_temp.report('wamid.whole', 'failed', '{"participant": "IL.9", "errors": [{"code": 131026, "title": "Undeliverable"}],
      "error": {"code": "131026", "class": "RECIPIENT"}, "details": {"recipient_type": "group"}}'))), '0', 'reports with all that WhatsApp says');
select results_eq(
  $$select status, participant, occurred_at, callback_data, errors, error, details, workspace_id from public.message_statuses
    where wamid = 'wamid.whole' order by occurred_at$$,
  $$values ('sent', '', '2026-11-01 12:01+00'::timestamptz, 'booking-7', null::jsonb, null::jsonb, '{"recipient_id": "972507777777",
      "conversation": {"id": "6ceb", "origin": {"type": "marketing"}}, "pricing": {"billable": true, "category": "marketing"}}'::jsonb, md5('home')::uuid),
    ('failed', 'IL.9', '2026-11-01 12:02+00', null, '[{"code": 131026, "title": "Undeliverable"}]', '{"code": "131026", "class": "RECIPIENT"}',
      '{"recipient_type": "group"}', md5('home')::uuid)$$, 'are kept as they came');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.report('wamid.whole', 'sent', '{"occurred_at": "2026-11-01T11:00:00Z", "details": {"pricing": {"billable": false}}}'),
    pg_temp.report('wamid.whole', 'failed', '{"participant": "IL.9", "occurred_at": "2026-11-01T13:00:00Z", "errors": [{"code": 1}]}'))), '0', 'once more');
select results_eq(
  $$select occurred_at, callback_data, errors #> '{0,code}', details #>> '{pricing,billable}' from public.message_statuses where wamid = 'wamid.whole' order by status desc$$,
  $$values ('2026-11-01 11:00+00'::timestamptz, null, null::jsonb, 'false'), ('2026-11-01 12:02+00', null, '131026', null)$$,
  'an earlier one takes the place of a later; a later one does nothing');
insert into public.messages (workspace_id, conversation_id, direction, type, content, wamid)
values (md5('home')::uuid, md5('dana')::uuid, 'inbound', 'text', '{}', 'wamid.1');
select is(pg_temp.record(jsonb_build_array(pg_temp.report('wamid.1', 'read'))), '0', 'a report on what the customer wrote');
select results_eq($$select status from public.messages where wamid = 'wamid.1'$$, $$values ('received')$$, 'changes nothing');

-- Our own id, echoed

insert into public.messages (id, workspace_id, conversation_id, type, content)
values (md5('echoed')::uuid, md5('home')::uuid, md5('dana')::uuid, 'text', '{"body": "queued"}');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.report('wamid.echo', 'delivered',
    jsonb_build_object('callback_data', md5('echoed')::uuid, 'phone_number_id', 'message_statuses-away')))), '0', 'echoed to another workspace''s number');
select results_eq(
  $$select status, wamid from public.messages where id = md5('echoed')::uuid$$, $$values ('queued', null::text)$$, 'it proves nothing');
select is(
  pg_temp.record(jsonb_build_array(pg_temp.report('wamid.echo', 'sent', '{"callback_data": "not an id"}'),
    pg_temp.report('wamid.echo', 'delivered', jsonb_build_object('callback_data', md5('echoed')::uuid)))), '0', 'echoed to its own');
select results_eq(
  $$select status, wamid, (select count(*) from public.outbox where message_id = id) from public.messages where id = md5('echoed')::uuid$$,
  $$values ('delivered', 'wamid.echo', 0::bigint)$$, 'it names the message, which needs no sending any more');

select * from finish();
rollback;
