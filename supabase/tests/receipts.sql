-- Read marks and typing signs: who may ask for them, which message they speak of, and when they are dropped.
begin;
select plan(25);

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
insert into public.whatsapp_connections (id, workspace_id, phone_number_id, send_read_receipts)
values (md5('home number')::uuid, md5('home')::uuid, 'receipts-home', true), (md5('away number')::uuid, md5('away')::uuid, 'receipts-away', false);
insert into public.conversations (id, workspace_id, connection_id, phone)
select md5(name)::uuid, md5(place)::uuid, md5(place || ' number')::uuid, phone
from (values ('dana', 'home', '972501'), ('silent', 'home', '972502'), ('carl', 'away', '972503')) as thread (name, place, phone);
create function pg_temp.writes(name text, wamid text, at timestamptz default now()) returns void language sql as $$
  insert into public.messages (workspace_id, conversation_id, direction, type, content, wamid, occurred_at)
  select workspace_id, id, 'inbound', 'text', '{"body": "hello"}', writes.wamid, writes.at from public.conversations where id = md5(name)::uuid
$$;
create function pg_temp.waiting() returns text language sql as $$
  select string_agg(kind || ' ' || wamid, ', ' order by kind) from private.receipts where workspace_id in (md5('home')::uuid, md5('away')::uuid)
$$;
create temporary table lease (kind text, lease_token uuid, at bigint generated always as identity);
create function pg_temp.claim(seconds integer default 60) returns text language sql as $$
  with claimed as (
    insert into lease (kind, lease_token)
    select kind, lease_token from public.claim_receipts(10, seconds) where workspace_id in (md5('home')::uuid, md5('away')::uuid) returning kind
  )
  select string_agg(kind, ' ' order by kind) from claimed
$$;
create function pg_temp.recorded(outcome text) returns integer language sql as $$
  select public.record_receipts(jsonb_build_array(jsonb_build_object('lease_token', lease_token, 'outcome', outcome)))
  from lease order by at desc limit 1
$$;
select pg_temp.writes('dana', 'first'), pg_temp.writes('carl', 'other');

-- Who may

select is(pg_temp.by('stranger', 'select public.send_typing(md5($$dana$$)::uuid)'), 'WA004', 'a stranger types to nobody');
select is(pg_temp.by('stranger', 'select public.send_typing(gen_random_uuid())'), 'WA004', 'and is told the same of no thread at all');
select is(pg_temp.by('anon', 'select public.send_typing(md5($$dana$$)::uuid)'), '42501', 'anon is refused');
select is(
  (select string_agg(pg_temp.by(actor, call), ' ')
   from unnest(array['owner', 'anon']) as actor,
     unnest(array['select public.claim_receipts()', 'select public.record_receipts($$[]$$)', 'select count(*) from private.receipts',
       'select private.queue_receipt(null, null)']) as call),
  trim(repeat('42501 ', 8)), 'only the backend claims and records');
select is(pg_temp.by('service_role', 'select count(*) from public.claim_receipts(0)'), '0', 'the backend does');
select is(pg_temp.waiting(), null, 'nothing waits so far');

-- Reading

select is(pg_temp.by('agent', 'select public.mark_as_read(md5($$dana$$)::uuid)'), null, 'an agent reads a thread');
select is(pg_temp.waiting(), 'read first', 'and its newest message is marked');
select is((select count(*) from public.claim_receipts(10, 60, jsonb_build_object(md5('home number')::uuid, 0))), 0::bigint,
  'not by a worker of whose slots its number has its share');
select is(pg_temp.claim(), 'read', 'once');
select is(pg_temp.claim(), null, 'and not twice');
select pg_temp.writes('dana', 'second', now() + interval '1 second');
select public.mark_as_read(md5('dana')::uuid);
select is(pg_temp.waiting(), 'read second', 'a newer message takes the place');
select is(pg_temp.recorded('done'), 0, 'and what became of the older one does not remove it');
select is(pg_temp.claim(), 'read', 'it is claimed');
select is(pg_temp.recorded('done'), 1, 'and given');
select public.mark_as_read(md5('dana')::uuid);
select is(pg_temp.waiting(), null, 'what is read already is not marked again');
select public.mark_as_read(md5('carl')::uuid), public.mark_as_read(md5('silent')::uuid);
select is(pg_temp.waiting(), null, 'nor anything of a number that does not say so, or of somebody who has never written');

-- Typing

select is(pg_temp.by('agent', 'select public.send_typing(md5($$dana$$)::uuid)'), null, 'an agent types');
select public.send_typing(md5('silent')::uuid);
select is(pg_temp.waiting(), 'typing second', 'and only somebody who has written sees it');
select is(pg_temp.claim(0) || ' ' || pg_temp.claim(), 'typing typing', 'what a dead worker held is taken over');
select is(pg_temp.recorded('retry'), 1, 'a failure');
update private.receipts set available_at = now();
select is(pg_temp.claim() || ' ' || pg_temp.recorded('retry'), 'typing 1', 'and a third');
select is(pg_temp.waiting(), null, 'is the last');
select public.send_typing(md5('dana')::uuid);
update private.receipts set created_at = now() - interval '26 seconds' where kind = 'typing';
select is(pg_temp.claim(), null, 'nobody is typing any more');
select is(pg_temp.waiting(), null, 'so it is dropped');

select * from finish();
rollback;
