-- The first word to somebody: by phone or user id, with or without a thread.
begin;
select plan(19);

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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id)
values (md5('home number')::uuid, md5('home')::uuid, 'start-home'), (md5('away number')::uuid, md5('away')::uuid, 'start-away');

create function pg_temp.start(actor text, recipient text, more text default '', type text default 'template', content text default '{"name": "hello"}')
returns text language sql as $$
  select pg_temp.by(actor, format('select message_id from public.start_conversation(md5(%L)::uuid, %L, %L, %L%s)', 'home', recipient, type, content, more))
$$;
create function pg_temp.started(answer text) returns text language sql as $$
  select concat_ws(' ', thread.phone, thread.bsuid, contact.phone, contact.bsuid, message.status, message.content #>> '{language,code}')
  from public.messages as message
  join public.conversations as thread on thread.id = message.conversation_id
  left join public.contacts as contact on contact.id = thread.contact_id
  where message.id = case when answer ~ '^[0-9a-f-]{36}$' then answer::uuid end
$$;

select is(pg_temp.started(pg_temp.start('agent', '+972 50-123 4567')), '972501234567 +972501234567 queued he',
  'an agent writes to a number: thread, contact and message are there, in the workspace''s language');
select is(pg_temp.started(pg_temp.start('agent', '972501234567')), '972501234567 +972501234567 queued he', 'once more, written otherwise');
select is((select count(*) from public.conversations where workspace_id = md5('home')::uuid), 1::bigint, 'in the same thread');
select is(pg_temp.started(pg_temp.start('agent', 'IL.13491208655302741918')), 'IL.13491208655302741918 IL.13491208655302741918 queued he',
  'to somebody who shows a user id only');
select is(pg_temp.started(pg_temp.start('agent', '+5511987654321')), '5511987654321 +5511987654321 queued he', 'a Brazilian number');
create temporary table sent_now (message_id text);
grant all on sent_now to public;
insert into sent_now select pg_temp.start('agent', number) from unnest(array['551187654321', '5511987654321']) as number;
select is((select count(distinct conversation_id) from public.messages where id::text in (select message_id from sent_now)), 1::bigint, 'and its variant are one person');
select is((select string_agg(distinct sent_by::text, ' ') from public.messages where workspace_id = md5('home')::uuid), md5('agent')::uuid::text, 'who wrote is known');

select is(pg_temp.start('agent', '+972501234567', '', 'text', '{"body": "hi"}'), 'WA001', 'a free text to somebody who has not written is refused');
update public.conversations set window_expires_at = now() + interval '1 hour', last_customer_message_at = now() - interval '23 hours' where phone = '972501234567';
select matches(pg_temp.start('agent', '+972501234567', '', 'text', '{"body": "hi"}'), '^[0-9a-f-]{36}$', 'to somebody who has it is not');
select is(pg_temp.start('agent', '+972501234567', '', 'text', '{"body": ""}'), 'WA011', 'content is checked as ever');

select matches(pg_temp.start('agent', '+972501234567', ', client_reference => $$one$$'), '^[0-9a-f-]{36}$', 'with a reference of the client''s');
select is(pg_temp.start('agent', '+972501234567', ', client_reference => $$one$$'), '23505', 'a repeated call changes nothing');

select is((select string_agg(pg_temp.start('agent', recipient), ' ') from unnest(array['', 'hello', '+0501234567', '12', 'il.1']) as recipient),
  'WA014 WA014 WA014 WA014 WA014', 'what is no recipient is refused');
select is((select string_agg(pg_temp.start(actor, '+972501234567'), ' ') from unnest(array['stranger', 'anon']) as actor), 'WA004 42501', 'strangers may not');
select is(pg_temp.start('agent', '+972501234567', format(', %L', md5('away number')::uuid)), 'WA004', 'not through another workspace''s number');
select is(pg_temp.start('agent', '+972501234567', format(', %L', md5('nobody')::uuid)), 'WA004', 'nor through one that does not exist');

insert into public.whatsapp_connections (id, workspace_id, phone_number_id) values (md5('second')::uuid, md5('home')::uuid, 'start-second');
select is(pg_temp.start('agent', '+972501234567'), 'WA009', 'of two numbers one must be named');
insert into sent_now select pg_temp.start('agent', '+972501234567', format(', %L', md5('second')::uuid));
select is((select connection_id from public.messages where id::text in (select message_id from sent_now) order by seq desc limit 1), md5('second')::uuid, 'and is taken');
select is((select count(*) from public.conversations where phone = '972501234567'), 2::bigint, 'a number of ours has threads of its own');

select * from finish();
rollback;
