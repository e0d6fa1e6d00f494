-- The inbox: what a member lists, opens, counts and does; what nobody else learns.
begin;
select plan(83);

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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id, display_phone_number)
values (md5('home number')::uuid, md5('home')::uuid, 'inbox-home', '+972 3-555'), (md5('away number')::uuid, md5('away')::uuid, 'inbox-away', null);
insert into public.contacts (id, workspace_id, phone, name, profile_name, tags) values
  (md5('Dana')::uuid, md5('home')::uuid, '+972501234567', 'Dana Levi', 'dd', '{vip,new}'),
  (md5('Ben')::uuid, md5('home')::uuid, '+5511987654321', null, 'Ben Cohen', '{vip}'),
  (md5('Spy')::uuid, md5('away')::uuid, '+972501234567', 'Dana Away', null, '{vip}');
insert into public.conversations (id, workspace_id, connection_id, phone, group_id, contact_id) values
  (md5('dana')::uuid, md5('home')::uuid, md5('home number')::uuid, '972501234567', null, md5('Dana')::uuid),
  (md5('ben')::uuid, md5('home')::uuid, md5('home number')::uuid, '5511987654321', null, md5('Ben')::uuid),
  (md5('crowd')::uuid, md5('home')::uuid, md5('home number')::uuid, null, 'g1', null),
  (md5('spy')::uuid, md5('away')::uuid, md5('away number')::uuid, '972501234567', null, md5('Spy')::uuid);
create function pg_temp.arrive(thread text, body text, minutes integer, type text default 'text', reply text default null, content jsonb default null,
  direction text default 'inbound', wa_id text default null)
returns void language sql as $$
  insert into public.messages (id, workspace_id, connection_id, conversation_id, direction, status, type, content, occurred_at, wamid, reply_to_wamid, wa_id)
  select md5(body)::uuid, workspace_id, connection_id, id, arrive.direction, case arrive.direction when 'inbound' then 'received' else 'sent' end,
    type, coalesce(arrive.content, jsonb_build_object('body', body)), now() + make_interval(mins => minutes), 'w.' || body, reply, arrive.wa_id
  from public.conversations where id = md5(thread)::uuid
$$;
select pg_temp.arrive('dana', 'hello there', -10), pg_temp.arrive('ben', 'good morning, it''s me', -2000), pg_temp.arrive('crowd', 'all of us', -5),
  pg_temp.arrive('spy', 'hello secret', -1);

-- Whose threads an actor lists, newest first.
create function pg_temp.list(actor text, filters text default '{}', place text default 'home') returns text language sql as $$
  select pg_temp.by(actor, format('select string_agg(title, $s$, $s$) from public.get_conversations(md5(%L)::uuid, %L)', place, filters))
$$;
create function pg_temp.refused(filters text) returns text language plpgsql as $$
declare
  field text;
begin
  perform public.get_conversations(md5('home')::uuid, filters::jsonb);
  return 'allowed';
exception when others then
  get stacked diagnostics field = pg_exception_detail;
  return sqlstate || ' ' || field;
end
$$;

-- The list

select is(pg_temp.list('agent'), 'g1, Dana Levi, Ben Cohen', 'an agent lists the open threads, newest first, by name, profile name or id');
select is(pg_temp.list('agent', 'null'), 'g1, Dana Levi, Ben Cohen', 'without filters the same');
select is((select string_agg(pg_temp.list(actor), ' ') from unnest(array['stranger', 'anon']) as actor), 'WA004 42501', 'strangers do not');
select is(pg_temp.by('agent', 'select public.get_conversations(gen_random_uuid())'), 'WA004', 'an unknown workspace is as a foreign one');
select is(pg_temp.by('agent', 'select public.get_conversations(null)'), 'WA004', 'and none is, too');
select is(pg_temp.by('service_role', 'select public.get_conversations(gen_random_uuid())'), 'WA004', 'for the backend as well');
select is(pg_temp.by('stranger', 'select private.get_conversations(md5($$home$$)::uuid, $${}$$)'), 'WA004', 'the function behind it asks as well');
select is(pg_temp.by('agent', 'select private.find_conversations(null)'), '42501', 'and what does not ask is nobody''s');
select is(pg_temp.by('agent', 'select title from private.conversation_items where id = md5($$spy$$)::uuid'), '42501', 'nor what lists by id');
select results_eq(
  $$select title, phone, contact ->> 'name', contact -> 'tags', unread_count, is_read, last_message_preview, is_window_open,
      window_seconds_left from public.get_conversations(md5('home')::uuid, '{"search": "dana"}')$$,
  $$values ('Dana Levi', '972501234567', 'Dana Levi', '["vip", "new"]'::jsonb, 1, false, 'hello there', true, 24 * 3600 - 600)$$,
  'a row has all that a list shows');
select results_eq(
  $$select is_window_open, window_seconds_left from public.get_conversations(md5('home')::uuid, '{"search": "cohen"}')$$,
  $$values (false, 0)$$, 'a window that is closed has no seconds left');

-- Filters

select is(pg_temp.list('agent', '{"unread": false}'), null, 'nothing is read yet');
select is(pg_temp.by('agent', 'select public.mark_as_read(md5($$dana$$)::uuid)'), null, 'one is read');
select is(pg_temp.list('agent', '{"unread": false}'), 'Dana Levi', 'and listed among the read');
select is(pg_temp.list('agent', '{"unread": true}'), 'g1, Ben Cohen', 'the others among the unread');
select is(pg_temp.by('agent', 'select public.archive_conversation(md5($$ben$$)::uuid)'), '', 'one is archived');
select is(pg_temp.list('agent'), 'g1, Dana Levi', 'and no longer open');
select is(pg_temp.list('agent', '{"status": "archived"}'), 'Ben Cohen', 'but archived');
select is(pg_temp.list('agent', '{"status": "all"}'), 'g1, Dana Levi, Ben Cohen', 'all are all');
select is(pg_temp.by('agent', 'select public.assign_conversation(md5($$dana$$)::uuid, md5($$agent$$)::uuid)'), '', 'one is the agent''s');
select is(pg_temp.list('agent', '{"assignee": "me"}'), 'Dana Levi', 'who lists it as theirs');
select is(pg_temp.list('admin', '{"assignee": "me"}'), null, 'it is not the admin''s');
select is(pg_temp.list('admin', format('{"assignee": "%s"}', md5('agent')::uuid)), 'Dana Levi', 'who finds it as the agent''s');
select is(pg_temp.list('agent', '{"assignee": "nobody"}'), 'g1', 'nobody''s is the rest');
select is(pg_temp.refused('{"assignee": "me"}'), 'WA024 assignee', 'which is not the backend''s own: it is no user');
select is(pg_temp.list('agent', '{"assignee": "nobody", "status": "all", "unread": true, "tags": ["vip"]}'), 'Ben Cohen', 'filters add up');
select is(pg_temp.list('agent', format('{"connection_id": "%s"}', md5('home number')::uuid)), 'g1, Dana Levi', 'by number');
select is(pg_temp.list('agent', format('{"connection_id": "%s", "status": "all"}', md5('away number')::uuid)), null, 'another workspace''s has nothing');
select is(pg_temp.list('agent', '{"tags": ["vip"], "status": "all"}'), 'Dana Levi, Ben Cohen', 'by tag');
select is(pg_temp.list('agent', '{"tags": ["vip", "new"], "status": "all"}'), 'Dana Levi', 'all tags');
select is(pg_temp.list('agent', '{"tags": [], "status": "all"}'), 'g1, Dana Levi, Ben Cohen', 'no tags are no filter');
select is(pg_temp.list('agent', '{"search": null, "tags": null, "status": null}'), 'g1, Dana Levi', 'and null is none');

-- Search

select is((select string_agg(coalesce(pg_temp.list('agent', jsonb_build_object('search', search, 'status', 'all')::text), '-'), '; ' order by place)
  from unnest(array['da', 'DANA', 'levi dana', 'dana cohen', 'ben', 'dd', 'ana']) with ordinality as asked (search, place)),
  'Dana Levi; Dana Levi; Dana Levi; -; Ben Cohen; Dana Levi; -', 'by beginnings of names, in any order');
select is((select string_agg(distinct coalesce(pg_temp.list('agent', jsonb_build_object('search', search, 'status', 'all')::text), search), '; ')
  from unnest(array['+972501234567', '972 50-123-4567', '00972501234567', '050-1234567', '0501234567', '501234567', '(050) 123 4567', '050-12',
    '+972 (0)50 1234567', '4567', '97250']) as search), 'Dana Levi', 'by a phone number in any notation, its beginning or its end');
select is((select string_agg(distinct coalesce(pg_temp.list('agent', jsonb_build_object('search', search, 'status', 'all')::text), search), '; ')
  from unnest(array['+55 11 98765-4321', '+55 11 8765-4321', '11 98765-4321']) as search), 'Ben Cohen', 'a Brazilian one with and without its ninth digit');
select is(pg_temp.list('agent', '{"search": "hello"}'), 'Dana Levi', 'by what was written, here and nowhere else');
select is(pg_temp.list('agent', '{"search": "secret"}'), null, 'not by what was written elsewhere');
select is(pg_temp.list('stranger', '{"search": "secret"}', 'away'), 'Dana Away', 'who is there finds it');
select is(pg_temp.list('agent', '{"search": "there hel"}'), 'Dana Levi', 'words of a message in any order, the last a beginning');
select is(pg_temp.list('agent', '{"search": "it''s mor", "status": "all"}'), 'Ben Cohen', 'signs are between words');
select pg_temp.arrive('ben', 'a cart', -2001, type => 'order', content => '{"catalog_id": "1", "text": "gift wrapping please", "product_items": []}', direction => 'outbound');
select is(pg_temp.list('agent', '{"search": "gift wrap", "status": "all"}'), 'Ben Cohen', 'what stands beside a cart is found, too');
select is(pg_temp.list('agent', '{"search": "!?"}'), null, 'without a word there is nothing to find');
select is(pg_temp.list('agent', '{"search": "\\'' & | ! <-> :* ''"}'), null, 'and no query can be smuggled in');
select is(pg_temp.list('agent', '{"search": "dana", "tags": ["new"]}'), 'Dana Levi', 'a search and a tag');
select is(pg_temp.list('agent', '{"search": "dana", "tags": ["old"]}'), null, 'both hold');
update public.conversations set contact_id = null where id = md5('ben')::uuid;
select is(pg_temp.list('agent', '{"search": "+55 11 98765-4321", "status": "all"}'), '5511987654321', 'a thread without a contact is found by its number');
update public.conversations set contact_id = md5('Ben')::uuid where id = md5('ben')::uuid;

-- What is no filter

select results_eq($$select pg_temp.refused(filters) from unnest(array['[]', '5', '{"color": 1}', '{"search": "a"}', '{"search": 5}',
    '{"status": "closed"}', '{"status": ["open"]}', '{"unread": "yes"}', '{"assignee": "you"}', '{"assignee": 7}', '{"tags": "vip"}', '{"tags": [1]}',
    '{"connection_id": "x"}', '{"limit": 0}', '{"limit": 201}', '{"limit": 1.5}', '{"limit": "9"}', '{"limit": 1e300}', '{"cursor": "x"}', '{"cursor": 1}',
    '{"cursor": "99999999999999999999.00000000-0000-0000-0000-000000000000"}']) as filters$$,
  $$select 'WA024 ' || field from unnest(array['filters', 'filters', 'color', 'search', 'search', 'status', 'status', 'unread', 'assignee', 'assignee',
    'tags', 'tags', 'connection_id', 'limit', 'limit', 'limit', 'limit', 'limit', 'cursor', 'cursor', 'cursor']) as field$$, 'is refused by name');
select is(pg_temp.refused(jsonb_build_object('search', repeat('x', 101))::text), 'WA024 search', 'so is what is too long');
select is(pg_temp.refused(jsonb_build_object('tags', (select jsonb_agg(n::text) from generate_series(1, 21) as n))::text), 'WA024 tags', 'or too many');
select is(pg_temp.refused(jsonb_build_object('tags', jsonb_build_array(repeat('x', 30000)))::text), 'WA024 filters', 'or too large');

-- Pages

select is(pg_temp.list('agent', '{"limit": 1, "status": "all"}'), 'g1', 'a page is as long as asked for');
select is(pg_temp.list('agent', jsonb_build_object('limit', 1, 'status', 'all', 'cursor',
  (select cursor from public.get_conversations(md5('home')::uuid, '{"limit": 1, "status": "all"}')))::text), 'Dana Levi', 'and the next goes on behind it');

-- One of them

select is(pg_temp.by('agent', 'insert into public.contact_notes (workspace_id, contact_id, body) values (md5($$home$$)::uuid, md5($$Dana$$)::uuid, $$likes tea$$)'),
  '1', 'an agent writes a note');
select results_eq(
  $$select title, contact ->> 'attributes', contact #>> '{notes,0,body}', contact #>> '{notes,0,created_by}', connection - 'id'
    from public.get_conversation(md5('dana')::uuid)$$,
  $$values ('Dana Levi', '{}', 'likes tea', md5('agent')::uuid::text,
    '{"display_phone_number": "+972 3-555", "provider": "360dialog", "status": "active"}'::jsonb)$$, 'a thread with its contact, notes and number');
select is(pg_temp.by('agent', 'select contact from public.get_conversation(md5($$crowd$$)::uuid)'), null, 'a group has no contact');
select is((select string_agg(pg_temp.by(actor, 'select public.get_conversation(md5($$dana$$)::uuid)'), ' ') from unnest(array['stranger', 'anon']) as actor),
  'WA004 42501', 'strangers open none');
select is(pg_temp.by('agent', 'select public.get_conversation(null)'), 'WA004', 'none is none');

-- Counting

select is(pg_temp.by('agent', 'select array[total, unread, archived, window_closed] from public.get_conversation_stats(md5($$home$$)::uuid)'),
  '{3,1,1,0}', 'all, open and unread, archived, and the open ones that are closed to free text');
select is(pg_temp.by('agent', 'select public.unarchive_conversation(md5($$ben$$)::uuid)'), '', 'out of the archive');
select is(pg_temp.by('agent', 'select array[total, unread, archived, window_closed] from public.get_conversation_stats(md5($$home$$)::uuid)'),
  '{3,2,0,1}', 'it is open, unread, and its window closed');
select is((select string_agg(pg_temp.by(actor, 'select public.get_conversation_stats(md5($$home$$)::uuid)'), ' ') from unnest(array['stranger', 'anon']) as actor),
  'WA004 42501', 'strangers count nothing');
delete from public.conversations where id = md5('crowd')::uuid;
create temporary view miscounted as
  select workspace_id from (
    select workspace_id, total, archived, unread from private.conversation_counts
    union all select workspace_id, -1, -(status = 'archived')::integer, -(status = 'open' and unread_count > 0)::integer from public.conversations) as both_sides
  group by workspace_id having (sum(total), sum(archived), sum(unread)) <> (0, 0, 0);
select is_empty('select * from miscounted', 'what is counted is what a count gives');
select private.fold_counts(md5('home')::uuid);
select is((select count(*) from private.conversation_counts where workspace_id = md5('home')::uuid), 1::bigint, 'many rows become one');
select is_empty('select * from miscounted', 'that says the same');

create temporary view miscounted_windows as
  select workspace_id, quarter from (
    select workspace_id, quarter, windows from private.window_counts
    union all select workspace_id, private.quarter_of(window_expires_at), -1 from public.conversations
    where status = 'open' and window_expires_at > now()) as both_sides
  where quarter >= private.quarter_of(now()) group by workspace_id, quarter having sum(windows) <> 0;
select is_empty('select * from miscounted_windows', 'nor are windows counted otherwise');
create function pg_temp.window_of(id uuid, ends interval) returns void language plpgsql as $$ begin
  update public.conversations as own set window_expires_at = now() + ends where own.id = window_of.id; end $$;
create function pg_temp.closed_counted() returns boolean language sql as $$
  select pg_temp.by('agent', 'select window_closed from public.get_conversation_stats(md5($q$home$q$)::uuid)')::bigint = (
    select count(*) from public.conversations
    where workspace_id = md5('home')::uuid and status = 'open' and coalesce(window_expires_at <= now(), true)) $$;
select ok((
  select bool_and(closed) from (
    select (select pg_temp.closed_counted() from pg_temp.window_of(md5('ben')::uuid, ends)) as closed
    from unnest(array['-1 second', '0', '1 second', '5 minutes', '15 minutes', '20 minutes', '23:59:59']::interval[]) as ends) as moved),
  'wherever in a quarter of an hour a window ends');
select is_empty('select * from miscounted_windows', 'as often as it moves');
select private.fold_windows(md5('home')::uuid);
select is_empty('select * from miscounted_windows', 'and when many rows become few');

-- Hands

select is((select string_agg(pg_temp.by('stranger', call), ' ') from unnest(array['select public.archive_conversation(md5($$dana$$)::uuid)',
  'select public.unarchive_conversation(md5($$dana$$)::uuid)', 'select public.assign_conversation(md5($$dana$$)::uuid, null)',
  'select public.link_contact_to_conversation(md5($$dana$$)::uuid, md5($$Spy$$)::uuid)', 'select public.unlink_contact_from_conversation(md5($$dana$$)::uuid)',
  'select private.link_contact(md5($$dana$$)::uuid, null)', 'select public.archive_conversation(null)']) as call),
  'WA004 WA004 WA004 WA004 WA004 WA004 WA004', 'a stranger''s hands reach nothing');
select is(pg_temp.by('agent', 'select public.assign_conversation(md5($$dana$$)::uuid, md5($$stranger$$)::uuid)'), 'WA025', 'nobody outside is assigned');
select is(pg_temp.by('agent', 'select public.assign_conversation(md5($$dana$$)::uuid, gen_random_uuid())'), 'WA025', 'nor anybody unknown');
select is(pg_temp.by('agent', 'select public.assign_conversation(md5($$dana$$)::uuid, null)'), '', 'but nobody');
select is(pg_temp.by('agent', 'select public.link_contact_to_conversation(md5($$ben$$)::uuid, md5($$Spy$$)::uuid)'), 'WA004', 'no contact from elsewhere');
select is(pg_temp.by('agent', 'select public.link_contact_to_conversation(md5($$ben$$)::uuid, null)'), 'WA004', 'nor none');
select is(pg_temp.by('agent', 'select public.unlink_contact_from_conversation(md5($$ben$$)::uuid)'), '', 'a contact is taken off');
select is(pg_temp.list('agent'), 'Dana Levi, 5511987654321', 'the number is left');
select is(pg_temp.by('agent', 'select public.link_contact_to_conversation(md5($$ben$$)::uuid, md5($$Dana$$)::uuid)'), '', 'another put in its place');
select is(pg_temp.list('agent'), 'Dana Levi, Dana Levi', 'whose it is now');

-- Places

select is((select array_agg(distinct private.places_of(thread)) from public.conversations as thread where workspace_id = md5('home')::uuid), '{1}',
  'whatever hands have done, each thread is in one place of the inbox');
select is(pg_temp.list('agent', '{"connection_id": "' || md5('away number')::uuid || '"}'), null, 'of another workspace''s number nothing is listed');
select is(pg_temp.list('stranger', '{"connection_id": "' || md5('home number')::uuid || '"}', 'away'), null, 'to whoever names it');
delete from public.conversations where id = md5('dana')::uuid;
select is((select count(*) from private.inbox_places where conversation_id = md5('dana')::uuid), 0::bigint, 'a thread that goes leaves none');
delete from public.workspaces where id = md5('home')::uuid;
select is((select count(*) from private.inbox_places where connection_id = md5('home number')::uuid), 0::bigint, 'nor does a workspace');

select * from finish();
rollback;
