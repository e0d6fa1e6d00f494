-- Whose file is fetched next: tenants in turn, never too many of one number, and nothing before its time.
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
values (md5('home number')::uuid, md5('home')::uuid, 'claims-home'), (md5('away number')::uuid, md5('away')::uuid, 'claims-away');
insert into public.workspaces (id, name, connection_limit) values (md5('third')::uuid, 'Third', 9);
update public.workspaces set connection_limit = 9 where id = md5('home')::uuid;
insert into public.whatsapp_connections (id, workspace_id, phone_number_id)
values (md5('home second')::uuid, md5('home')::uuid, 'claims-second'), (md5('third number')::uuid, md5('third')::uuid, 'claims-third');

-- A file of a number, that long from being forgotten.
create function pg_temp.put(name text, number text, remaining interval default '1 day') returns void language sql as $$
  with message as (
    insert into public.messages (id, workspace_id, connection_id, direction, type, content, media_id, media_status)
    select md5(name)::uuid, workspace_id, id, 'inbound', 'image', '{}', name, 'pending'
    from public.whatsapp_connections where id = md5(number)::uuid
    returning *
  )
  insert into public.media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline)
  select id, workspace_id, connection_id, private.object_name(workspace_id, null, id), media_id, now() + remaining from message
$$;
create function pg_temp.put_many(name text, number text, amount integer, remaining interval default '1 hour') returns void language sql as $$
  select pg_temp.put(name || n, number, remaining + n * interval '1 second') from generate_series(1, amount) as n
$$;
create temporary table lease (name text, message_id uuid, lease_token uuid, at bigint generated always as identity);
create function pg_temp.claim(files integer default 10, seconds integer default 60, shares jsonb default '{}') returns text language sql as $$
  with claimed as (
    insert into lease (name, message_id, lease_token)
    select media_id, message_id, lease_token from public.claim_media(files, seconds, shares)
    returning name, at
  )
  select string_agg(name, ' ' order by at) from claimed
$$;
create function pg_temp.done(names text[]) returns integer language sql as $$
  select public.record_media(jsonb_agg(jsonb_build_object('message_id', message_id, 'lease_token', lease_token, 'outcome', 'stored', 'path', name)))
  from lease where name = any (names)
$$;
create function pg_temp.nobody_waits() returns void language sql as $$
  delete from public.media_downloads;
  delete from private.media_turns;
  delete from lease;
$$;
select pg_temp.nobody_waits();

-- Tenants in turn

select is(public.next_media(), null, 'nobody waits');
select pg_temp.put_many('busy', 'home number', 20), pg_temp.put('lone', 'away number', '7 days');
select is(pg_temp.claim(4), 'busy1 busy2 busy3 lone', 'a workspace with many files does not delay another''s one');
select pg_temp.put_many('other', 'away number', 20, '2 days');
select is(pg_temp.done(array['busy1']), 1, 'a slot comes free');
select pg_temp.put('third', 'third number', '7 days');
select is(pg_temp.claim(1), 'third', 'who was never served is next, however much time is left for its file');
update private.media_turns set claimed_at = claimed_at - interval '1 second' where workspace_id = md5('away')::uuid;
select is(pg_temp.claim(1), 'other1', 'then who waited longest');
select is(pg_temp.claim(1), 'busy4', 'and then the first again');
select is(pg_temp.claim(3), 'busy5 other2 other3', 'the turns go round');
select pg_temp.nobody_waits();

-- Numbers in turn within a workspace

select pg_temp.put_many('one', 'home number', 20), pg_temp.put('two', 'home second', '7 days'), pg_temp.put_many('away', 'away number', 20, '30 minutes');
select is(pg_temp.claim(4), 'away1 away2 one1 two', 'two numbers share the turns of their workspace');
select is(pg_temp.claim(1, 60) || ' ' || pg_temp.claim(1, 60), 'away3 one2', 'one workspace has one turn, whatever its numbers');
select pg_temp.nobody_waits();

-- So many of a number

select pg_temp.put_many('file', 'home number', 20);
select is(pg_temp.claim(3), 'file1 file2 file3', 'a worker takes some');
select is(pg_temp.claim(20), 'file4 file5 file6 file7 file8', 'another takes the rest of eight');
select is(pg_temp.claim(20), null, 'no third takes any');
select is(public.next_media(), 1.0::double precision, 'nor knows when there will be one: it looks again in a second');
select is(pg_temp.done(array['file2', 'file5']), 2, 'two are stored');
select is(public.next_media(), 0.0::double precision, 'and others may be fetched');
select is(pg_temp.claim(20), 'file9 file10', 'two');
update public.media_downloads set lease_expires_at = now() where media_id = 'file1';
select is(pg_temp.claim(20), 'file11', 'the lease of a dead worker holds no place');
update public.whatsapp_connections set media_downloads_at_once = 9 where id = md5('home number')::uuid;
select is(pg_temp.claim(20), 'file12', 'a number may have another limit');
update public.whatsapp_connections set media_downloads_at_once = 1 where id = md5('home number')::uuid;
select is(pg_temp.claim(20), null, 'or a lower one: nothing breaks');
select throws_ok(
  format('update public.whatsapp_connections set media_downloads_at_once = %s where id = md5($$home number$$)::uuid', amount), '23514', null,
  amount || ' is no limit') from unnest(array[0, 65]) as amount;
update public.whatsapp_connections set media_downloads_at_once = 8 where id = md5('home number')::uuid;
select pg_temp.nobody_waits();

-- A number's share of a worker's slots

create function pg_temp.share(number text, files integer) returns jsonb language sql as $$
  select jsonb_build_object(md5(number)::uuid, files)
$$;
select pg_temp.put_many('full', 'home number', 20), pg_temp.put_many('again', 'home second', 20, '2 hours');
update public.media_downloads set available_at = clock_timestamp() where media_id like 'again%';
select is(pg_temp.claim(3, 60, pg_temp.share('home number', 0) || pg_temp.share('home second', 0)), null, 'who has its share gets nothing');
select is(public.next_media(pg_temp.share('home number', 0) || pg_temp.share('home second', 0)), null, 'and is not asked for again');
select is(public.next_media(pg_temp.share('home number', 0)), 0.0::double precision, 'as the others are');
select is(pg_temp.claim(6, 60, pg_temp.share('home number', 1)), 'full1 again1 again2 again3 again4 again5', 'who has nearly all of it gets the rest, before others or after');
select is(pg_temp.claim(20, 60, pg_temp.share('home number', 9) || pg_temp.share('home second', 1)), 'full2 full3 full4 full5 full6 full7 full8 again6',
  'a share is no more than what a number may fetch at once');
select pg_temp.put('lonely', 'away number', '7 days');
select is(pg_temp.claim(6, 60, pg_temp.share('home second', 0)), 'lonely', 'nobody waits behind a number that has its share');
select is(pg_temp.claim(6, 60, null), 'again7 again8', 'a worker that says nothing of shares takes what there is');
select pg_temp.nobody_waits();

-- The soonest to vanish, and nothing before its time

select pg_temp.put('week', 'home number', '7 days'), pg_temp.put('hour', 'home number', '1 hour'), pg_temp.put('gone', 'home number', '-1 second');
select is(pg_temp.claim(1), 'hour', 'what vanishes first is fetched first');
update public.media_downloads set available_at = now() + interval '90 seconds' where media_id = 'week';
select is(pg_temp.claim(), null, 'not before its time, and nothing past its deadline');
select cmp_ok(public.next_media(), '>', 85.0::double precision, 'the worker knows when');
select cmp_ok(public.next_media(), '<=', 90.0::double precision, 'to the second');
update public.media_downloads set available_at = clock_timestamp() where media_id = 'week';
select is(public.next_media(), 0.0::double precision, 'now');
select is(pg_temp.claim(), 'week', 'it is fetched');
select is((select available_at from public.media_downloads where media_id = 'week'), null, 'and waits for nothing any more');
select is(public.next_media(), null, 'what only the sweep will end is nothing to wait for');
select pg_temp.nobody_waits();
select pg_temp.put_many('tried', 'home number', 40, '2 hours'), pg_temp.put_many('fresh', 'home number', 3, '3 hours');
update public.media_downloads set available_at = clock_timestamp() - random() * interval '1 minute' where media_id like 'tried%';
select is(pg_temp.claim(4), 'tried1 tried2 tried3 tried4', 'whose time has come again is fetched by its deadline, whenever it last failed');
select pg_temp.nobody_waits();

-- Numbers that are stopped

select pg_temp.put('stopped', 'home number'), pg_temp.put('away', 'away number', '7 days');
update public.whatsapp_connections set status = 'paused', status_reason = 'credential' where id = md5('home number')::uuid;
select is(pg_temp.claim(), 'away', 'a number without a key that is taken fetches nothing and holds nobody up');
select is(public.next_media(), null, 'nor is anybody to wait for it');
update public.whatsapp_connections set status = 'disconnected', status_reason = null where id = md5('home number')::uuid;
select is(pg_temp.claim(), null, 'nor does one that is gone');
update public.whatsapp_connections set status = 'active' where id = md5('home number')::uuid;
select is(pg_temp.claim(), 'stopped', 'until it goes on');
select pg_temp.put('meanwhile', 'home number'), pg_temp.put('nobody said why', 'away number');
update public.whatsapp_connections set status = 'paused', status_reason = 'payment' where id = md5('home number')::uuid;
update public.whatsapp_connections set status = 'paused' where id = md5('away number')::uuid;
select is(public.next_media(), 0.0::double precision, 'a number that may not send');
select is(pg_temp.claim(), 'meanwhile nobody said why', 'fetches what comes: WhatsApp will not keep it until it may');
select is(pg_temp.claim(0), null, 'a worker without a slot takes nothing');

-- What is remembered

update private.media_turns set claimed_at = now() - interval '61 minutes' where workspace_id = md5('away')::uuid;
select lives_ok('select public.sweep_media()', 'a sweep');
select results_eq(
  'select workspace_id from private.media_turns', $$values (md5('home')::uuid)$$, 'forgets who was served long ago');

select * from finish();
rollback;
