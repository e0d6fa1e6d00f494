-- Statistics of a conversation: always what a recomputation from its messages gives.
begin;
select plan(46);

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
values (md5('home number')::uuid, md5('home')::uuid, 'stats-home'), (md5('away number')::uuid, md5('away')::uuid, 'stats-away');
insert into public.conversations (id, workspace_id, connection_id, phone)
select md5(name)::uuid, md5(place)::uuid, md5(place || ' number')::uuid, phone
from (values ('dana', 'home', '1'), ('eva', 'home', '2'), ('ben', 'away', '1')) as thread (name, place, phone);

create function pg_temp.arrive(name text, thread text, minutes integer, type text default 'text') returns void language sql as $$
  insert into public.messages (id, workspace_id, conversation_id, direction, type, content, occurred_at)
  values (md5(name)::uuid, md5('home')::uuid, md5(thread)::uuid, 'inbound', type,
    jsonb_build_object('body', name), '2026-11-01 12:00+00'::timestamptz + make_interval(mins => minutes))
$$;
create function pg_temp.at(minutes integer) returns timestamptz language sql as $$
  select '2026-11-01 12:00+00'::timestamptz + make_interval(mins => minutes)
$$;
-- Every conversation whose columns are not what its messages give.
create temporary view untrue as
  select id from public.conversations as thread
  join private.stats_of(array[md5('dana')::uuid, md5('eva')::uuid, md5('ben')::uuid]) as truth on truth.conversation_id = thread.id
  where (thread.unread_count, thread.last_customer_message_at, thread.window_expires_at, thread.last_message_at,
      thread.last_message_seq, thread.last_message_preview, thread.last_message_direction)
    is distinct from (truth.unread_count, truth.last_customer_message_at, truth.window_expires_at, truth.last_message_at,
      truth.last_message_seq, truth.last_message_preview, truth.last_message_direction);
create function pg_temp.shown(thread text, out unread integer, out is_read boolean, out preview text, out direction text, out at timestamptz)
language sql as $$
  select unread_count, conversations.is_read, last_message_preview, last_message_direction, last_message_at
  from public.conversations where id = md5(thread)::uuid
$$;

-- Nothing yet

select results_eq(
  $$select * from pg_temp.shown('dana')$$, $$values (0, true, null::text, null::text, null::timestamptz)$$, 'an empty thread');
select is_empty('select * from untrue', 'is true to its messages');

-- Coming

select pg_temp.arrive('one', 'dana', 1);
select results_eq(
  $$select * from pg_temp.shown('dana')$$, $$values (1, false, 'one', 'inbound', pg_temp.at(1))$$, 'a first message');
select results_eq(
  $$select last_customer_message_at, window_expires_at from public.conversations where id = md5('dana')::uuid$$,
  $$values (pg_temp.at(1), pg_temp.at(1) + interval '24 hours')$$, 'opens the window by the provider''s clock');
select pg_temp.arrive('three', 'dana', 3);
select pg_temp.arrive('two', 'dana', 2);
select results_eq(
  $$select * from pg_temp.shown('dana')$$, $$values (3, false, 'three', 'inbound', pg_temp.at(3))$$, 'a late arrival counts and is not the newest');
select results_eq(
  $$select window_expires_at from public.conversations where id = md5('dana')::uuid$$,
  $$values (pg_temp.at(3) + interval '24 hours')$$, 'and does not shorten the window');
select pg_temp.arrive('tie', 'dana', 3);
select results_eq(
  $$select * from pg_temp.shown('dana')$$, $$values (4, false, 'tie', 'inbound', pg_temp.at(3))$$, 'within one second the later arrival is the newer');
select is_empty('select * from untrue', 'all of it true');
insert into public.messages (workspace_id, conversation_id, direction, type, content, occurred_at)
select md5('home')::uuid, md5(thread)::uuid, 'inbound', 'text', '{"body": "many"}', pg_temp.at(minutes)
from unnest(array['dana', 'eva']) as thread, generate_series(10, 19) as minutes;
select results_eq(
  $$select dana.unread, eva.unread, dana.at, eva.preview from pg_temp.shown('dana') as dana, pg_temp.shown('eva') as eva$$,
  $$values (14, 10, pg_temp.at(19), 'many')$$, 'one statement with messages of two threads');
select is_empty('select * from untrue', 'is counted right');

-- What neither counts, nor opens, nor shows

select pg_temp.arrive('reaction', 'dana', 50, 'reaction');
select pg_temp.arrive('edit', 'dana', 51, 'edit');
select pg_temp.arrive('revoke', 'dana', 52, 'revoke');
select pg_temp.arrive('system', 'dana', 53, 'system');
select results_eq(
  $$select * from pg_temp.shown('dana')$$, $$values (14, false, 'many', 'inbound', pg_temp.at(19))$$,
  'reaction, edit, revoke and system leave everything as it was');
select is_empty('select * from untrue', 'and so does a recomputation');

-- Ours

insert into public.messages (id, workspace_id, conversation_id, direction, type, content, occurred_at)
values (md5('now')::uuid, md5('home')::uuid, md5('eva')::uuid, 'inbound', 'text', '{"body": "now"}', now());
select is(
  pg_temp.by('agent', 'insert into public.messages (conversation_id, type, content) values (md5($$eva$$)::uuid, $$text$$, $${"body": "answer"}$$)'),
  '1', 'an agent answers');
select results_eq(
  $$select unread, preview, direction from pg_temp.shown('eva')$$, $$values (11, 'answer', 'outbound')$$, 'which is shown and counts as nothing');
select results_eq(
  $$select window_expires_at from public.conversations where id = md5('eva')::uuid$$,
  $$values (now() + interval '24 hours')$$, 'and opens no window');
select is_empty('select * from untrue', 'all of it true');

-- Previews

select results_eq(
  $$select private.message_preview(type, content::jsonb) from (values
    ('text', '{"body": "  two\nlines "}'), ('image', '{}'), ('image', '{"caption": "look"}'), ('document', '{"filename": "a.pdf"}'),
    ('audio', '{}'), ('location', '{"name": "Home"}'), ('template', '{"name": "welcome"}'), ('interactive', '{"button_reply": {"title": "Yes"}}'),
    ('contacts', '[{"name": {}}]'), ('unheard_of', '{"id": "wamid.x"}'), ('text', '{}'), ('text', '{"body": 5}')) as message (type, content)$$,
  $$values ('two lines'), ('🖼'), ('🖼 look'), ('📄 a.pdf'), ('🎤'), ('📍 Home'), ('📋 welcome'), ('Yes'), ('👤'), ('❔'), (''), ('5')$$,
  'a preview is one line without language and without ids');
select is(length(private.message_preview('text', jsonb_build_object('body', repeat('ש', 5000)))), 140, 'and short');
select is_empty(
  $$select type, content, expected, private.message_preview(type, content::jsonb) as got from (values
    ('video', '{}', '🎬'), ('video', '{"caption": "the whole room"}', '🎬 the whole room'), ('audio', '{"voice": true}', '🎤'), ('sticker', '{"animated": true}', '💟'),
    ('document', '{"caption": "signed", "filename": "a.pdf"}', '📄 signed'), ('button', '{"payload": "confirm-12", "text": "Confirm"}', 'Confirm'),
    ('location', '{"latitude": 32.1, "longitude": 34.8}', '📍'), ('location', '{"latitude": 32.1, "longitude": 34.8, "address": "Tel Aviv"}', '📍 Tel Aviv'),
    ('location', '{"latitude": 32.1, "longitude": 34.8, "name": "Dizengoff", "address": "Tel Aviv"}', '📍 Dizengoff'),
    ('contacts', '[{"name": {"formatted_name": "Eva"}, "phones": [{"phone": "+972501"}]}, {"name": {"formatted_name": "Ben"}}]', '👤 Eva'),
    ('contacts', '[{"phones": [{"phone": "+972501"}]}]', '👤 +972501'),
    ('order', '{"catalog_id": "1", "product_items": [{"product_retailer_id": "mug", "quantity": 2}]}', '🛒'),
    ('order', '{"catalog_id": "1", "text": "gift wrapped, please", "product_items": []}', '🛒 gift wrapped, please'),
    ('interactive', '{"type": "button_reply", "button_reply": {"id": "1", "title": "Yes"}}', 'Yes'),
    ('interactive', '{"type": "list_reply", "list_reply": {"id": "haifa", "title": "Haifa", "description": "Carmel"}}', 'Haifa'),
    ('interactive', '{"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"}}', '📝 Sent'),
    ('interactive', '{"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}', '📝'),
    ('interactive', '{"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}}', '📞'),
    ('interactive', '{"type": "list", "body": {"text": "Where?"}, "action": {"button": "Show"}}', 'Where?'),
    ('call', '{}', '📞'), ('unsupported', '{"type": "poll", "errors": [{"code": 131051, "title": "unknown"}]}', '❔'), ('unknown', '{}', '❔'),
    ('media_placeholder', '{}', '❔')) as message (type, content, expected)
    where private.message_preview(type, content::jsonb) is distinct from expected$$, 'for every type that comes');
select is(private.message_preview('text', '{"body": "I love you"}', true), '🚫', 'what was taken back is not said');

-- Reading

select is(pg_temp.by('stranger', 'select public.mark_as_read(md5($$dana$$)::uuid)'), 'WA004', 'a stranger reads nothing away');
select is(pg_temp.by('stranger', 'select public.mark_as_read(gen_random_uuid())'), 'WA004', 'and is told the same of no thread at all');
select is(pg_temp.by('stranger', 'select private.mark_as_read(md5($$dana$$)::uuid)'), 'WA004', 'also by the function behind it');
select is(pg_temp.by('anon', 'select public.mark_as_read(md5($$dana$$)::uuid)'), '42501', 'anon is refused');
select results_eq($$select unread from pg_temp.shown('dana')$$, $$values (14)$$, 'it is as unread as before');
select is(pg_temp.by('agent', 'select public.mark_as_read(md5($$dana$$)::uuid)'), null, 'an agent reads it');
select results_eq($$select unread, is_read from pg_temp.shown('dana')$$, $$values (0, true)$$, 'and it is read');
select is_empty('select * from untrue', 'so says the recomputation');
select pg_temp.arrive('old news', 'dana', -60);
select results_eq(
  $$select unread, is_read, preview from pg_temp.shown('dana')$$, $$values (1, false, 'many')$$,
  'a message that comes late, of a time before, is unread all the same');
select is_empty('select * from untrue', 'so says the recomputation');
select is(pg_temp.by('service_role', 'select public.mark_as_read(md5($$ben$$)::uuid)'), null, 'the backend may mark any');

-- A customer who writes again

update public.conversations set status = 'archived' where id = md5('dana')::uuid;
select pg_temp.arrive('reaction again', 'dana', 60, 'reaction');
select is((select status from public.conversations where id = md5('dana')::uuid), 'archived', 'a reaction leaves an archived thread alone');
select pg_temp.arrive('again', 'dana', 61);
select is((select status from public.conversations where id = md5('dana')::uuid), 'open', 'a message opens it');

-- Going, changing, moving

delete from public.messages where id = md5('again')::uuid;
select results_eq(
  $$select unread, preview, at from pg_temp.shown('dana')$$, $$values (1, 'many', pg_temp.at(19))$$, 'a deleted message is gone from all of it');
select is_empty('select * from untrue', 'so says the recomputation');
update public.messages set content = '{"body": "edited"}', edited_at = now() where id = md5('now')::uuid;
update public.messages set occurred_at = now() + interval '1 minute' where id = md5('now')::uuid;
select results_eq(
  $$select preview, at from pg_temp.shown('eva')$$, $$values ('edited', now() + interval '1 minute')$$, 'text and time changed');
select is_empty('select * from untrue', 'and followed');
update public.messages set conversation_id = md5('dana')::uuid where id = md5('now')::uuid;
select results_eq(
  $$select dana.preview, dana.unread, eva.preview, eva.unread from pg_temp.shown('dana') as dana, pg_temp.shown('eva') as eva$$,
  $$values ('edited', 2, 'answer', 10)$$, 'a message that moves to another thread leaves the one and enters the other');
select is_empty('select * from untrue', 'both are true');
update public.messages set type = 'reaction' where id = md5('now')::uuid;
select results_eq($$select preview, unread from pg_temp.shown('dana')$$, $$values ('many', 1)$$, 'what turns out to be a reaction stops counting');
update public.messages set status = 'delivered' where content ->> 'body' = 'answer';
select is_empty('select * from untrue', 'a status changes nothing of this');
delete from public.messages where conversation_id = md5('eva')::uuid;
select results_eq(
  $$select * from pg_temp.shown('eva')$$, $$values (0, true, null::text, null::text, null::timestamptz)$$, 'without messages a thread is as new');
select results_eq(
  $$select last_customer_message_at, window_expires_at from public.conversations where id = md5('eva')::uuid$$,
  $$values (null::timestamptz, null::timestamptz)$$, 'and its window closed');
select is_empty('select * from untrue', 'so says the recomputation');

-- The recomputation is the backend's tool, and mends what is wrong.

update public.conversations set unread_count = 99, last_message_preview = 'wrong' where id = md5('dana')::uuid;
select results_eq('select id from untrue', $$values (md5('dana')::uuid)$$, 'a wrong number is found');
select is(
  pg_temp.by('service_role', 'select unread_count from private.stats_of(array[md5($$dana$$)::uuid])'), '1', 'the backend sees the truth');

select * from finish();
rollback;
