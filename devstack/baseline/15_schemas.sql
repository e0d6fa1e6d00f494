-- Schemas and pre-installed extensions. supabase_admin owns them; pg_graphql is no longer among them (2026-04-21).

create schema auth;
create schema extensions;
create schema graphql;
create schema graphql_public;
create schema pgbouncer;
create schema realtime;
create schema storage;
create schema vault;

create extension pg_stat_statements with schema extensions;
create extension pgcrypto with schema extensions;
create extension "uuid-ossp" with schema extensions;

grant usage on schema public to anon, authenticated, service_role;
grant all on schema public to postgres;

grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to postgres, dashboard_user;

grant usage on schema graphql_public to anon, authenticated, service_role, postgres;

grant usage on schema auth to anon, authenticated, service_role, postgres;
grant all on schema auth to supabase_auth_admin, dashboard_user;

-- Hosted gives the owners of storage and realtime ALL on their schemas. Here it is USAGE: `postgres` is a member of those
-- two roles, in the place of supautils, so that it may create policies on their tables, and must not gain CREATE by it.
grant usage on schema storage to anon, authenticated, service_role, dashboard_user;
grant usage on schema storage to postgres with grant option;
grant usage on schema storage to supabase_storage_admin;

grant usage on schema realtime to anon, authenticated, service_role, postgres;
grant usage on schema realtime to supabase_realtime_admin;
