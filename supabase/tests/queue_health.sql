-- How far behind the queues are: counted by number, the oldest with its age, the smallest numbers as one without a name.
begin;
select plan(18);

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
values (md5('home number')::uuid, md5('home')::uuid, 'health-home'), (md5('away number')::uuid, md5('away')::uuid, 'health-away');

create function pg_temp.health(variadic path text[]) returns text language sql as $$
  select public.get_queue_health() #>> path
$$;
-- What a queue says of a number: how many wait, and for how many minutes.
create function pg_temp.of_number(queue text, number text, max_numbers integer default 50) returns text language sql as $$
  select concat_ws(' ', told ->> 'waiting', round((told ->> 'oldest_seconds')::numeric / 60))
  from jsonb_array_elements(public.get_queue_health(max_numbers => of_number.max_numbers) -> queue) as told
  where told ->> 'phone_number_id' is not distinct from number
$$;
create function pg_temp.thread(name text, place text) returns void language sql as $$
  insert into public.conversations (id, workspace_id, connection_id, phone, last_customer_message_at, window_expires_at)
  values (md5(name)::uuid, md5(place)::uuid, md5(place || ' number')::uuid, left(translate(md5(name), 'abcdef', '123456'), 11), now(),
    now() + interval '1 day');
$$;
create function pg_temp.queue(thread text, place text, words text) returns void language sql as $$
  insert into public.messages (id, workspace_id, conversation_id, type, content)
  values (md5(words)::uuid, md5(place)::uuid, md5(thread)::uuid, 'text', jsonb_build_object('body', words));
$$;

select is(pg_temp.by('owner', 'select public.get_queue_health()'), '42501', 'an owner is told nothing of other workspaces'' queues');
select isnt(pg_temp.by('service_role', 'select public.get_queue_health()'), '42501', 'the backend is told');

-- The journal

insert into public.webhook_events (provider, body, state, received_at, lease_expires_at) values
  ('meta', '{}', 'received', now() - interval '7 minutes', now() - interval '6 minutes'),
  ('meta', '{}', 'received', now(), now() + interval '15 seconds'),
  ('meta', '{}', 'processed', now() - interval '1 day', null),
  ('meta', '{}', 'failed', now() - interval '1 day', null);
select is(pg_temp.health('journal', 'received'), '2', 'events that wait are counted, those that are done are not');
select is(round(pg_temp.health('journal', 'oldest_seconds')::numeric), 420::numeric, 'the oldest has its age');
select is(pg_temp.health('set_aside', 'failed'), '1', 'and so are failed ones');
select is(pg_temp.health('set_aside', 'unrouted'), '0', 'of which there may be none');

-- The outbox

select pg_temp.thread('one', 'home'), pg_temp.thread('two', 'home'), pg_temp.thread('three', 'away');
select pg_temp.queue('one', 'home', 'first'), pg_temp.queue('one', 'home', 'second'), pg_temp.queue('two', 'home', 'other'),
  pg_temp.queue('three', 'away', 'foreign');
select is(pg_temp.of_number('outbox', 'health-home'), '3 0', 'messages are counted by number, followers too');
update public.outbox set line_at = now() - interval '9 minutes' where message_id = md5('other')::uuid;
update public.outbox set line_at = now() + interval '1 hour' where message_id = md5('second')::uuid;
select is(pg_temp.of_number('outbox', 'health-home'), '2 9', 'the oldest has its age, and what is for later does not wait');
select is(pg_temp.of_number('outbox', null, 1), '1 0', 'the numbers beyond the largest are one, without a name');
select is(pg_temp.of_number('outbox', 'health-away', 1), null, 'and have none of their own');
select is(jsonb_path_query_array(public.get_queue_health(max_rows => 1), '$.outbox[*].waiting'), '[1, 1]',
  'a number that is beyond the rows that are read is told of all the same');
update public.outbox set uncertain_since = now() - interval '3 minutes', ready_at = null where message_id = md5('foreign')::uuid;
select is(pg_temp.health('uncertain', 'waiting') || ' ' || round(pg_temp.health('uncertain', 'oldest_seconds')::numeric), '1 180',
  'what is uncertain is counted for itself');
select is(pg_temp.of_number('outbox', 'health-away'), null, 'and waits to be sent no more');

-- Files

select is(pg_temp.health('media_deadline_seconds'), null, 'no file, no deadline');
insert into public.messages (id, workspace_id, connection_id, direction, status, type, content, wamid, media_id, media_status, occurred_at)
select md5(name)::uuid, md5('home')::uuid, md5('home number')::uuid, 'inbound', 'received', 'image', '{}', name, name, 'pending', now()
from unnest(array['picture', 'fetched']) as name;
insert into public.media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline, lease_token, lease_expires_at) values
  (md5('picture')::uuid, md5('home')::uuid, md5('home number')::uuid, 'a', 'picture', now() + interval '6 days 23 hours', null, null),
  (md5('fetched')::uuid, md5('home')::uuid, md5('home number')::uuid, 'b', 'fetched', now() + interval '7 days', gen_random_uuid(), now())
on conflict (message_id) do update set deadline = excluded.deadline, lease_token = excluded.lease_token, lease_expires_at = excluded.lease_expires_at;
select is(pg_temp.of_number('media', 'health-home'), '2 60', 'files are counted by number, those in hand too; their age is since they were sent');
select is(round(pg_temp.health('media_deadline_seconds')::numeric / 3600), 167::numeric, 'the first that WhatsApp forgets');

-- Numbers

update public.whatsapp_connections set status = 'paused', status_reason = 'payment' where phone_number_id = 'health-home';
select is(pg_temp.health('paused'), '[{"reason": "payment", "phone_number_id": "health-home"}]', 'a paused number has its reason');
select is(pg_temp.health('paused_numbers'), '1', 'and is counted');

select * from finish();
rollback;
