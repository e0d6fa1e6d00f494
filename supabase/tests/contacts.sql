-- The people of a workspace: every member works on them, nobody else knows of them.
begin;
select plan(30);

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
insert into public.contacts (id, workspace_id, phone, profile_name) values
  (md5('dana')::uuid, md5('home')::uuid, '+972501234567', 'dana ✨'),
  (md5('ben')::uuid, md5('away')::uuid, '+972501234567', 'ben');

-- Reading

select is(pg_temp.by('agent', 'select string_agg(profile_name, $$,$$) from public.contacts'), 'dana ✨', 'an agent reads the contacts');
select is(pg_temp.by('stranger', 'select string_agg(profile_name, $$,$$) from public.contacts'), 'ben', 'a stranger reads other ones');
select is(pg_temp.by('anon', 'select count(*) from public.contacts'), '42501', 'anon is refused');

-- Adding

select is(
  pg_temp.by('agent', 'insert into public.contacts (workspace_id, phone, name, tags) values (md5($$home$$)::uuid, $$+4915112345678$$, $$Eva$$, $${vip}$$)'),
  '1', 'an agent adds a contact');
select is(
  pg_temp.by('agent', 'insert into public.contacts (workspace_id, phone) values (md5($$away$$)::uuid, $$+4915112345678$$)'),
  '42501', 'an agent cannot add one to another workspace');
select is(
  pg_temp.by('agent', 'insert into public.contacts (workspace_id, phone) values (gen_random_uuid(), $$+4915112345678$$)'),
  '42501', 'nor to one that does not exist, with the same answer');
select is(
  pg_temp.by('anon', 'insert into public.contacts (workspace_id, phone) values (md5($$home$$)::uuid, $$+4915112345679$$)'),
  '42501', 'anon cannot add one');
select is(
  pg_temp.by('agent', 'insert into public.contacts (workspace_id, profile_name) values (md5($$home$$)::uuid, $$me$$)'),
  '42501', 'what WhatsApp says is WhatsApp''s to say');
select is(
  pg_temp.by('agent', 'insert into public.contacts (workspace_id, phone) values (md5($$home$$)::uuid, $$050-1234567$$)'),
  'WA014', 'a phone is E.164');
select is(
  pg_temp.by('agent', 'insert into public.contacts (workspace_id, phone) values (md5($$home$$)::uuid, $$+972501234567$$)'),
  '23505', 'a phone is one contact');
select is(
  pg_temp.by('agent', 'insert into public.contacts (workspace_id, name) values (md5($$home$$)::uuid, $$A$$), (md5($$home$$)::uuid, $$B$$)'),
  '2', 'people without a phone are as many as they are');

-- Changing

select is(
  pg_temp.by('agent', 'update public.contacts set name = $$Dana$$, tags = $${vip}$$ where id = md5($$dana$$)::uuid'),
  '1', 'an agent names and tags a contact');
select is(
  pg_temp.by('stranger', 'update public.contacts set name = $$x$$ where id = md5($$dana$$)::uuid'), '0', 'a stranger finds nothing to change');
select is(
  pg_temp.by('agent', 'update public.contacts set workspace_id = md5($$away$$)::uuid'), '42501', 'a contact cannot be moved to another workspace');
select is(
  pg_temp.by('agent', 'update public.contacts set marketing_opted_out_at = null'), '42501', 'an opt-out cannot be taken back by a member');
select is(
  pg_temp.by('anon', 'update public.contacts set name = null'), '42501', 'anon cannot change any');
select is(
  pg_temp.by('agent', 'update public.contacts set attributes = $$[]$$ where id = md5($$dana$$)::uuid'), 'WA012', 'attributes are an object');

-- Deleting

select is(pg_temp.by('stranger', 'delete from public.contacts where id = md5($$dana$$)::uuid'), '0', 'a stranger finds nothing to delete');
select is(pg_temp.by('anon', 'delete from public.contacts'), '42501', 'anon cannot delete any');

insert into public.whatsapp_connections (id, workspace_id, phone_number_id)
values (md5('home number')::uuid, md5('home')::uuid, 'contacts-home');
insert into public.conversations (id, workspace_id, connection_id, phone, contact_id)
values (md5('thread')::uuid, md5('home')::uuid, md5('home number')::uuid, '972501234567', md5('dana')::uuid);
select throws_ok(
  $$update public.conversations set contact_id = md5('ben')::uuid where id = md5('thread')::uuid$$, '23503', null,
  'a thread cannot point to a contact of another workspace, whoever writes it');
select is(pg_temp.by('agent', 'delete from public.contacts where id = md5($$dana$$)::uuid'), '1', 'an agent deletes a contact');
select results_eq(
  $$select workspace_id, contact_id from public.conversations where id = md5('thread')::uuid$$,
  $$values (md5('home')::uuid, null::uuid)$$, 'the thread stays, without a contact');

-- One subscriber, several spellings

select is(private.phone_key('+55 11 98765-4321'), private.phone_key('551187654321'), 'Brazil: with and without the ninth digit');
select is(private.phone_key('5491123456789'), private.phone_key('541123456789'), 'Argentina: with and without the nine');
select is(private.phone_key('5215512345678'), private.phone_key('525512345678'), 'Mexico: with and without the one');
select isnt(private.phone_key('551131234567'), private.phone_key('5511931234567'), 'a Brazilian landline has no ninth digit');
select is(private.phone_key('972501234567'), '972501234567', 'other numbers are their own key');
select is(private.phone_key('no digits'), 'no digits', 'what is no number stands for itself');
select is(
  pg_temp.by('agent', 'insert into public.contacts (workspace_id, phone) values (md5($$home$$)::uuid, $$+5511987654321$$)'),
  '1', 'a variant is stored as it was written');
select is(
  pg_temp.by('agent', 'insert into public.contacts (workspace_id, phone) values (md5($$home$$)::uuid, $$+551187654321$$)'),
  '23505', 'and its twin is the same contact');

select * from finish();
rollback;
