-- The platform's roles with their attributes, memberships and timeouts (hosted Supabase, Postgres 17).
-- supabase_admin is the cluster's superuser and exists already. Every login role has the local stack's one password.

create role anon nologin inherit;
create role authenticated nologin inherit;
create role service_role nologin inherit bypassrls;
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';

create role authenticator login noinherit password 'postgres';
grant anon, authenticated, service_role to authenticator;
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
-- Hosted also preloads safeupdate here (UPDATE and DELETE without WHERE are refused through the Data API);
-- it is in no package registry, so this stack does not refuse them.

create role postgres login nosuperuser createdb createrole replication bypassrls password 'postgres';
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres with admin option;
grant pg_create_subscription to postgres;
alter role postgres set search_path = "$user", public, extensions;
grant all on database postgres to postgres;

create role supabase_auth_admin login noinherit password 'postgres';
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
create role supabase_storage_admin login noinherit createrole password 'postgres';
alter role supabase_storage_admin set search_path = storage;
grant authenticator to supabase_storage_admin;
create role supabase_realtime_admin login noinherit replication password 'postgres';

create role dashboard_user nologin createdb createrole replication;
create role supabase_read_only_user login bypassrls password 'postgres';
grant pg_read_all_data to supabase_read_only_user;
create role supabase_replication_admin login replication password 'postgres';
create role supabase_etl_admin login replication password 'postgres';
create role pgbouncer login password 'postgres';

alter role supabase_admin set search_path = "$user", public, auth, extensions;
