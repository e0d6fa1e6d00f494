-- A thread as it is shown: pages of messages, what they answer, what people put to them.
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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id)
values (md5('home number')::uuid, md5('home')::uuid, 'thread-home'), (md5('away number')::uuid, md5('away')::uuid, 'thread-away');
insert into public.conversations (id, workspace_id, connection_id, phone, group_id) values
  (md5('dana')::uuid, md5('home')::uuid, md5('home number')::uuid, '1', null),
  (md5('crowd')::uuid, md5('home')::uuid, md5('home number')::uuid, null, 'g1'),
  (md5('spy')::uuid, md5('away')::uuid, md5('away number')::uuid, '1', null);
create function pg_temp.arrive(thread text, name text, minutes integer, type text default 'text', reply text default null, content jsonb default null,
  wa_id text default null, direction text default 'inbound', status text default 'received')
returns void language sql as $$
  insert into public.messages (id, workspace_id, connection_id, conversation_id, direction, status, type, content, occurred_at, wamid, reply_to_wamid, wa_id)
  select md5(name)::uuid, workspace_id, connection_id, id, arrive.direction, arrive.status, type,
    coalesce(arrive.content, jsonb_build_object('body', name)), '2026-11-01 12:00+00'::timestamptz + make_interval(mins => minutes), 'w.' || name, reply, arrive.wa_id
  from public.conversations where id = md5(thread)::uuid
$$;
create function pg_temp.react(thread text, name text, minutes integer, target text, emoji text, wa_id text default null, direction text default 'inbound', status text default 'received')
returns void language sql as $$
  select pg_temp.arrive(thread, name, minutes, 'reaction', 'w.' || target,
    jsonb_strip_nulls(jsonb_build_object('message_id', 'w.' || target, 'emoji', emoji)), wa_id, direction, status)
$$;
select pg_temp.arrive('dana', 'one', 1), pg_temp.arrive('dana', 'two', 2), pg_temp.arrive('dana', 'tie', 2), pg_temp.arrive('dana', 'answer', 3, reply => 'w.one'),
  pg_temp.arrive('dana', 'lost', 4, reply => 'w.unknown'), pg_temp.arrive('dana', 'edit', 5, 'edit', 'w.one'), pg_temp.arrive('dana', 'revoke', 5, 'revoke', 'w.two'),
  pg_temp.arrive('dana', 'system', 6, 'system', null, '{"body": "number changed"}'), pg_temp.arrive('crowd', 'all', 1), pg_temp.arrive('spy', 'foreign', 1);
create function pg_temp.shown(actor text, arguments text) returns text language sql as $$
  select pg_temp.by(actor, format('select string_agg(coalesce(content ->> $s$body$s$, type), $s$ $s$) from public.get_conversation_messages(%s)', arguments))
$$;

select is(pg_temp.shown('agent', 'md5($$dana$$)::uuid'), 'number changed lost answer tie two one', 'newest first; of one second the later arrival; edits and revokes are in what they change');
select is(pg_temp.shown('agent', 'md5($$dana$$)::uuid, 2'), 'number changed lost', 'a page');
select is(pg_temp.shown('agent', 'md5($$dana$$)::uuid, 2, md5($$lost$$)::uuid'), 'answer tie', 'the next');
select is(pg_temp.shown('agent', 'md5($$dana$$)::uuid, 2, md5($$tie$$)::uuid'), 'two one', 'within a second it goes on where it was');
select is(pg_temp.shown('agent', 'md5($$dana$$)::uuid, null, null'), 'number changed lost answer tie two one', 'null is what is not said');
select is(pg_temp.shown('agent', 'md5($$dana$$)::uuid, before => md5($$edit$$)::uuid'), 'lost answer tie two one', 'before something that is not listed');
select is((select string_agg(pg_temp.shown(actor, 'md5($$dana$$)::uuid'), ' ') from unnest(array['stranger', 'anon']) as actor), 'WA004 42501', 'strangers see none');
select is(pg_temp.by('stranger', 'select private.get_conversation_messages(md5($$dana$$)::uuid, 1, null)'), 'WA004', 'not by the function behind it');
select is((select string_agg(pg_temp.shown('agent', arguments), ' ') from unnest(array['null', 'gen_random_uuid()', 'md5($$spy$$)::uuid',
  'md5($$dana$$)::uuid, 5, md5($$foreign$$)::uuid', 'md5($$dana$$)::uuid, 5, md5($$all$$)::uuid', 'md5($$dana$$)::uuid, 5, gen_random_uuid()']) as arguments),
  'WA004 WA004 WA004 WA004 WA004 WA004', 'what is not there, or elsewhere, is all the same');
select is((select string_agg(pg_temp.shown('agent', 'md5($$dana$$)::uuid, ' || size), ' ') from unnest(array['0', '-1', '201', '2147483647']) as size),
  'WA024 WA024 WA024 WA024', 'no page is empty or endless');

-- What a message answers

select is(pg_temp.by('agent', 'select reply_to from public.get_conversation_messages(md5($$dana$$)::uuid) where wamid = $$w.answer$$')::jsonb,
  jsonb_build_object('id', md5('one')::uuid, 'direction', 'inbound', 'type', 'text', 'preview', 'one'), 'is shown with it');
select is(pg_temp.by('agent', 'select reply_to from public.get_conversation_messages(md5($$dana$$)::uuid) where wamid = $$w.lost$$'), null, 'or not, where it is not here');

-- Reactions

create function pg_temp.reactions(thread text, name text) returns text language sql as $$
  select pg_temp.by('agent', format('select coalesce(string_agg(concat(r ->> $s$emoji$s$, r ->> $s$direction$s$, r ->> $s$wa_id$s$), $s$ $s$), jsonb_typeof(max(reactions::text)::jsonb))
    from public.get_conversation_messages(md5(%L)::uuid) left join lateral jsonb_array_elements(reactions) as r on true where wamid = %L', thread, 'w.' || name))
$$;
select is(pg_temp.reactions('dana', 'one'), '', 'none are an empty list');
select pg_temp.react('dana', 'r1', 10, 'one', '👍', '1'), pg_temp.react('dana', 'r2', 11, 'one', '❤️', '1'), pg_temp.react('dana', 'r3', 12, 'one', '😂', null, 'outbound', 'sent');
select is(pg_temp.reactions('dana', 'one'), '❤️inbound1 😂outbound', 'of each side the last');
select pg_temp.react('dana', 'r4', 9, 'one', '🙈', '1');
select is(pg_temp.reactions('dana', 'one'), '❤️inbound1 😂outbound', 'whatever comes late');
select pg_temp.react('dana', 'r5', 13, 'one', '😡', null, 'outbound', 'failed');
select is(pg_temp.reactions('dana', 'one'), '❤️inbound1 😂outbound', 'what failed is none');
select pg_temp.react('dana', 'r6', 14, 'one', '', '1'), pg_temp.react('dana', 'r7', 14, 'one', null, null, 'outbound', 'sent');
select is(pg_temp.reactions('dana', 'one'), '', 'one that is taken back is gone, with an empty emoji or without any');
select pg_temp.react('crowd', 'g1', 10, 'all', '👍', '1'), pg_temp.react('crowd', 'g2', 11, 'all', '👍', '2'), pg_temp.react('crowd', 'g3', 12, 'all', '🎉', '1');
select is(pg_temp.reactions('crowd', 'all'), '👍inbound2 🎉inbound1', 'in a group everybody has one');
select is(pg_temp.shown('agent', 'md5($$dana$$)::uuid, 3'), 'number changed lost answer', 'none of them is a row');

select * from finish();
rollback;
