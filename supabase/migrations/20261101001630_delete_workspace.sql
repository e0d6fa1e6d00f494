-- A workspace that is deleted is nobody's from that moment; its rows go in batches, since there may be millions.
create index workspaces_deleted on public.workspaces (deleted_at) where deleted_at is not null;

create function private.abandon_workspace(workspace_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_variable
begin
  -- Recordings of its numbers are waited for, before anything is locked that they lock.
  perform pg_advisory_xact_lock(private.turn_of(number.id))
  from (
    select connection.id from public.whatsapp_connections as connection
    where connection.workspace_id = workspace_id
      and (private.is_backend() or workspace_id in (select private.user_owned_workspace_ids()))
    order by connection.id
  ) as number;
  -- Whoever queues a message holds the workspace first, by its key, and then what is deleted here: they are waited for, and wait.
  perform from public.workspaces as tenant
  where tenant.id = workspace_id and (private.is_backend() or tenant.id in (select private.user_owned_workspace_ids()))
  for update;
  perform private.enter_workspace(workspace_id, array['owner']);
  update public.workspaces as tenant set deleted_at = now(), broadcasts = false where tenant.id = workspace_id and tenant.deleted_at is null;
  if not found then
    raise exception 'no such workspace' using errcode = 'WA004';
  end if;
  delete from public.workspace_members as member where member.workspace_id = workspace_id;
  delete from public.workspace_invitations as invitation where invitation.workspace_id = workspace_id;
end
$$;
comment on function private.abandon_workspace(uuid) is 'Ends a workspace for its members. For its owners. WA004, WA034.';
grant execute on function private.abandon_workspace(uuid) to authenticated, service_role;

create function private.sweep_workspace(workspace_id uuid, max_rows integer) returns integer
language plpgsql security definer set search_path = ''
-- By index, whatever the table was like when the session first came by.
set enable_seqscan = off
as $$
declare
  swept integer := 0;
  gone integer;
  statement text;
begin
  -- The queues' rows before the messages, as everybody locks them.
  foreach statement in array array[
    'delete from public.outbox where message_id in (
       select message_id from public.outbox where workspace_id = $1 limit $2)',
    'delete from public.media_downloads where message_id in (
       select message_id from public.media_downloads where workspace_id = $1 limit $2)',
    'delete from public.messages where id in (select id from public.messages where workspace_id = $1 limit $2)',
    'delete from public.message_statuses as report
     where (report.connection_id, report.wamid, report.status, report.participant) in (
       select own.connection_id, own.wamid, own.status, own.participant
       from public.whatsapp_connections as connection
       join public.message_statuses as own on own.connection_id = connection.id
       where connection.workspace_id = $1 limit $2)',
    'delete from public.conversations where id in (select id from public.conversations where workspace_id = $1 limit $2)',
    'delete from public.contacts where id in (select id from public.contacts where workspace_id = $1 limit $2)']
  loop
    execute statement using workspace_id, max_rows - swept;
    get diagnostics gone = row_count;
    swept := swept + gone;
  end loop;
  -- A set that is not full was the last one; the rest goes along, the files with it.
  if swept < max_rows then
    delete from public.workspaces as tenant where tenant.id = workspace_id;
    delete from private.conversation_counts as counts where counts.workspace_id = sweep_workspace.workspace_id;
    return swept + 1;
  end if;
  return swept;
end
$$;
comment on function private.sweep_workspace(uuid, integer) is 'Deletes at most so many rows of a workspace, and itself with the last of them; answers how many.';
grant execute on function private.sweep_workspace(uuid, integer) to service_role;

create function public.sweep_workspaces(max_rows integer default 5000) returns integer
language plpgsql set search_path = ''
as $$
declare
  abandoned uuid;
begin
  if max_rows < 1 then
    return 0;
  end if;
  select id into abandoned from public.workspaces where deleted_at is not null
  order by deleted_at limit 1 for update skip locked;
  return case when abandoned is null then 0 else private.sweep_workspace(abandoned, max_rows) end;
end
$$;
comment on function public.sweep_workspaces(integer) is
  'Goes on with a deleted workspace, at most so many rows; answers how many went, 0 when there is nothing left to delete.';
grant execute on function public.sweep_workspaces(integer) to service_role;

create function private.delete_workspace(workspace_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_variable
begin
  perform private.abandon_workspace(workspace_id);
  -- What is small is gone with the answer.
  perform private.sweep_workspace(workspace_id, 10000);
  -- The numbers last: whoever records a send has its queue's row, and wants the number after it. Nothing
  -- is sent or received then, the keys are forgotten, and the numbers may be connected elsewhere.
  delete from private.connection_credentials as stored using public.whatsapp_connections as connection
  where connection.workspace_id = workspace_id and stored.connection_id = connection.id;
  update public.whatsapp_connections as connection set
    status = 'disconnected', status_reason = 'deleted', waba_id = null, former_ids = '{}',
    phone_number_id = 'deleted ' || connection.id
  where connection.workspace_id = workspace_id;
end
$$;
comment on function private.delete_workspace(uuid) is 'Ends a workspace and begins to delete its rows. WA004, WA034.';
grant execute on function private.delete_workspace(uuid) to authenticated, service_role;

create function public.delete_workspace(workspace_id uuid) returns void
-- As remove_member, of all members.
language plpgsql set search_path = '' set statement_timeout = '60s'
as $$
begin
  perform private.delete_workspace(workspace_id);
end
$$;
comment on function public.delete_workspace(uuid) is
  'Deletes a workspace with its numbers, people, threads, messages and files, for ever: at once for everybody, the rows of a large one by and by. Owners only. WA004, WA034.';
grant execute on function public.delete_workspace(uuid) to authenticated, service_role;
