-- The bucket whatsapp-media: members read their workspace's files and add what they want to send. Storage's rows under RLS.
begin;
select plan(27);

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
insert into storage.objects (bucket_id, name)
select 'whatsapp-media', md5(place)::uuid || '/thread/picture.png' from unnest(array['home', 'away']) as place;
insert into storage.buckets (id, name, public) values ('storage-story', 'storage-story', false);
insert into storage.objects (bucket_id, name) values ('storage-story', md5('home')::uuid || '/outgoing/elsewhere.png');

create function pg_temp.uploaded(actor text, place text, path text, bucket text default 'whatsapp-media') returns text language sql as $$
  select pg_temp.by(actor, format('insert into storage.objects (bucket_id, name) values (%L, %L)', bucket, coalesce(md5(place)::uuid || '/', '') || path))
$$;

select results_eq(
  $$select public, name from storage.buckets where id = 'whatsapp-media'$$, $$values (false, 'whatsapp-media')$$, 'the bucket is private');

-- Reading

select is(
  pg_temp.by('agent', 'select string_agg(name, $$,$$) from storage.objects'), md5('home')::uuid || '/thread/picture.png',
  'an agent reads the workspace''s files, and no other bucket');
select is(
  pg_temp.by('stranger', 'select string_agg(name, $$,$$) from storage.objects'), md5('away')::uuid || '/thread/picture.png',
  'a stranger reads other ones');
select is(pg_temp.by('nobody', 'select count(*) from storage.objects'), '0', 'who is in no workspace reads none');
select is(pg_temp.by('anon', 'select count(*) from storage.objects'), '0', 'anon reads none');
select is(
  pg_temp.by('service_role', 'select count(*) from storage.objects where name like $$%/thread/picture.png$$ and split_part(name, $$/$$, 1)::uuid in (md5($$home$$)::uuid, md5($$away$$)::uuid)'),
  '2', 'the backend reads all');

-- Writing: {workspace_id}/outgoing/ and nowhere else

select is(pg_temp.uploaded('agent', 'home', 'outgoing/offer.pdf'), '1', 'an agent uploads what is to be sent');
select is(pg_temp.uploaded('agent', 'home', 'outgoing/2026/offer.pdf'), '1', 'in folders, too');
select is(pg_temp.uploaded('agent', 'home', 'thread/forged.png'), '42501', 'but not among what customers sent');
select is(pg_temp.uploaded('agent', 'home', 'outgoing'), '42501', 'not in place of the folder');
select is(pg_temp.uploaded('agent', 'home', 'Outgoing/offer.pdf'), '42501', 'not beside it');
select is(pg_temp.uploaded('agent', 'home', 'thread/outgoing/offer.pdf'), '42501', 'not in a folder of that name elsewhere');
select is(pg_temp.uploaded('agent', 'away', 'outgoing/offer.pdf'), '42501', 'not in another workspace');
select is(pg_temp.uploaded('agent', null, 'outgoing/offer.pdf'), '42501', 'not outside of any');
select is(pg_temp.uploaded('agent', null, '/outgoing/offer.pdf'), '42501', 'not in a workspace without a name');
select is(pg_temp.uploaded('agent', null, upper(md5('home')::uuid::text) || '/outgoing/offer.pdf'), '42501', 'not in its own, spelled differently');
select is(
  pg_temp.uploaded('agent', 'home', 'outgoing/../thread/forged.png') || pg_temp.uploaded('agent', 'home', 'outgoing/./a.png')
    || pg_temp.uploaded('agent', 'home', 'outgoing//a.png') || pg_temp.uploaded('agent', 'home', 'outgoing/'),
  '42501425014250142501', 'not under a name that is another place as a path');
select is(pg_temp.uploaded('agent', 'home', 'outgoing/..a/b...pdf'), '1', 'dots that lead nowhere are letters');
select is(pg_temp.uploaded('agent', 'home', 'outgoing/offer.pdf', 'storage-story'), '42501', 'not in another bucket');
select is(pg_temp.uploaded('stranger', 'home', 'outgoing/offer.pdf'), '42501', 'a stranger does not upload here');
select is(pg_temp.uploaded('anon', 'home', 'outgoing/offer.pdf'), '42501', 'nor does anon');
select is(pg_temp.uploaded('service_role', 'home', 'thread/second.png'), '1', 'the backend writes where it likes');

-- Changing

select is(
  pg_temp.by('agent', 'update storage.objects set name = name || $$.moved$$ where bucket_id = $$whatsapp-media$$'), '0', 'an agent replaces and moves nothing');
select is(
  pg_temp.by('owner', 'update storage.objects set user_metadata = $${}$$'), '0', 'and neither does an owner');
select is(pg_temp.by('anon', 'update storage.objects set name = $$mine$$'), '0', 'nor anon');
select is(
  pg_temp.by('agent', 'select set_config($$storage.allow_delete_query$$, $$true$$, true)')
    || ' ' || pg_temp.by('agent', 'delete from storage.objects'), 'true 0', 'an agent deletes nothing, even past Storage''s own guard');
select is(
  pg_temp.by('owner', 'update storage.buckets set public = true'), '0', 'and nobody makes the bucket public');

select * from finish();
rollback;
