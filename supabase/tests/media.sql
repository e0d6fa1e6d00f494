-- Files to be fetched: leased, proven, stored or given up, and never twice in one object.
begin;
select plan(64);

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
values (md5('home number')::uuid, md5('home')::uuid, 'media-home'), (md5('away number')::uuid, md5('away')::uuid, 'media-away');
create function pg_temp.receive(name text, received_at timestamptz default now(), fields jsonb default '{}') returns integer language sql as $$
  select public.record_inbound('[]', jsonb_build_array(jsonb_build_object('phone_number_id', 'media-home', 'wamid', name,
    'wa_id', '972501234567', 'type', 'image', 'content', '{}'::jsonb, 'occurred_at', received_at, 'media_id', name, 'media_sha256', 'announced') || fields), '[]')
$$;
create temporary table lease (name text, message_id uuid, lease_token uuid, attempts integer, at bigint generated always as identity);
create function pg_temp.claim(files integer default 10, seconds integer default 60) returns text language sql as $$
  with claimed as (
    insert into lease (name, message_id, lease_token, attempts)
    select media_id, message_id, lease_token, attempts from public.claim_media(files, seconds) where workspace_id = md5('home')::uuid
    returning name, at
  )
  select string_agg(name, ' ' order by at) from claimed
$$;
create function pg_temp.held(name text, result jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_array(jsonb_build_object('message_id', message_id, 'lease_token', lease_token) || result)
  from lease where lease.name = held.name order by at desc limit 1
$$;
create function pg_temp.recorded(name text, outcome text, result jsonb default '{}') returns integer language sql as $$
  select public.record_media(pg_temp.held(name, jsonb_build_object('outcome', outcome) || result))
$$;
create function pg_temp.state(name text) returns text language sql as $$
  select concat_ws(' ', message.media_status, case when item.message_id is not null then 'waits' end)
  from public.messages as message left join public.media_downloads as item on item.message_id = message.id
  where message.wamid = name
$$;

-- Who may

select is(pg_temp.by('service_role', 'select count(*) >= 0 from public.claim_media(0)'), 'true', 'the backend claims');
select is(
  (select string_agg(pg_temp.by(actor, call), ' ')
   from unnest(array['owner', 'stranger', 'anon']) as actor,
     unnest(array['select public.claim_media()', 'select public.record_media($$[]$$)', 'select public.release_media($$[]$$)',
       'select public.sweep_media()', 'select count(*) from public.media_downloads']) as call),
  trim(repeat('42501 ', 15)), 'members, strangers and anon do nothing of all this');

-- claim: the soonest to vanish first

select pg_temp.receive('young');
select pg_temp.receive('old', now() - interval '6 days');
select is(pg_temp.claim(1), 'old', 'what vanishes first is fetched first');
select is(pg_temp.claim(), 'young', 'then the rest');
select is(pg_temp.claim(), null, 'and nothing twice');
select is(pg_temp.state('old'), 'downloading waits', 'the message shows that it is coming');

-- record

select is(
  pg_temp.recorded('old', 'stored', '{"path": "w/c/m.png", "mime_type": "image/png", "size": 68, "sha256": "proven"}'), 1, 'a file is stored');
select results_eq(
  $$select media_status, media_path, media_mime_type, media_size, media_sha256, media_error from public.messages where wamid = 'old'$$,
  $$values ('stored', 'w/c/m.png', 'image/png', 68::bigint, 'proven', null::jsonb)$$, 'and the message says where and what');
select is(pg_temp.state('old'), 'stored', 'it has left the queue');
select is(pg_temp.recorded('old', 'failed'), 0, 'a second word changes nothing');
select is(pg_temp.state('old'), 'stored', 'it stays stored');
select is(pg_temp.recorded('old', 'stored', '{"path": "elsewhere"}'), 0, 'nor another path');
select is(
  public.record_media(jsonb_build_array(jsonb_build_object('message_id', md5('young')::uuid, 'lease_token', gen_random_uuid(), 'outcome', 'stored'))),
  0, 'who does not hold the lease records nothing');
select is(public.record_media('[]'), 0, 'no results are no trouble');

select is(pg_temp.recorded('young', 'retry', '{"retry_after": 60, "error": {"code": "Unavailable"}}'), 1, 'a fetch that may be tried again');
select results_eq(
  $$select media_status, media_error ->> 'code', available_at - now() from public.messages join public.media_downloads on message_id = id where wamid = 'young'$$,
  $$values ('pending', 'Unavailable', interval '60 seconds')$$, 'waits, and says why');
select is(
  (select count(*) from public.media_downloads where media_id = 'young' and num_nonnulls(lease_token, lease_expires_at) = 0), 1::bigint,
  'and is nobody''s');
select is(pg_temp.claim(), null, 'until its time');
update public.media_downloads set available_at = now() where media_id = 'young';
select is(pg_temp.claim(), 'young', 'then it is fetched again');
select is((select attempts from lease where name = 'young' order by at desc limit 1), 2, 'as a second attempt');

-- release

select is(public.release_media(pg_temp.held('young')), 1, 'a file is given back');
select is(pg_temp.state('young'), 'pending waits', 'and waits');
select is(public.release_media(pg_temp.held('young')), 0, 'once');
select is(pg_temp.claim(), 'young', 'it is claimed again');
select is((select attempts from lease where name = 'young' order by at desc limit 1), 2, 'and no attempt was spent');

-- extend

select is(public.extend_media(pg_temp.held('young'), 600), 1, 'whoever holds a lease keeps it');
select is((select lease_expires_at - now() from public.media_downloads where media_id = 'young'), interval '600 seconds', 'for so much longer');
select is(
  public.extend_media(pg_temp.held('young') || pg_temp.held('old'), 600), 1, 'and keeps no other');

select is(
  pg_temp.recorded('young', 'corrupt', '{"error": {"code": "corrupt"}, "path": "w/c/half.png", "size": 3, "sha256": "wrong"}'), 1,
  'a file that is not what was announced');
select results_eq(
  $$select media_status, media_path, media_size, media_sha256, media_error ->> 'code' from public.messages where wamid = 'young'$$,
  $$values ('corrupt', null, null::bigint, 'announced', 'corrupt')$$, 'is not shown');

-- What a file says of itself

create function pg_temp.measured(name text, result jsonb) returns text language plpgsql as $$
begin
  perform pg_temp.receive(name), pg_temp.claim();
  if pg_temp.recorded(name, 'stored', result || '{"path": "p"}') <> 1 then
    return 'not held';
  end if;
  return (select concat_ws(' ', media_status, media_width, media_height, media_duration) from public.messages where wamid = name);
exception when others then
  return sqlstate;
end
$$;
select is(pg_temp.measured('measured', '{"width": 800, "height": 600, "duration": 2.5}'), 'stored 800 600 2.5', 'width, height and duration are kept');
select is(pg_temp.measured('still', '{}'), 'stored', 'or not known');
select is(
  pg_temp.measured('boastful', '{"width": 4294967295, "height": -1, "duration": 1e300}'), 'stored', 'a picture that claims to be endless is stored without');
select is(pg_temp.measured('empty', '{"width": 0, "height": 600.4, "duration": 0}'), 'stored 600 0', 'or with what makes sense');
select is(pg_temp.measured('nonsense', '{"width": "wide"}'), '22P02', 'a broken result is refused');
select pg_temp.receive('good'), pg_temp.receive('bad'), pg_temp.claim();
create function pg_temp.wait_of(name text, seconds text, left_to_it interval default '9 days') returns interval language plpgsql as $$
begin
  perform pg_temp.receive(name);
  update public.media_downloads set deadline = now() + left_to_it where media_id = name;
  perform pg_temp.claim();
  perform pg_temp.recorded(name, 'retry', jsonb_build_object('retry_after', seconds::numeric));
  return (select available_at - now() from public.media_downloads where media_id = name);
end
$$;
select is(pg_temp.wait_of('patient', '1e300'), interval '7 days', 'nobody waits for ever');
select is(pg_temp.wait_of('brief', '600', '5 minutes'), interval '4 minutes 30 seconds', 'nor past the moment when it might still be had');
select is(pg_temp.wait_of('late', '600', '20 seconds'), interval '10 minutes', 'which is not tried for twice');
select is(pg_temp.wait_of('hasty', '-5'), interval '0', 'nor since yesterday');
select is(pg_temp.wait_of('eager', null), interval '0', 'nor for a time that nobody named');
update public.messages set media_status = 'stored', media_path = 'there' where wamid = 'good';
select is(pg_temp.recorded('good', 'retry', '{"error": {"code": "late"}}'), 1, 'a file that the queue has by mistake');
select results_eq(
  $$select media_status, media_path, media_error from public.messages where wamid = 'good'$$,
  $$values ('stored', 'there', null::jsonb)$$, 'takes nothing away');
select is(pg_temp.state('good'), 'stored', 'and leaves the queue');
select throws_ok($$select pg_temp.recorded('bad', 'lost')$$, '23514', null, 'an outcome that is none is refused');
delete from public.media_downloads where workspace_id = md5('home')::uuid;

-- sweep

select pg_temp.receive('dropped'), public.sweep_media();
select is(pg_temp.claim(1, 0), 'dropped', 'a worker claims a file and dies');
select cmp_ok(public.sweep_media(), '>=', 1, 'its lease runs out');
select is(pg_temp.state('dropped'), 'pending waits', 'fetching twice is harmless: it waits again');
select is(pg_temp.claim(10, 0), 'dropped', 'at once: the next worker claims it and dies as well');
update public.media_downloads set attempts = 4 where media_id = 'dropped';
select cmp_ok(public.sweep_media(), '>=', 1, 'its lease runs out');
select is(
  (select available_at - now() from public.media_downloads where media_id = 'dropped'), interval '2 seconds', 'what has seen four of them comes back later');
update public.media_downloads set deadline = now() where media_id = 'dropped';
select is(pg_temp.claim(), null, 'past its deadline nobody asks for it');
select cmp_ok(public.sweep_media(), '>=', 1, 'nobody has it, and WhatsApp no longer either');
select results_eq(
  $$select media_status, media_error from public.messages where wamid = 'dropped'$$,
  $$values ('expired', '{"code": "expired", "title": "The provider no longer has this file"}'::jsonb)$$, 'it is gone, and says so');
select is(pg_temp.state('dropped'), 'expired', 'and out of the queue');
select is(sum(pg_temp.receive('many' || n)), 5::bigint, 'many wait') from generate_series(1, 5) as n;
update public.media_downloads set deadline = now() where media_id like 'many%';
select is(public.sweep_media(2), 2, 'a sweep ends so many');
select is(public.sweep_media(2) + public.sweep_media(2), 3, 'and the next sweeps the rest');

-- A paused number, and a deleted thread

update public.whatsapp_connections set status = 'paused', status_reason = 'credential' where id = md5('home number')::uuid;
select pg_temp.receive('paused');
select is(pg_temp.claim(), null, 'a number that is paused for its key fetches nothing');
update public.whatsapp_connections set status = 'active', status_reason = null where id = md5('home number')::uuid;
delete from public.conversations where workspace_id = md5('home')::uuid;
select is(pg_temp.claim(), 'paused', 'a file is fetched even if its thread is gone');
select is(pg_temp.recorded('paused', 'stored', '{"path": "w/none/m.png"}'), 1, 'and stored');

-- The members

select is(
  pg_temp.by('agent', 'select concat_ws($$ $$, media_path, media_mime_type, media_size, media_sha256) from public.messages where wamid = $$old$$'),
  'w/c/m.png image/png 68 proven', 'an agent sees what is stored');
select is(
  pg_temp.by('agent', 'select media_error ->> $$code$$ from public.messages where wamid = $$young$$'), 'corrupt', 'and why something is not');
select is(pg_temp.by('stranger', 'select count(*) from public.messages where media_status = $$stored$$'), '0', 'a stranger does not');
select results_eq(
  $$select pubinsert and pubupdate, prattrs is null, prqual is null
    from pg_publication_rel join pg_publication as publication on publication.oid = prpubid
    where pubname = 'supabase_realtime' and prrelid = 'public.messages'::regclass$$,
  $$values (true, true, true)$$, 'a frontend hears of every change of a message, all its columns with it');

select * from finish();
rollback;
