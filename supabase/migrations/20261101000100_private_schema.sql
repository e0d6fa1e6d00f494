-- Default deny: nothing in this database is callable or readable until a migration says so by name.
-- A per-schema default cannot take away PUBLIC's right to execute new functions; the global one can.
alter default privileges for role postgres revoke execute on functions from public;
alter default privileges for role postgres in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public revoke all on functions from anon, authenticated, service_role;

create schema private;
comment on schema private is 'Helpers and server-only tables. Not exposed by the Data API.';
grant usage on schema private to authenticated, service_role;

-- PostgREST connects as a role with an 8 s timeout and service_role brings none of its own: say what the backend gets.
alter role service_role set statement_timeout = '30s';
