-- What members write down: notes about people, and replies to give again.
begin;
select plan(23);

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
insert into public.contacts (id, workspace_id, phone) values (md5('Dana')::uuid, md5('home')::uuid, '+1234567'), (md5('Eva')::uuid, md5('home')::uuid, '+1234568'),
  (md5('Spy')::uuid, md5('away')::uuid, '+1234567');

create function pg_temp.note(actor text, place text, contact text, body text) returns text language sql as $$
  select pg_temp.by(actor, format('insert into public.contact_notes (workspace_id, contact_id, body) values (md5(%L)::uuid, md5(%L)::uuid, %L)', place, contact, body))
$$;
select is(pg_temp.note('agent', 'home', 'Dana', 'likes tea'), '1', 'an agent writes a note');
select is(pg_temp.by('admin', 'select created_by || $$ $$ || body from public.contact_notes'), md5('agent')::uuid || ' likes tea', 'others read who wrote what');
select is(pg_temp.by('admin', 'update public.contact_notes set body = $$likes coffee$$'), '1', 'and correct it');
select is((select string_agg(pg_temp.by('agent', statement), ' ') from unnest(array['update public.contact_notes set created_by = null',
  'update public.contact_notes set contact_id = md5($$Eva$$)::uuid', 'insert into public.contact_notes (workspace_id, contact_id, body, created_by) values (md5($$home$$)::uuid, md5($$Dana$$)::uuid, $$x$$, md5($$owner$$)::uuid)']) as statement),
  '42501 42501 42501', 'who, when and about whom is not theirs to change');
select is(pg_temp.note('agent', 'home', 'Spy', 'x'), '23503', 'none about somebody else''s contact');
select is(pg_temp.note('agent', 'home', 'Dana', ' '), 'WA011', 'none that says nothing');
select is(pg_temp.note('agent', 'home', 'Dana', repeat('x', 10001)), 'WA013', 'nor a book');
select is(pg_temp.note('stranger', 'home', 'Dana', 'x'), '42501', 'a stranger writes none');
select is((select string_agg(pg_temp.by('stranger', statement), ' ') from unnest(array['select count(*) from public.contact_notes',
  'update public.contact_notes set body = $$x$$', 'delete from public.contact_notes']) as statement), '0 0 0', 'sees none, changes none');
select is(pg_temp.by('anon', 'select count(*) from public.contact_notes'), '42501', 'anon is refused');
select private.merge_contacts(md5('Eva')::uuid, md5('Dana')::uuid);
select results_eq('select contact_id, body from public.contact_notes', $$values (md5('Eva')::uuid, 'likes coffee')$$, 'two contacts that are one person keep their notes');
select is(pg_temp.by('agent', 'delete from public.contacts where id = md5($$Eva$$)::uuid'), '1', 'with the contact');
select is_empty('select from public.contact_notes', 'its notes go');

create function pg_temp.reply(actor text, place text, shortcut text, body text) returns text language sql as $$
  select pg_temp.by(actor, format('insert into public.canned_replies (workspace_id, shortcut, body) values (md5(%L)::uuid, %L, %L)', place, shortcut, body))
$$;
select is(pg_temp.reply('agent', 'home', 'hi', 'Shalom!'), '1', 'an agent writes a reply');
select is(pg_temp.reply('admin', 'home', 'hi', 'Hello!'), '23505', 'under a word that is free');
select is(pg_temp.reply('stranger', 'away', 'hi', 'Hello!'), '1', 'which it is elsewhere');
select is(pg_temp.by('agent', 'select string_agg(body, $$,$$) from public.canned_replies'), 'Shalom!', 'each sees their own');
select is(pg_temp.reply('stranger', 'home', 'yo', 'x'), '42501', 'a stranger writes none');
select is((select string_agg(pg_temp.reply('agent', 'home', shortcut, body), ' ') from (values ('', 'x'), ('two words', 'x'), (repeat('x', 51), 'x'), ('x', ''), ('x', repeat('x', 4097))) as given (shortcut, body)),
  'WA014 WA014 WA014 WA011 WA013', 'a word it is, and a message''s length');
select is(pg_temp.by('agent', 'update public.canned_replies set body = $$Hey$$, shortcut = $$hey$$'), '1', 'it is changed');
select is(pg_temp.by('stranger', 'delete from public.canned_replies where shortcut = $$hey$$'), '0', 'by nobody else');
select is(pg_temp.by('agent', 'delete from public.canned_replies'), '1', 'and deleted');
select is(pg_temp.by('anon', 'select count(*) from public.canned_replies'), '42501', 'anon is refused');

select * from finish();
rollback;
