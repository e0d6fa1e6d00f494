-- Messages as a member writes them: three columns are enough, and nothing else can be claimed.
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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id)
values (md5('home number')::uuid, md5('home')::uuid, 'messages-home'), (md5('away number')::uuid, md5('away')::uuid, 'messages-away');
insert into public.conversations (id, workspace_id, connection_id, phone) values
  (md5('dana')::uuid, md5('home')::uuid, md5('home number')::uuid, '972501234567'),
  (md5('closed')::uuid, md5('home')::uuid, md5('home number')::uuid, '972507654321'),
  (md5('ben')::uuid, md5('away')::uuid, md5('away number')::uuid, '972501234567');
insert into public.messages (workspace_id, conversation_id, direction, type, content, wamid) values
  (md5('home')::uuid, md5('dana')::uuid, 'inbound', 'text', '{"body": "hello"}', 'wamid.1'),
  (md5('away')::uuid, md5('ben')::uuid, 'inbound', 'text', '{"body": "shalom"}', 'wamid.2');
insert into public.messages (workspace_id, conversation_id, direction, type, content, occurred_at)
values (md5('home')::uuid, md5('closed')::uuid, 'inbound', 'text', '{"body": "long ago"}', now() - interval '25 hours');

-- Reading

select is(pg_temp.by('agent', 'select count(*) from public.messages'), '2', 'an agent reads the workspace''s messages');
select is(pg_temp.by('stranger', 'select string_agg(content ->> $$body$$, $$,$$) from public.messages'), 'shalom', 'a stranger reads other ones');
select is(pg_temp.by('anon', 'select count(*) from public.messages'), '42501', 'anon is refused');
select is(pg_temp.by('agent', 'select count(*) from public.message_statuses'), '42501', 'raw reports are the server''s');
select is(pg_temp.by('agent', 'select count(*) from public.outbox'), '42501', 'and so is the outbox');

-- Queueing: conversation_id, type, content

select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$dana$$)::uuid, $$text$$, $${"body": "hi"}$$)'),
  '1', 'an agent queues a reply with three columns');
select results_eq(
  $$select workspace_id, connection_id, direction, status, sent_by from public.messages where content ->> 'body' = 'hi' and conversation_id = md5('dana')::uuid$$,
  $$values (md5('home')::uuid, md5('home number')::uuid, 'outbound', 'queued', md5('agent')::uuid)$$,
  'the rest is filled in, and who wrote it is who is signed in');
select is(
  (select count(*) from public.outbox join public.messages on id = message_id where content ->> 'body' = 'hi'), 1::bigint,
  'it is in the outbox');
select is(
  pg_temp.by('owner', 'insert into public.messages (workspace_id, conversation_id, type, content, client_reference) values (md5($$home$$)::uuid, md5($$dana$$)::uuid, $$text$$, $${"body": "once"}$$, $$ref$$)'),
  '1', 'an owner may name the workspace and a reference');
select is(
  pg_temp.by('owner', 'insert into public.messages (conversation_id, type, content, client_reference) values (md5($$dana$$)::uuid, $$text$$, $${"body": "twice"}$$, $$ref$$)'),
  '23505', 'the same reference is not queued twice');
select is(
  pg_temp.by('stranger', 'insert into public.messages (conversation_id, type, content, client_reference) values (md5($$ben$$)::uuid, $$text$$, $${"body": "away"}$$, $$ref$$)'),
  '1', 'another workspace has its own references');
select is(
  pg_temp.by('anon', 'insert into public.messages (conversation_id, type, content) values (md5($$dana$$)::uuid, $$text$$, $${"body": "x"}$$)'),
  '42501', 'anon cannot queue');
select is(
  pg_temp.by('stranger', 'insert into public.messages (conversation_id, type, content) values (md5($$dana$$)::uuid, $$text$$, $${"body": "x"}$$)'),
  'WA004', 'a stranger is told that there is no such conversation');
select is(
  pg_temp.by('stranger', 'insert into public.messages (conversation_id, type, content) values (gen_random_uuid(), $$text$$, $${"body": "x"}$$)'),
  'WA004', 'as about one that does not exist');
select is(
  pg_temp.by('agent', 'insert into public.messages (workspace_id, conversation_id, type, content) values (md5($$away$$)::uuid, md5($$dana$$)::uuid, $$text$$, $${"body": "x"}$$)'),
  'WA004', 'a thread is not in another workspace');
select is(
  pg_temp.by('agent', 'insert into public.messages (workspace_id, type, content) values (md5($$home$$)::uuid, $$text$$, $${"body": "x"}$$)'),
  'WA004', 'a message goes to somebody');

-- What cannot be claimed

select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content, direction) values (md5($$dana$$)::uuid, $$text$$, $${"body": "x"}$$, $$inbound$$)'),
  '42501', 'an agent cannot write in the customer''s name');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content, direction) values (md5($$dana$$)::uuid, $$text$$, $${"body": "said"}$$, $$outbound$$)'),
  '1', 'and may say so');
select is(
  (select string_agg(refused.column || ' ' || answer, ', ') from (
    select asked.column, pg_temp.by('agent', format(
      'insert into public.messages (conversation_id, type, content, %I) values (md5($$dana$$)::uuid, $$text$$, $${"body": "x"}$$, %L)',
      asked.column, asked.value)) as answer
    from (values ('status', 'sent'), ('wamid', 'wamid.mine'), ('sent_by', md5('owner')::uuid::text), ('connection_id', md5('away number')::uuid::text),
      ('occurred_at', '2020-01-01'), ('sent_at', '2020-01-01'), ('error', '{}'), ('media_path', 'x'), ('media_status', 'stored'),
      ('id', gen_random_uuid()::text), ('created_at', '2020-01-01')) as asked ("column", value)) as refused
   where answer <> '42501'), null, 'no column of the server can be given');
select is(pg_temp.by('agent', 'update public.messages set content = $${}$$'), '42501', 'a message is never changed by a member');
select is(pg_temp.by('owner', 'delete from public.messages'), '42501', 'and never deleted');
select is(pg_temp.by('anon', 'update public.messages set content = $${}$$'), '42501', 'and not by anon');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$dana$$)::uuid, $$text$$, $$"hi"$$)'),
  'WA005', 'content is the Cloud API''s object');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$dana$$)::uuid, $$contacts$$, $${}$$)'),
  'WA005', 'and for contacts its array');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$dana$$)::uuid, $$contacts$$, $$[{"name": {"formatted_name": "Eva"}}]$$)'),
  '1', 'which is accepted');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type) values (md5($$dana$$)::uuid, $$text$$)'), 'WA011', 'content is needed');

-- The window

select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$closed$$)::uuid, $$text$$, $${"body": "late"}$$)'),
  'WA001', 'outside the window free-form is refused');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$closed$$)::uuid, $$image$$, $${"link": "https://example.com/a.png"}$$)'),
  'WA001', 'whatever its type');
select is(
  pg_temp.by('service_role', 'insert into public.messages (conversation_id, type, content) values (md5($$closed$$)::uuid, $$text$$, $${"body": "late"}$$)'),
  'WA001', 'for the backend too');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$closed$$)::uuid, $$template$$, $${"name": "plain"}$$)'),
  '1', 'a template passes');
select results_eq(
  $$select content -> 'language' from public.messages where content ->> 'name' = 'plain'$$,
  $$values ('{"code": "he"}'::jsonb)$$, 'in the language of the workspace');
update public.workspaces set default_language = 'pt_BR' where id = md5('home')::uuid;
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$closed$$)::uuid, $$template$$, $${"name": "null", "language": null}$$)'),
  '1', 'a language of null');
select results_eq(
  $$select content -> 'language' from public.messages where content ->> 'name' = 'null'$$,
  $$values ('{"code": "pt_BR"}'::jsonb)$$, 'names none');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$closed$$)::uuid, $$template$$, $${"name": "short", "language": "en"}$$)'),
  '1', 'a language as a word');
select results_eq(
  $$select content -> 'language' from public.messages where content ->> 'name' = 'short'$$,
  $$values ('{"code": "en"}'::jsonb)$$, 'gets the shape WhatsApp wants');
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$closed$$)::uuid, $$template$$, $${"name": "full", "language": {"code": "fr", "policy": "deterministic"}}$$)'),
  '1', 'a language in that shape');
select results_eq(
  $$select content -> 'language' from public.messages where content ->> 'name' = 'full'$$,
  $$values ('{"code": "fr", "policy": "deterministic"}'::jsonb)$$, 'stays as it is');
select is(
  (select bool_and(is_conversation_closed) from (
    select not public.is_window_open(thread) as is_conversation_closed from public.conversations as thread
    where id = md5('closed')::uuid) as window_now), true, 'and a template does not open the window');

-- Tenancy and uniqueness hold for the backend as well.

select throws_ok(
  $$insert into public.messages (workspace_id, connection_id, direction, type, content)
    values (md5('home')::uuid, md5('away number')::uuid, 'inbound', 'text', '{}')$$,
  '23503', null, 'no message on a number of another workspace');
select throws_ok(
  $$insert into public.messages (workspace_id, conversation_id, direction, type, content, wamid)
    values (md5('home')::uuid, md5('dana')::uuid, 'inbound', 'text', '{}', 'wamid.1')$$,
  '23505', null, 'one wamid is one message of a number');
select lives_ok(
  $$insert into public.messages (workspace_id, conversation_id, direction, type, content, wamid)
    values (md5('away')::uuid, md5('ben')::uuid, 'inbound', 'text', '{}', 'wamid.1')$$,
  'and may be another of the number at the other end');
select throws_ok(
  $$update public.messages set conversation_id = md5('ben')::uuid where wamid = 'wamid.1' and workspace_id = md5('home')::uuid$$,
  '23503', null, 'no message moves to a thread of another workspace');
select throws_ok(
  $$update public.messages set status = 'received' where content ->> 'body' = 'hi'$$, '23514', null, 'what we sent was not received');
select throws_ok(
  $$update public.messages set status = 'lost' where content ->> 'body' = 'hi'$$, '23514', null, 'statuses are a closed set');
select is(
  (select count(*) from public.outbox join public.messages on id = message_id where direction = 'inbound'), 0::bigint,
  'nothing that came in goes out');

-- Ids: those of an hour begin alike, and which hour it was nobody can tell who does not know the secret.
select results_eq(
  $$select left(private.message_id()::text, 8), count(distinct private.message_id()) from generate_series(1, 100)$$,
  $$values (private.message_id_prefix(), 100::bigint)$$, 'ids of one hour begin alike and differ');
select is(pg_temp.by('agent', $$select secret from private.message_id_secret$$), '42501', 'the secret is no member''s');
select is(pg_temp.by('service_role', $$select secret from private.message_id_secret$$), '42501', 'nor the Data API''s');

select * from finish();
rollback;
