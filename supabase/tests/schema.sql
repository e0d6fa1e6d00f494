-- The catalog itself: default deny, row level security, tenancy in every key, a comment on everything public.
begin;
select plan(26);

create temporary view our_tables as
select class.oid, namespace.nspname as schema, class.relname::text collate "default" as name
from pg_class as class join pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname in ('public', 'private') and class.relkind in ('r', 'p');

create temporary view our_functions as
select routine.oid, namespace.nspname as schema, routine.oid::regprocedure::text as name,
  routine.proacl, routine.proowner, routine.proconfig, routine.prosecdef
from pg_proc as routine join pg_namespace as namespace on namespace.oid = routine.pronamespace
where namespace.nspname in ('public', 'private')
  and not exists (select from pg_depend where objid = routine.oid and deptype = 'e');

create temporary view our_keys as
select key.conname, key.conrelid, key.confrelid, key.conkey, key.confkey
from pg_constraint as key join our_tables on our_tables.oid = key.conrelid
where key.contype = 'f';

-- The checks below look at something.
select cmp_ok((select count(*) from our_tables), '>', 10::bigint, 'tables are found');
select cmp_ok((select count(*) from our_functions), '>', 30::bigint, 'functions are found');
select cmp_ok((select count(*) from our_keys), '>', 15::bigint, 'foreign keys are found');

select is_empty(
  $$select name from our_tables join pg_class using (oid) where not relrowsecurity$$,
  'every table has row level security');
select is_empty(
  $$select tablename, policyname from pg_policies
    where (schemaname in ('public', 'private') or policyname like '%media') and roles <> '{authenticated}'$$,
  'every policy speaks of signed-in users and of nobody else');
select is_empty(
  $$select tablename, policyname from pg_policies where schemaname in ('public', 'private') and permissive <> 'PERMISSIVE'$$,
  'policies permit; none relies on being combined');
select is_empty(
  $$select relname from pg_class where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relkind in ('v', 'm')
    and (relkind = 'm' or 'security_invoker=true' <> all (coalesce(reloptions, '{}')))$$,
  'there is no view that reads with its owner''s rights');

-- anon

select is_empty(
  $$select name from our_tables
    where has_table_privilege('anon', oid, 'select, insert, update, delete, truncate, references, trigger, maintain')
      or has_any_column_privilege('anon', oid, 'select, insert, update, references')$$,
  'anon has no privilege on any table or column');
select is_empty(
  $$select relname from pg_class
    where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relkind = 'S'
      and (has_sequence_privilege('anon', oid, 'usage, select, update')
        or has_sequence_privilege('authenticated', oid, 'usage, select, update'))$$,
  'neither anon nor a signed-in user may touch a sequence');
select is_empty(
  $$select name from our_functions where has_function_privilege('anon', oid, 'execute')$$,
  'anon may execute nothing');
select is_empty(
  $$select name from our_functions, aclexplode(coalesce(proacl, acldefault('f', proowner))) as privilege
    where privilege.grantee = 0$$,
  'nothing is executable through PUBLIC');
select ok(not has_schema_privilege('anon', 'private', 'usage'), 'anon may not even look into private');

-- Signed-in users

select results_eq(
  $$select name, string_agg(kind, ' ' order by kind)
    from our_tables, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger', 'maintain']) as kind
    where has_table_privilege('authenticated', oid, kind)
    group by name order by name$$,
  $$values ('canned_replies', 'delete select'), ('contact_notes', 'delete select'), ('contacts', 'delete select'),
    ('conversations', 'select'), ('message_templates', 'select'), ('messages', 'select'), ('whatsapp_connections', 'select'),
    ('workspace_invitations', 'delete select'), ('workspace_members', 'select'), ('workspaces', 'select')$$,
  'signed-in users read ten tables and delete what people write down and invitations; nothing else holds for a whole table');
select results_eq(
  $$select name, kind, string_agg(attname, ' ' order by attname) collate "default"
    from our_tables join pg_attribute on attrelid = our_tables.oid and attnum > 0 and not attisdropped,
      unnest(array['insert', 'update']) as kind
    where has_column_privilege('authenticated', oid, attnum, kind)
    group by name, kind order by name, kind$$,
  $$values ('canned_replies', 'insert', 'body shortcut workspace_id'), ('canned_replies', 'update', 'body shortcut'),
    ('contact_notes', 'insert', 'body contact_id workspace_id'), ('contact_notes', 'update', 'body'),
    ('contacts', 'insert', 'attributes name phone tags workspace_id'), ('contacts', 'update', 'attributes name phone tags'),
    ('messages', 'insert', 'client_reference content conversation_id direction reply_to_wamid send_after type workspace_id'),
    ('whatsapp_connections', 'update', 'send_read_receipts'),
    ('workspaces', 'update', 'broadcasts default_language media_retention_days name')$$,
  'signed-in users write the columns that are theirs');
select is_empty(
  $$select name from our_functions
    where schema = 'public' and prosecdef and has_function_privilege('authenticated', oid, 'execute')$$,
  'what a member may call runs with the member''s own rights');

-- Functions

select is_empty(
  $$select name from our_functions where prosecdef and not coalesce(proconfig, '{}') @> array['search_path=""']$$,
  'every security definer has an empty search_path');
select is_empty(
  $$select name from our_functions where not coalesce(proconfig, '{}') @> array['search_path=""']$$,
  'and so has every other function');
select is_empty(
  $$select name from our_functions
    where schema = 'public' and obj_description(oid, 'pg_proc') is null$$,
  'every function of the API has a comment');
select is_empty(
  $$select name from our_tables where obj_description(oid, 'pg_class') is null$$,
  'every table has a comment');

-- Keys

select is_empty(
  $$select conname from our_keys
    where not exists (
      select from pg_index
      where indrelid = conrelid and (indpred is null or pg_get_expr(indpred, indrelid) ~ '^\(\w+ IS NOT NULL\)$')
        -- All of the key, or what it points at without the workspace, which that names already.
        and (conkey @> (string_to_array(indkey::text, ' ')::smallint[])[1:cardinality(conkey)]
          or indkey[0] = any (conkey) and indkey[0] not in (
            select attnum from pg_attribute where attrelid = conrelid and attname = 'workspace_id')))$$,
  'every foreign key leads an index');
select is_empty(
  $$select conname from our_keys
    join pg_attribute as here on here.attrelid = conrelid and here.attname = 'workspace_id'
    join pg_attribute as there on there.attrelid = confrelid and there.attname = 'workspace_id'
    where array_position(conkey, here.attnum) is distinct from array_position(confkey, there.attnum)
      or not here.attnum = any (conkey)$$,
  'a foreign key between two tables of a workspace carries the workspace');
select is_empty(
  $$select name from our_tables
    where schema = 'public' and name not in ('workspaces', 'webhook_events')
      and not exists (select from pg_attribute where attrelid = oid and attname = 'workspace_id' and attnotnull)
      -- Nobody's are the outbox's canaries, which a check keeps out of every line.
      and name <> 'outbox'$$,
  'every table of the API but the tenant itself and the journal names its workspace');

-- Realtime

select results_eq(
  $$select (schemaname || '.' || tablename) collate "default" from pg_publication_tables where pubname = 'supabase_realtime' order by 1$$,
  $$values ('public.conversations'), ('public.media_downloads'), ('public.messages'), ('public.outbox')$$,
  'Realtime publishes what frontends watch and the two doorbells');
select is_empty(
  $$select name from our_tables join pg_class using (oid) join pg_publication_rel on prrelid = our_tables.oid where relreplident <> 'd'$$,
  'a DELETE, which reaches every subscriber, shows the key only');

-- What the next migration makes

create table public.made_later (id bigint generated always as identity primary key);
create function public.made_later() returns integer language sql return 1;
select is_empty(
  $$select role from unnest(array['anon', 'authenticated', 'service_role']) as role
    where has_table_privilege(role, 'public.made_later', 'select, insert, update, delete, truncate, references, trigger, maintain')
      or has_sequence_privilege(role, 'public.made_later_id_seq', 'usage, select, update')$$,
  'a new table is nobody''s until a migration grants it');
select is_empty(
  $$select role from unnest(array['anon', 'authenticated', 'service_role']) as role
    where has_function_privilege(role, 'public.made_later()', 'execute')$$,
  'a new function is nobody''s until a migration grants it');

select * from finish();
rollback;
