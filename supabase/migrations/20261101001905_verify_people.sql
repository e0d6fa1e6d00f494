-- What the journal tells about people, held against the contacts. A contact belongs to all numbers of its workspace, and
-- some of it to the people who work there: only what the journal knows better is a difference.

create function private.compare_names(live uuid, rebuilt uuid) returns setof jsonb
language sql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with pair as (
    select distinct ours.contact_id as rebuilt_id, theirs.contact_id as live_id
    from public.messages as told
    join public.messages as message on message.connection_id = live and message.wamid = told.wamid
    join public.conversations as ours on ours.id = told.conversation_id
    join public.conversations as theirs on theirs.id = message.conversation_id
    where told.connection_id = rebuilt
  ), named as materialized (
    select theirs.*, ours.profile_name as told, ours.profile_name_at as told_at
    from pair
    join public.contacts as ours on ours.id = pair.rebuilt_id
    join public.contacts as theirs on theirs.id = pair.live_id
    -- A thread may be linked by hand to somebody who is called something else.
    where (theirs.phone_key = ours.phone_key or theirs.bsuid = ours.bsuid) and theirs.profile_name is distinct from ours.profile_name
  )
  select found.*
  from named
  cross join lateral private.differences('contacts', named.id::text,
    jsonb_build_object('profile_name', named.profile_name), jsonb_build_object('profile_name', named.told)) as found
  where named.told is not null
    -- Another number, or a group, may have heard a later name.
    and not exists (
      select from public.conversations as thread
      join public.messages as message on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
      where thread.workspace_id = named.workspace_id
        and (thread.contact_id = named.id or thread.group_id is not null
          and named.id = private.writer_in_group(message.workspace_id, message.connection_id, message.wa_id, message.bsuid))
        and message.occurred_at >= named.told_at and message.profile_name = named.profile_name)
$$;
comment on function private.compare_names(uuid, uuid) is
  'Contacts that bear another name than WhatsApp last told, and that no later message told either.';
grant execute on function private.compare_names(uuid, uuid) to service_role;

create function private.compare_wishes(live uuid, rebuilt uuid) returns setof jsonb
language sql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  select found.*
  from public.whatsapp_connections as shadow
  join public.whatsapp_connections as number on number.id = live
  join public.contacts as ours on ours.workspace_id = shadow.workspace_id
    and num_nonnulls(ours.marketing_preference_at, ours.synced_name_at) > 0
  cross join lateral private.contacts_of(number.workspace_id, array_remove(array[ours.phone_key, ours.bsuid], null)) as theirs
  cross join lateral (
    select jsonb_build_object('marketing_opted_out_at', theirs.marketing_opted_out_at) as known,
      jsonb_build_object('marketing_opted_out_at', ours.marketing_opted_out_at) as said
    where ours.marketing_preference_at > coalesce(theirs.marketing_preference_at, '-infinity')
      -- Of two words in one second the one that asks for silence. A send that was refused for it came later than either.
      or ours.marketing_preference_at = theirs.marketing_preference_at and theirs.marketing_opted_out_at is null
    union all
    select jsonb_build_object('synced_name', theirs.synced_name), jsonb_build_object('synced_name', ours.synced_name)
    where ours.synced_name_at > coalesce(theirs.synced_name_at, '-infinity')
      or ours.synced_name_at = theirs.synced_name_at
  ) as told
  cross join lateral private.differences('contacts', theirs.id::text, told.known, told.said) as found
  where shadow.id = rebuilt
$$;
comment on function private.compare_wishes(uuid, uuid) is
  'Contacts that have not heard what WhatsApp last told of them: whether they want marketing, and their name in the phone''s address book.';
grant execute on function private.compare_wishes(uuid, uuid) to service_role;
