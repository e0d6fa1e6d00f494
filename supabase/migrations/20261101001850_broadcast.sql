-- For frontends with many browsers: one private topic per workspace, `workspace:<id>`, that says which rows to read again.
create policy "members hear their workspaces" on realtime.messages
  for select to authenticated
  using (extension = 'broadcast'
    and (select realtime.topic()) in (select 'workspace:' || id from private.user_workspace_ids() as id));

create index workspaces_broadcasting on public.workspaces (id) where broadcasts;

-- Ids only: whoever hears it reads the row under row level security, and what is lost is lost without harm.
create function private.broadcast(workspace_id uuid, event text, op text, ids uuid[], conversation_ids uuid[] default null) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform realtime.send(
    case when cardinality(ids) > 100 then jsonb_build_object('op', 'many')
      else jsonb_strip_nulls(jsonb_build_object('op', op, 'ids', ids, 'conversation_ids', conversation_ids)) end,
    event, 'workspace:' || workspace_id, true);
end
$$;
comment on function private.broadcast(uuid, text, text, uuid[], uuid[]) is
  'Tells a workspace''s topic {op, ids, conversation_ids?}, or {op: many} of more than a hundred: then all is to be read again.';

create function private.broadcast_messages() returns trigger
language plpgsql security definer set search_path = ''
-- By index, whatever the table was like when the session first came by.
set enable_seqscan = off
as $$
begin
  perform private.broadcast(changed.workspace_id, 'message', lower(tg_op), changed.ids, changed.conversation_ids)
  from (
    select told.workspace_id, array_agg(told.id) as ids,
      array_agg(distinct told.conversation_id) filter (where told.conversation_id is not null) as conversation_ids
    from changed_rows as told
    -- Found once for a statement, which is nearly always of one workspace, and not for each row.
    where told.workspace_id = any (array(
      select tenant.id from (select distinct each.workspace_id from changed_rows as each) as present
      join public.workspaces as tenant on tenant.id = present.workspace_id and tenant.broadcasts))
    group by told.workspace_id
  ) as changed;
  return null;
end
$$;

create function private.broadcast_conversations() returns trigger
language plpgsql security definer set search_path = ''
set enable_seqscan = off
as $$
begin
  perform private.broadcast(changed.workspace_id, 'conversation', lower(tg_op), changed.ids)
  from (
    select told.workspace_id, array_agg(told.id) as ids
    from changed_rows as told
    where told.workspace_id = any (array(
      select tenant.id from (select distinct each.workspace_id from changed_rows as each) as present
      join public.workspaces as tenant on tenant.id = present.workspace_id and tenant.broadcasts))
    group by told.workspace_id
  ) as changed;
  return null;
end
$$;

create trigger broadcast_inserts after insert on public.messages
  referencing new table as changed_rows for each statement execute function private.broadcast_messages();
create trigger broadcast_updates after update on public.messages
  referencing new table as changed_rows for each statement execute function private.broadcast_messages();
create trigger broadcast_deletes after delete on public.messages
  referencing old table as changed_rows for each statement execute function private.broadcast_messages();
create trigger broadcast_inserts after insert on public.conversations
  referencing new table as changed_rows for each statement execute function private.broadcast_conversations();
create trigger broadcast_updates after update on public.conversations
  referencing new table as changed_rows for each statement execute function private.broadcast_conversations();
create trigger broadcast_deletes after delete on public.conversations
  referencing old table as changed_rows for each statement execute function private.broadcast_conversations();
