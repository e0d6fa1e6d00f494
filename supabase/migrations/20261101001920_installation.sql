-- What is installed, for `wabase doctor`: which release the schema is of, which migrations it has had, and how each object stands.
create function private.schema_release() returns jsonb
language sql immutable set search_path = ''
as $$
  -- A migration that the release before cannot live with replaces this function and raises least_code.
  select '{"schema": "0.1.0", "least_code": "0.1.0"}'::jsonb
$$;
comment on function private.schema_release() is
  'The release that this schema is of, and the oldest release of webhook, worker and command that works on it.';

-- Beside the owner's only these roles can come from outside; what other roles of a project may do is its owner's business.
create function private.installed_grants(acl aclitem[]) returns table (role text, privilege text)
language sql immutable set search_path = ''
as $$
  select
    case when granted.grantee = 0 then 'public' else granted.grantee::regrole::text end,
    lower(granted.privilege_type)
  from pg_catalog.aclexplode(acl) as granted
  where (granted.grantee = 0 or granted.grantee::regrole::text in ('anon', 'authenticated', 'service_role'))
    -- Only Postgres 17 and later have it.
    and granted.privilege_type <> 'MAINTAIN'
$$;
comment on function private.installed_grants(aclitem[]) is 'Who of those that come from outside has which privilege, out of an access list.';

create function private.installed_relations() returns table (kind text, name text, value text)
language sql stable set search_path = ''
as $$
  with ours as (
    select class.oid, class.relname, class.relkind, class.relacl, class.relrowsecurity,
      format('%s.%s', space.nspname, class.relname) as name
    from pg_catalog.pg_class as class
    join pg_catalog.pg_namespace as space on space.oid = class.relnamespace
    where space.nspname in ('public', 'private') and class.relkind in ('r', 'p', 'v', 'm')
  )
  select 'table', ours.name, case when ours.relrowsecurity then 'row level security' else 'no row level security' end from ours
  union all
  select 'column', ours.name || '.' || attribute.attname,
    pg_catalog.format_type(attribute.atttypid, attribute.atttypmod) || case when attribute.attnotnull then ' not null' else '' end
  from ours join pg_catalog.pg_attribute as attribute on attribute.attrelid = ours.oid
  where attribute.attnum > 0 and not attribute.attisdropped
  union all
  select 'grant', format('to %s on %s', granted.role, ours.name), string_agg(granted.privilege, ', ' order by granted.privilege)
  from ours, private.installed_grants(ours.relacl) as granted
  group by ours.name, granted.role
  union all
  select 'grant', format('to %s on columns of %s', granted.role, ours.name),
    string_agg(format('%s(%s)', granted.privilege, attribute.attname), ', ' order by granted.privilege, attribute.attname)
  from ours
  join pg_catalog.pg_attribute as attribute on attribute.attrelid = ours.oid and not attribute.attisdropped,
    private.installed_grants(attribute.attacl) as granted
  group by ours.name, granted.role
  union all
  select 'trigger', format('%s on %s', trigger.tgname, ours.name), case trigger.tgenabled when 'D' then 'disabled' else 'enabled' end
  from ours join pg_catalog.pg_trigger as trigger on trigger.tgrelid = ours.oid
  where not trigger.tgisinternal
  union all
  select 'index', format('%s on %s', class.relname, ours.name), case when index.indisvalid then 'valid' else 'invalid' end
  from ours
  join pg_catalog.pg_index as index on index.indrelid = ours.oid
  join pg_catalog.pg_class as class on class.oid = index.indexrelid
  union all
  select 'constraint', format('%s on %s', held.conname, ours.name), case when held.convalidated then 'validated' else 'not validated' end
  from ours join pg_catalog.pg_constraint as held on held.conrelid = ours.oid
  -- As constraints of their own only Postgres 18 and later have these.
  where held.contype <> 'n'
$$;
comment on function private.installed_relations() is 'How tables and what belongs to them stand: columns, grants, triggers, indexes, constraints.';

create function private.installed_rules() returns table (kind text, name text, value text)
language sql stable set search_path = ''
as $$
  select 'policy', format('"%s" on %s.%s', policy.policyname, policy.schemaname, policy.tablename),
    format('%s, %s, to %s, %s', lower(policy.permissive), lower(policy.cmd), array_to_string(policy.roles, ' '),
      md5(concat_ws(' ', policy.qual, '/', policy.with_check)))
  from pg_catalog.pg_policies as policy
  where policy.schemaname in ('public', 'private', 'storage', 'realtime')
  union all
  select 'function', routine.oid::regprocedure::text,
    format('security %s, %s, %s', case when routine.prosecdef then 'definer' else 'invoker' end,
      coalesce(array_to_string(routine.proconfig, ' '), 'no settings'),
      -- The body of SQL-standard functions is not in prosrc; we have none of these.
      md5(routine.prosrc))
  from pg_catalog.pg_proc as routine
  where routine.pronamespace::regnamespace::text in ('public', 'private')
    and not exists (select from pg_catalog.pg_depend as depends
      where depends.classid = 'pg_proc'::regclass and depends.objid = routine.oid and depends.deptype = 'e')
  union all
  select 'grant', format('to %s on function %s', granted.role, routine.oid::regprocedure),
    string_agg(granted.privilege, ', ' order by granted.privilege)
  from pg_catalog.pg_proc as routine, private.installed_grants(
    coalesce(routine.proacl, pg_catalog.acldefault('f', routine.proowner))) as granted
  where routine.pronamespace::regnamespace::text in ('public', 'private')
  group by routine.oid, granted.role
  union all
  select 'grant', format('to %s on schema %s', granted.role, space.nspname), string_agg(granted.privilege, ', ' order by granted.privilege)
  from pg_catalog.pg_namespace as space, private.installed_grants(space.nspacl) as granted
  where space.nspname in ('public', 'private')
  group by space.nspname, granted.role
  union all
  select 'publication', format('%s.%s', published.schemaname, published.tablename), 'published'
  from pg_catalog.pg_publication_tables as published
  where published.pubname = 'supabase_realtime'
  union all
  select 'bucket', bucket.id, case when bucket.public then 'public' else 'private' end
  from storage.buckets as bucket
$$;
comment on function private.installed_rules() is 'How policies, functions with their grants, the publication and the buckets stand.';

-- The history is the CLI's, and only there where the CLI has been.
create function private.applied_migrations() returns text[]
language plpgsql stable security definer set search_path = ''
as $$
declare
  versions text[];
begin
  if to_regclass('supabase_migrations.schema_migrations') is null then
    return null;
  end if;
  execute 'select array_agg(version order by version) from supabase_migrations.schema_migrations' into versions;
  return versions;
end
$$;
comment on function private.applied_migrations() is 'The versions that `supabase db push` has recorded; null where it has recorded nothing.';

create function private.installation() returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return jsonb_build_object(
    'at', extract(epoch from clock_timestamp()),
    'postgres', current_setting('server_version_num')::integer / 10000,
    'release', private.schema_release(),
    'migrations', private.applied_migrations(),
    'objects', (
      select jsonb_object_agg(facts.kind, facts.named)
      from (
        select fact.kind, jsonb_object_agg(fact.name, fact.value) as named
        from (select * from private.installed_relations() union all select * from private.installed_rules()) as fact
        group by fact.kind
      ) as facts));
end
$$;
comment on function private.installation() is 'What get_installation gives: the history and the catalogs are the owner''s to read.';
grant execute on function private.installation() to service_role;

create function public.get_installation() returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  return private.installation();
end
$$;
comment on function public.get_installation() is
  'What is installed: {at (epoch seconds), postgres (major version), release, migrations (null: not recorded), objects: {kind: {name: how it stands}}}.';
grant execute on function public.get_installation() to service_role;
