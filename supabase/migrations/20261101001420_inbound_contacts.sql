-- The contact behind each thread: created or linked by itself, one per person, by phone or user id.

create function private.rename_contacts(contact_ids uuid[], names text[], times timestamptz[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  perform from public.contacts where id = any (contact_ids) order by id for no key update;
  -- What is said now, what the contact says, and what the messages of all its threads said last: a name that stays is
  -- not written again, so the contact alone does not know until when it was borne.
  update public.contacts as contact set profile_name = newest.profile_name, profile_name_at = newest.occurred_at
  from (
    select distinct on (said.contact_id) said.contact_id, said.profile_name, said.occurred_at
    from (
      select * from unnest(contact_ids, names, times) as told (contact_id, profile_name, occurred_at)
      union all
      select id, profile_name, profile_name_at from public.contacts where id = any (contact_ids) and profile_name is not null
      union all
      select person.id, last.profile_name, last.occurred_at
      from (select distinct id from unnest(contact_ids) as id) as renamed
      join public.contacts as person on person.id = renamed.id
      join public.conversations as thread on thread.workspace_id = person.workspace_id and thread.contact_id = person.id
      cross join lateral (
        select message.profile_name, message.occurred_at from public.messages as message
        where message.workspace_id = thread.workspace_id and message.conversation_id = thread.id and message.profile_name is not null
        order by message.occurred_at desc, message.profile_name limit 1) as last
    ) as said
    order by said.contact_id, said.occurred_at desc nulls last, said.profile_name
  ) as newest
  where contact.id = newest.contact_id
    and (contact.profile_name, contact.profile_name_at) is distinct from (newest.profile_name, newest.occurred_at);
end
$$;
comment on function private.rename_contacts(uuid[], text[], timestamptz[]) is
  'A name of WhatsApp for contacts, unless a newer message says another. A name that a person of the workspace gave is another column.';
grant execute on function private.rename_contacts(uuid[], text[], timestamptz[]) to service_role;

create function private.merge_contacts(kept uuid, gone uuid) returns void
language plpgsql set search_path = ''
as $$
declare
  other public.contacts;
begin
  perform from public.contacts where id in (kept, gone) order by id for no key update;
  select * into other from public.contacts where id = gone;
  update public.conversations set contact_id = kept where contact_id = gone and workspace_id = other.workspace_id;
  update public.contact_notes set contact_id = kept where contact_id = gone and workspace_id = other.workspace_id;
  perform set_config('wabase.merging_contacts', 'on', true);
  delete from public.contacts where id = gone;
  perform set_config('wabase.merging_contacts', 'off', true);
  update public.contacts as contact set
    phone = coalesce(contact.phone, other.phone),
    bsuid = coalesce(contact.bsuid, other.bsuid),
    -- What a person of the workspace wrote goes before what a phone's address book says.
    name = case when contact.name is not distinct from contact.synced_name then coalesce(
      nullif(other.name, other.synced_name),
      case when other.synced_name_at > contact.synced_name_at or contact.synced_name_at is null then other.synced_name else contact.synced_name end)
      else contact.name end,
    (synced_name, synced_name_at) = (
      select said.name, said.at
      from (values (contact.synced_name, contact.synced_name_at), (other.synced_name, other.synced_name_at)) as said (name, at)
      order by said.name is null, said.at desc nulls last, said.name limit 1),
    (marketing_opted_out_at, marketing_preference_at) = (
      select said.opted_out, said.at
      from (values (contact.marketing_opted_out_at, contact.marketing_preference_at),
        (other.marketing_opted_out_at, other.marketing_preference_at)) as said (opted_out, at)
      order by said.at desc nulls last, said.opted_out nulls last limit 1),
    tags = array(select distinct tag from unnest(contact.tags || other.tags) as tag order by tag),
    attributes = other.attributes || contact.attributes
  where contact.id = kept;
  if other.profile_name is not null then
    perform private.rename_contacts(array[kept], array[other.profile_name], array[other.profile_name_at]);
  end if;
end
$$;
comment on function private.merge_contacts(uuid, uuid) is 'Two contacts turn out to be one person: the second becomes part of the first.';
grant execute on function private.merge_contacts(uuid, uuid) to service_role;

create function private.contacts_of(workspace_id uuid, identifiers text[]) returns setof public.contacts
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  -- Two probes: one condition over both columns would read the workspace's contacts one by one.
  return query
  select * from public.contacts as contact
  where contact.workspace_id = contacts_of.workspace_id and contact.phone_key = any (identifiers)
  union
  select * from public.contacts as contact
  where contact.workspace_id = contacts_of.workspace_id and contact.bsuid = any (identifiers);
end
$$;
comment on function private.contacts_of(uuid, text[]) is 'The contacts that any of a person''s identifiers names: one, or several that are about to be one.';
grant execute on function private.contacts_of(uuid, text[]) to service_role;

create function private.writer_in_group(workspace_id uuid, connection_id uuid, wa_id text, bsuid text) returns uuid
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  shown text := coalesce(private.phone_key(writer_in_group.wa_id), writer_in_group.bsuid);
begin
  -- Their own thread knows them under what they have left, too: a group tells of that as well, late or again.
  return coalesce((
    select contact.id from private.contacts_of(writer_in_group.workspace_id, array[shown]) as contact limit 1), (
    select thread.contact_id
    from private.conversation_identifiers as known join public.conversations as thread on thread.id = known.conversation_id
    where known.connection_id = writer_in_group.connection_id and known.identifier = shown));
end
$$;
comment on function private.writer_in_group(uuid, uuid, text, text) is
  'The contact of somebody who wrote in a group: by number, or by user id where they show no number.';
grant execute on function private.writer_in_group(uuid, uuid, text, text) to service_role;

create function private.identifiers_of_threads(people private.person[])
returns table (workspace_id uuid, conversation_id uuid, identifiers text[])
language plpgsql stable set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  select p.workspace_id, p.conversation_id, array_agg(own.identifier)
  from (
    select distinct q.workspace_id, q.connection_id, q.conversation_id
    from unnest(people) as q where q.group_id is null and q.conversation_id is not null
  ) as p
  join private.conversation_identifiers as own
    on own.connection_id = p.connection_id and own.conversation_id = p.conversation_id
  group by p.workspace_id, p.conversation_id;
end
$$;
comment on function private.identifiers_of_threads(private.person[]) is 'Everything the people of these threads are known by. Groups are nobody.';
grant execute on function private.identifiers_of_threads(private.person[]) to service_role;

create function private.merge_contacts_of(people private.person[]) returns void
language plpgsql set search_path = ''
as $$
declare
  pair record;
begin
  -- Somebody who had a contact for each id, and now both are known to be one person's.
  for pair in
    select distinct first_value(contact.id) over person as kept, contact.id as gone
    from private.identifiers_of_threads(people) as known
    cross join lateral private.contacts_of(known.workspace_id, known.identifiers) as contact
    window person as (partition by known.conversation_id order by (contact.phone is null), contact.created_at, contact.id)
  loop
    if pair.kept <> pair.gone and (select count(*) from public.contacts where id in (pair.kept, pair.gone)) = 2 then
      perform private.merge_contacts(pair.kept, pair.gone);
    end if;
  end loop;
end
$$;
grant execute on function private.merge_contacts_of(private.person[]) to service_role;

create function private.ensure_contacts(people private.person[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  insert into public.contacts (workspace_id, phone)
  select distinct on (p.workspace_id, private.phone_key(p.wa_id)) p.workspace_id, '+' || p.wa_id
  from unnest(people) as p
  where p.wa_id ~ '^[1-9][0-9]{4,14}$' and case
    when p.group_id is not null then private.writer_in_group(p.workspace_id, p.connection_id, p.wa_id, p.bsuid) is null
    -- A thread that goes on under a new number has its contact already.
    else not exists (
      select from public.conversations as thread where thread.id = p.conversation_id and thread.contact_id is not null) end
  order by p.workspace_id, private.phone_key(p.wa_id), p.seen_at desc, p.wa_id
  on conflict (workspace_id, phone_key) do nothing;

  -- By user id only those whom no phone stands for.
  insert into public.contacts (workspace_id, bsuid)
  select distinct p.workspace_id, p.bsuid
  from unnest(people) as p
  where p.bsuid is not null and (p.wa_id is null or p.wa_id !~ '^[1-9][0-9]{4,14}$') and case
    when p.group_id is not null then private.writer_in_group(p.workspace_id, p.connection_id, p.wa_id, p.bsuid) is null
    else not exists (select from private.contacts_of(p.workspace_id, p.identifiers)) and not exists (
      select from public.conversations as thread where thread.id = p.conversation_id and thread.contact_id is not null) end
  order by p.workspace_id, p.bsuid
  on conflict (workspace_id, bsuid) do nothing;

  perform private.merge_contacts_of(people);

  update public.conversations as thread set contact_id = contact.id
  from private.identifiers_of_threads(people) as known
  cross join lateral private.contacts_of(known.workspace_id, known.identifiers) as contact
  where thread.id = known.conversation_id and thread.contact_id is null;

  perform private.follow_people(people);
end
$$;
comment on function private.ensure_contacts(private.person[]) is 'Finds or creates the contact behind each person and links it to the thread.';
grant execute on function private.ensure_contacts(private.person[]) to service_role;

create function private.follow_people(people private.person[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  -- Whoever goes on under another number takes the contact along, unless that number is somebody else's here.
  update public.contacts as contact set phone = '+' || thread.phone
  from unnest(people) as p
  join public.conversations as thread on thread.id = p.conversation_id
  where contact.id = thread.contact_id and thread.phone ~ '^[1-9][0-9]{4,14}$' and contact.phone is distinct from '+' || thread.phone
    and (contact.phone_key is null or exists (
      select from private.conversation_identifiers as own
      where own.connection_id = thread.connection_id and own.identifier = contact.phone_key and own.conversation_id = thread.id))
    and not exists (
      select from public.contacts as other
      where other.workspace_id = contact.workspace_id and other.phone_key = private.phone_key(thread.phone) and other.id <> contact.id);

  update public.contacts as contact set bsuid = thread.bsuid
  from unnest(people) as p
  join public.conversations as thread on thread.id = p.conversation_id
  where contact.id = thread.contact_id and thread.bsuid is not null and contact.bsuid is distinct from thread.bsuid
    and not exists (
      select from public.contacts as other
      where other.workspace_id = contact.workspace_id and other.bsuid = thread.bsuid);
end
$$;
comment on function private.follow_people(private.person[]) is 'A contact bears the number and user id its person was last seen under.';
grant execute on function private.follow_people(private.person[]) to service_role;
