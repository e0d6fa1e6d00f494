-- Edits and revokes: a message says what was last said of it, whichever came first.
begin;
select plan(26);

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
values (md5('home number')::uuid, md5('home')::uuid, 'edits-home'), (md5('away number')::uuid, md5('away')::uuid, 'edits-away');
create function pg_temp.at(minutes integer) returns timestamptz language sql as $$
  select '2026-11-01 12:00+00'::timestamptz + make_interval(mins => minutes)
$$;
-- One message as the receiver gives it.
create function pg_temp.told(wamid text, minutes integer, fields jsonb default '{}') returns integer language sql as $$
  select public.record_inbound('[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'edits-home', 'wamid', wamid, 'wa_id', '972501234567',
    'type', 'text', 'content', jsonb_build_object('body', wamid), 'occurred_at', pg_temp.at(minutes)) || fields), '[]')
$$;
create function pg_temp.edited(wamid text, minutes integer, target text, message jsonb, fields jsonb default '{}') returns integer language sql as $$
  select pg_temp.told(wamid, minutes, jsonb_build_object('type', 'edit', 'reply_to_wamid', target,
    'content', jsonb_build_object('original_message_id', target, 'message', message)) || fields)
$$;
create function pg_temp.revoked(wamid text, minutes integer, target text, fields jsonb default '{}') returns integer language sql as $$
  select pg_temp.told(wamid, minutes, jsonb_build_object('type', 'revoke', 'reply_to_wamid', target,
    'content', jsonb_build_object('original_message_id', target)) || fields)
$$;
create function pg_temp.words(body text) returns jsonb language sql as $$
  select jsonb_build_object('type', 'text', 'text', jsonb_build_object('body', body))
$$;
create function pg_temp.row(name text, out content jsonb, out original jsonb, out edited timestamptz, out revoked timestamptz) language sql as $$
  select content, original_content, edited_at, revoked_at from public.messages
  where wamid = name and connection_id = md5('home number')::uuid
$$;
create function pg_temp.thread(out preview text, out unread integer, out at timestamptz, out customer_at timestamptz) language sql as $$
  select last_message_preview, unread_count, last_message_at, last_customer_message_at
  from public.conversations where connection_id = md5('home number')::uuid and phone = '972501234567'
$$;

-- After its message

select pg_temp.told('nine', 1, '{"content": {"body": "at nine"}}');
select pg_temp.edited('e1', 2, 'nine', pg_temp.words('at ten'));
select results_eq(
  $$select * from pg_temp.row('nine')$$, $$values ('{"body": "at ten"}'::jsonb, '{"body": "at nine"}'::jsonb, pg_temp.at(2), null::timestamptz)$$,
  'an edited message says the new, and what it said first beside it');
select results_eq(
  'select * from pg_temp.thread()', $$values ('at ten', 1, pg_temp.at(1), pg_temp.at(1))$$,
  'so does the list; an edit is no message: nothing more to read, no later time');
select pg_temp.edited('e3', 4, 'nine', pg_temp.words('at noon'));
select results_eq(
  $$select * from pg_temp.row('nine')$$, $$values ('{"body": "at noon"}'::jsonb, '{"body": "at nine"}'::jsonb, pg_temp.at(4), null::timestamptz)$$,
  'a second edit wins, and the first text is still the first');
select pg_temp.edited('e2', 3, 'nine', pg_temp.words('at eleven'));
select pg_temp.edited('e1', 2, 'nine', pg_temp.words('at ten'));
select results_eq(
  $$select * from pg_temp.row('nine')$$, $$values ('{"body": "at noon"}'::jsonb, '{"body": "at nine"}'::jsonb, pg_temp.at(4), null::timestamptz)$$,
  'an older one that comes late does not, nor one that comes again');
select pg_temp.told('nine', 1, '{"content": {"body": "at nine"}}');
select results_eq(
  $$select content, original from pg_temp.row('nine')$$, $$values ('{"body": "at noon"}'::jsonb, '{"body": "at nine"}'::jsonb)$$,
  'nor does the message itself, told again');

-- Before its message

select pg_temp.edited('e4', 12, 'late', pg_temp.words('second'));
select pg_temp.edited('e5', 13, 'late', pg_temp.words('third'));
select results_eq('select preview, unread, at from pg_temp.thread()', $$values ('at noon', 1, pg_temp.at(1))$$, 'edits that come first are waiting');
select pg_temp.told('late', 11, '{"content": {"body": "first"}}');
select results_eq(
  $$select * from pg_temp.row('late')$$, $$values ('{"body": "third"}'::jsonb, '{"body": "first"}'::jsonb, pg_temp.at(13), null::timestamptz)$$,
  'for their message, which is what the last of them says');
select results_eq('select preview, unread, at from pg_temp.thread()', $$values ('third', 2, pg_temp.at(11))$$, 'in the list as well');
select public.record_inbound('[]', jsonb_build_array(
  jsonb_build_object('phone_number_id', 'edits-home', 'wamid', 'e6', 'wa_id', '972501234567', 'type', 'edit', 'reply_to_wamid', 'at once',
    'content', jsonb_build_object('original_message_id', 'at once', 'message', pg_temp.words('after')), 'occurred_at', pg_temp.at(15)),
  jsonb_build_object('phone_number_id', 'edits-home', 'wamid', 'at once', 'wa_id', '972501234567', 'type', 'text',
    'content', '{"body": "before"}'::jsonb, 'occurred_at', pg_temp.at(14))), '[]');
select results_eq(
  $$select * from pg_temp.row('at once')$$, $$values ('{"body": "after"}'::jsonb, '{"body": "before"}'::jsonb, pg_temp.at(15), null::timestamptz)$$,
  'both in one recording are the same');

-- The caption of a picture

select pg_temp.told('picture', 20, '{"type": "image", "content": {"caption": "like this"}, "media_id": "m1", "media_mime_type": "image/png", "media_sha256": "c2hh"}');
select pg_temp.edited('e7', 21, 'picture', '{"type": "image", "image": {"caption": "like that", "id": "m2", "mime_type": "image/jpeg", "sha256": "b3Ro", "url": "https://x"}}');
select results_eq(
  $$select * from pg_temp.row('picture')$$, $$values ('{"caption": "like that"}'::jsonb, '{"caption": "like this"}'::jsonb, pg_temp.at(21), null::timestamptz)$$,
  'a caption is edited');
select results_eq(
  $$select media_id, media_mime_type, media_sha256, media_status from public.messages where wamid = 'picture'$$,
  $$values ('m1', 'image/png', 'c2hh', 'pending')$$, 'and the picture is the one that was sent');
select is(
  (select string_agg(file.media_id, ' ') from public.media_downloads as file where file.connection_id = md5('home number')::uuid), 'm1', 'fetched once');
select is((pg_temp.thread()).preview, '🖼 like that', 'the list says the new caption');
select pg_temp.edited('e8', 22, 'picture', '{"type": "image", "image": {"id": "m3", "mime_type": "image/jpeg"}}');
select results_eq(
  $$select content, original, (pg_temp.thread()).preview from pg_temp.row('picture')$$,
  $$values ('{}'::jsonb, '{"caption": "like this"}'::jsonb, '🖼')$$, 'one that is taken away is gone');

-- What says nothing of its message

select pg_temp.told('place', 25, '{"content": {"body": "here"}}');
select pg_temp.edited('e9', 26, 'place', '{"type": "poll", "poll": {"question": "When?"}}');
select results_eq(
  $$select content, original from pg_temp.row('place')$$, $$values ('{"body": "here"}'::jsonb, null::jsonb)$$, 'an edit of another kind takes no words away');
select pg_temp.told('there', 27, '{"phone_number_id": "edits-away", "type": "edit", "reply_to_wamid": "place", "content": {"message": {"type": "text", "text": {"body": "hacked"}}}}');
select pg_temp.edited('e9', 26, 'place', '{"type": "poll", "poll": {"question": "When?"}}');
select results_eq(
  $$select content, original from pg_temp.row('place')$$, $$values ('{"body": "here"}'::jsonb, null::jsonb)$$, 'nor does one that another number was told');

-- Revoked

select pg_temp.told('slip', 30, '{"content": {"body": "I love you"}}');
select pg_temp.revoked('r1', 32, 'slip');
select results_eq(
  $$select * from pg_temp.row('slip')$$, $$values ('{"body": "I love you"}'::jsonb, null::jsonb, null::timestamptz, pg_temp.at(32))$$,
  'a revoked message bears when');
select results_eq('select preview, at from pg_temp.thread()', $$values ('🚫', pg_temp.at(30))$$, 'and the list does not say it any more');
select pg_temp.revoked('r2', 33, 'slip');
select pg_temp.revoked('r3', 31, 'slip');
select is((pg_temp.row('slip')).revoked, pg_temp.at(31), 'by the earliest word of it');
select pg_temp.edited('e10', 34, 'slip', pg_temp.words('I like you'));
select results_eq(
  $$select content, revoked, (pg_temp.thread()).preview from pg_temp.row('slip')$$,
  $$values ('{"body": "I like you"}'::jsonb, pg_temp.at(31), '🚫')$$, 'no edit brings it back');
select pg_temp.revoked('r4', 42, 'gone');
select pg_temp.told('gone', 41, '{"content": {"body": "never mind"}}');
select results_eq(
  $$select content, revoked, (pg_temp.thread()).preview, (pg_temp.thread()).at from pg_temp.row('gone')$$,
  $$values ('{"body": "never mind"}'::jsonb, pg_temp.at(42), '🚫', pg_temp.at(41))$$, 'a revoke that comes first waits as well');
select pg_temp.told('on', 50, '{"content": {"body": "anyway"}}');
select pg_temp.revoked('r5', 51, 'nine');
select is((pg_temp.thread()).preview, 'anyway', 'one of an older message leaves the list at the newest');

-- Ours, out of the phone's app

select pg_temp.told('ours', 60, '{"direction": "outbound", "status": "sent", "content": {"body": "on my way"}}');
select pg_temp.edited('e11', 61, 'ours', pg_temp.words('on my way now'), '{"direction": "outbound", "status": "sent"}');
select results_eq(
  $$select content, original, edited, (pg_temp.thread()).preview from pg_temp.row('ours')$$,
  $$values ('{"body": "on my way now"}'::jsonb, '{"body": "on my way"}'::jsonb, pg_temp.at(61), 'on my way now')$$, 'what the business edits in its app');
select pg_temp.revoked('r6', 62, 'ours', '{"direction": "outbound", "status": "sent"}');
select results_eq(
  $$select revoked, (pg_temp.thread()).preview from pg_temp.row('ours')$$, $$values (pg_temp.at(62), '🚫')$$, 'or takes back there');

-- All of it

select results_eq(
  $$select unread_count, last_message_preview, last_message_at, window_expires_at from public.conversations where connection_id = md5('home number')::uuid$$,
  $$select truth.unread_count, truth.last_message_preview, truth.last_message_at, truth.window_expires_at
    from public.conversations as thread, private.stats_of(array[thread.id]) as truth where thread.connection_id = md5('home number')::uuid$$,
  'the list is true to its messages');
select is(
  (select count(*) from public.outbox where workspace_id = md5('home')::uuid), 0::bigint, 'and nothing of it goes out');

select * from finish();
rollback;
