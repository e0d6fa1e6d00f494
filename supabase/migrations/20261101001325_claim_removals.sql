-- The queue of objects to be removed, as the worker sees it: names to delete, and what became of them.

create function private.paths_waiting(workspace_ids uuid[]) returns text[]
language plpgsql stable set search_path = ''
-- By index, whatever the table was like when the session first came by.
set enable_seqscan = off
as $$
begin
  return array(
    select distinct path #>> '{}'
    from public.outbox as item
    join public.messages as message on message.id = item.message_id,
      jsonb_path_query(message.content, 'lax $.**.path') as path
    where item.workspace_id = any (workspace_ids));
end
$$;
comment on function private.paths_waiting(uuid[]) is 'The files that messages still to be sent, or in doubt, name anywhere.';
grant execute on function private.paths_waiting(uuid[]) to service_role;

create function private.is_needed(removal private.media_removals, waiting text[]) returns boolean
language plpgsql stable set search_path = ''
-- By index, whatever the table was like when the session first came by.
set enable_seqscan = off
as $$
declare
  parts text[] := string_to_array(removal.prefix, '/');
  living uuid := case when parts[3] ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then parts[3]::uuid end;
begin
  if right(removal.prefix, 1) = '/' then
    return exists (select from public.workspaces where id = removal.workspace_id);
  elsif parts[2] = 'outgoing' then
    -- What has been sent needs no file any more, but who deletes one message does not mean the others.
    return removal.prefix = any (waiting) or (removal.cause = 'deleted' and exists (
      select from public.messages as message
      where message.workspace_id = removal.workspace_id and message.direction = 'outbound'
        and message.content ->> 'path' = removal.prefix));
  end if;
  -- Fetched anew since, or about to be.
  return exists (select from public.media_downloads as item where item.message_id = living)
    or exists (
      select from public.messages as message
      where message.id = living and private.object_stem(message.media_path) = removal.prefix);
end
$$;
comment on function private.is_needed(private.media_removals, text[]) is 'Whether somebody living has what is queued for removal; waiting are the paths of messages still to be sent.';
grant execute on function private.is_needed(private.media_removals, text[]) to service_role;

create function private.end_removal(removal private.media_removals) returns boolean
language plpgsql set search_path = ''
as $$
begin
  if removal.watch_until <= now() then
    delete from private.media_removals where prefix = removal.prefix;
  else
    update private.media_removals set lease_token = null, attempts = 0, error = null,
      available_at = least(removal.watch_until, now() + interval '1 hour')
    where prefix = removal.prefix;
  end if;
  return true;
end
$$;
comment on function private.end_removal(private.media_removals) is 'Nothing is left under a prefix: it leaves the queue, or is looked at again while something may still come.';
grant execute on function private.end_removal(private.media_removals) to service_role;

create function public.claim_removals(max_objects integer default 500, lease_seconds integer default 60)
returns table (prefix text, lease_token uuid, names text[])
language plpgsql set search_path = ''
as $$
#variable_conflict use_column
declare
  due private.media_removals[];
  removal private.media_removals;
  token uuid := gen_random_uuid();
  waiting text[];
  found_names text[];
  room integer := max_objects;
begin
  due := array(
    select item from private.media_removals as item where item.available_at <= now()
    order by item.available_at limit max_objects for update skip locked);
  waiting := private.paths_waiting(array(
    select distinct item.workspace_id from unnest(due) as item where split_part(item.prefix, '/', 2) = 'outgoing'));
  foreach removal in array due loop
    exit when room <= 0;
    if private.is_needed(removal, waiting) then
      delete from private.media_removals as item where item.prefix = removal.prefix;
      continue;
    end if;
    found_names := array(select private.objects_under(removal.prefix, room));
    if found_names = '{}' then
      perform private.end_removal(removal);
    else
      update private.media_removals as item set
        lease_token = token, attempts = item.attempts + 1, available_at = now() + make_interval(secs => lease_seconds)
      where item.prefix = removal.prefix;
      room := room - cardinality(found_names);
      return query select removal.prefix, token, found_names;
    end if;
  end loop;
end
$$;
comment on function public.claim_removals(integer, integer) is
  'Leases prefixes, longest due first, with the next names under each; one token for all. Those of a dead worker again, since removing twice removes once.';
grant execute on function public.claim_removals(integer, integer) to service_role;

create function public.record_removals(results jsonb) returns integer
language plpgsql set search_path = ''
as $$
declare
  held private.media_removals[];
  removal private.media_removals;
  outcome record;
begin
  -- results: [{prefix, lease_token, removed: how many objects went, error?: {code, title}}]
  held := array(
    select item from private.media_removals as item
    join jsonb_to_recordset(results) as result (prefix text, lease_token uuid)
      on item.prefix = result.prefix and item.lease_token = result.lease_token
    order by item.prefix for update of item);
  foreach removal in array held loop
    select result.removed, result.error into outcome
    from jsonb_to_recordset(results) as result (prefix text, removed integer, error jsonb)
    where result.prefix = removal.prefix;
    if not exists (select private.objects_under(removal.prefix, 1)) then
      perform private.end_removal(removal);
    elsif outcome.error is null and outcome.removed > 0 then
      -- The next page, after whoever has been waiting for longer.
      update private.media_removals as item set lease_token = null, attempts = 0, error = null, available_at = now()
      where item.prefix = removal.prefix;
    else
      update private.media_removals as item set lease_token = null,
        available_at = now() + make_interval(secs => least(3600, 2 ^ least(item.attempts, 12))),
        error = coalesce(outcome.error, '{"code": "left", "title": "Storage removed nothing"}')
      where item.prefix = removal.prefix;
    end if;
  end loop;
  return cardinality(held);
end
$$;
comment on function public.record_removals(jsonb) is 'Ends prefixes under which nothing is left; the others wait for their next page or, twice as long each time, for Storage.';
grant execute on function public.record_removals(jsonb) to service_role;

create function public.release_removals(leases jsonb) returns integer
language plpgsql set search_path = ''
as $$
declare
  released integer;
begin
  update private.media_removals as item set lease_token = null, attempts = item.attempts - 1, available_at = now()
  from (
    select held.prefix from private.media_removals as held
    join jsonb_to_recordset(leases) as lease (lease_token uuid) on held.lease_token = lease.lease_token
    order by held.prefix for update of held
  ) as lease
  where item.prefix = lease.prefix;
  get diagnostics released = row_count;
  return released;
end
$$;
comment on function public.release_removals(jsonb) is 'Gives leased prefixes back; costs no attempt.';
grant execute on function public.release_removals(jsonb) to service_role;

create function public.next_removals() returns double precision
language plpgsql stable set search_path = ''
as $$
begin
  return (
    select greatest(0, extract(epoch from available_at - clock_timestamp()))
    from private.media_removals order by available_at limit 1);
end
$$;
comment on function public.next_removals() is 'In how many seconds a claim may find something; null when nothing waits.';
grant execute on function public.next_removals() to service_role;
