-- What webhooks tell beside messages and reports: about people, about numbers and accounts. The newest word wins.

create type private.inbound_fact as (
  event_id bigint, kind text, phone_number_id text, waba_id text, display_phone_number text, occurred_at timestamptz,
  wa_id text, bsuid text, parent_bsuid text, new_wa_id text, new_bsuid text, new_parent_bsuid text,
  template_id text, name text, language text, details jsonb, workspace_id uuid, connection_id uuid);

create function private.connections_meant(fact private.inbound_fact) returns setof public.whatsapp_connections
language sql stable set search_path = ''
as $$
  -- A fact without a number speaks of a whole WABA, and only of the one whose token its webhook showed: what came in
  -- by a number's address touches that number's WABA and no other.
  select connection.*
  from public.whatsapp_connections as connection
  left join public.webhook_events as event on event.id = fact.event_id
  where case
    when fact.phone_number_id is not null then connection.phone_number_id = fact.phone_number_id
    else connection.waba_id = fact.waba_id
      and (fact.display_phone_number is null or connection.display_phone_number is null
        or private.phone_key(connection.display_phone_number) = private.phone_key(fact.display_phone_number))
      and (event.phone_number_id is null or exists (
        select from public.whatsapp_connections as own
        where (own.phone_number_id = event.phone_number_id or own.former_ids @> array[event.phone_number_id])
          and own.verified_at is not null and own.waba_id = fact.waba_id))
  end
    and connection.verified_at is not null
  order by connection.id
$$;
comment on function private.connections_meant(private.inbound_fact) is 'The connections that a fact speaks of and may touch.';
grant execute on function private.connections_meant(private.inbound_fact) to service_role;

create function private.record_identities(facts private.inbound_fact[]) returns void
language plpgsql set search_path = ''
set join_collapse_limit = 1 set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  people private.person[];
begin
  insert into private.identity_changes (connection_id, identifier, occurred_at, wa_id, bsuid)
  select distinct fact.connection_id, old.identifier, fact.occurred_at, coalesce(fact.new_wa_id, ''), coalesce(fact.new_bsuid, '')
  from unnest(facts) as fact
  cross join lateral unnest(array[fact.bsuid, fact.wa_id, private.phone_key(fact.wa_id), fact.parent_bsuid]) as old (identifier)
  where old.identifier is not null and coalesce(fact.new_wa_id, fact.new_bsuid) is not null
  on conflict do nothing;

  people := array(
    select row(fact.workspace_id, fact.connection_id, fact.phone_number_id, null, null, null, null, known.identifiers, null)::private.person
    from unnest(facts) as fact
    cross join lateral (
      select private.identifiers_of(fact.connection_id, fact.wa_id, fact.bsuid, fact.parent_bsuid, null) as identifiers
    ) as known
    -- Somebody who has never written has no thread to go on in; the change waits for them.
    where exists (
      select from private.conversation_identifiers as seen
      where seen.connection_id = fact.connection_id and seen.identifier = any (known.identifiers)));
  if people <> '{}' then
    people := private.ensure_conversations(people);
    perform private.note_sightings(people);
    perform private.ensure_contacts(people);
  end if;
end
$$;
comment on function private.record_identities(private.inbound_fact[]) is 'A changed number or user id goes on in the same thread, with the same contact.';
grant execute on function private.record_identities(private.inbound_fact[]) to service_role;

create function private.contact_meant(fact private.inbound_fact) returns uuid
language plpgsql set search_path = ''
as $$
declare
  e164 text := case when fact.wa_id ~ '^[1-9][0-9]{4,14}$' then '+' || fact.wa_id end;
  found uuid;
begin
  loop
    -- By its ids, or by the thread that one of them leads to: the contact may since bear others.
    select contact.id into found
    from private.contacts_of(fact.workspace_id, private.identifiers_of(fact.connection_id, fact.wa_id, fact.bsuid, fact.parent_bsuid, null)) as contact
    order by contact.phone is null, contact.created_at, contact.id limit 1;
    if found is null then
      select thread.contact_id into found
      from private.conversation_identifiers as known
      join public.conversations as thread on thread.id = known.conversation_id
      where known.connection_id = fact.connection_id and thread.contact_id is not null
        and known.identifier in (fact.wa_id, fact.bsuid, fact.parent_bsuid)
      limit 1;
    end if;
    if found is null and coalesce(e164, fact.bsuid) is not null then
      insert into public.contacts (workspace_id, phone, bsuid) values (fact.workspace_id, e164, fact.bsuid)
      on conflict do nothing
      returning id into found;
    end if;
    -- Somebody may have added the contact at this moment: it is there when one looks again.
    exit when found is not null or coalesce(e164, fact.bsuid) is null;
  end loop;
  return found;
end
$$;
comment on function private.contact_meant(private.inbound_fact) is 'The contact that a fact speaks of, found or created.';
grant execute on function private.contact_meant(private.inbound_fact) to service_role;

create function private.record_preference(fact private.inbound_fact) returns void
language plpgsql set search_path = ''
as $$
declare
  -- First of all, and not in the statement below: that one does not see a contact that is only made within it.
  who uuid := private.contact_meant(fact);
begin
  update public.contacts as contact set
    marketing_opted_out_at = case when fact.details ->> 'value' = 'stop' then fact.occurred_at end,
    marketing_preference_at = fact.occurred_at
  where contact.id = who
    and coalesce(fact.details ->> 'category', 'marketing_messages') = 'marketing_messages'
    -- Of two words in one second the one that asks for silence.
    and (contact.marketing_preference_at is null or fact.occurred_at > contact.marketing_preference_at
      or fact.occurred_at = contact.marketing_preference_at and fact.details ->> 'value' = 'stop');
end
$$;
comment on function private.record_preference(private.inbound_fact) is 'Whether a person wants marketing messages.';
grant execute on function private.record_preference(private.inbound_fact) to service_role;

create function private.record_address(fact private.inbound_fact) returns void
language plpgsql set search_path = ''
as $$
declare
  who uuid;
begin
  if fact.details ->> 'action' = 'remove' then
    return; -- Nobody becomes a contact by being taken out, and nobody loses a name.
  end if;
  who := private.contact_meant(fact);
  -- The phone's address book names people too; a name that somebody of the workspace wrote here stays.
  update public.contacts as contact set
    name = case when contact.name is not distinct from contact.synced_name then fact.name else contact.name end,
    synced_name = fact.name,
    synced_name_at = fact.occurred_at
  where contact.id = who
    and fact.name is not null
    and (contact.synced_name_at is null or contact.synced_name_at < fact.occurred_at);
end
$$;
comment on function private.record_address(private.inbound_fact) is 'The name a person has in the phone''s address book.';
grant execute on function private.record_address(private.inbound_fact) to service_role;

create function private.record_template(fact private.inbound_fact) returns void
language plpgsql set search_path = ''
as $$
begin
  insert into public.message_templates (workspace_id, connection_id, provider_template_id, name, language, status)
  select connection.workspace_id, connection.id, fact.template_id, fact.name, fact.language, 'UNKNOWN'
  from private.connections_meant(fact) as connection
  where fact.name is not null and fact.language is not null
  on conflict (workspace_id, connection_id, name, language) do nothing;

  -- Field by field: a quality that was told later does not hide a status that was told before and comes after.
  update public.message_templates as template set
    provider_template_id = coalesce(fact.template_id, template.provider_template_id),
    status = coalesce(newer.details ->> 'status', template.status),
    reason = case when newer.details ? 'status' then newer.details ->> 'reason' else template.reason end,
    category = coalesce(newer.details ->> 'category', template.category),
    quality = coalesce(newer.details ->> 'quality', template.quality),
    components = coalesce(newer.details -> 'components', template.components),
    as_of = template.as_of || newer.times
  from private.connections_meant(fact) as connection
  cross join lateral (
    select target.id, jsonb_object_agg(told.key, told.value) as details,
      jsonb_object_agg(told.key, fact.occurred_at) filter (where told.key <> 'reason') as times
    from public.message_templates as target
    cross join lateral jsonb_each(fact.details) as told
    where target.connection_id = connection.id
      and (target.name = fact.name and target.language = fact.language
        or fact.name is null and target.provider_template_id = fact.template_id)
      and told.key in ('status', 'reason', 'category', 'quality', 'components') and told.value <> 'null'
      and coalesce((target.as_of ->> case told.key when 'reason' then 'status' else told.key end)::timestamptz, '-infinity') < fact.occurred_at
    group by target.id
  ) as newer
  where template.id = newer.id;
end
$$;
comment on function private.record_template(private.inbound_fact) is 'A template''s status, category, quality or components, as of the provider''s clock.';
grant execute on function private.record_template(private.inbound_fact) to service_role;

create function private.record_notice(fact private.inbound_fact) returns void
language sql set search_path = ''
as $$
  update public.whatsapp_connections as connection set
    provider_notices = connection.provider_notices || jsonb_build_object(fact.name, said.notice),
    last_error = case when fact.name = 'errors' then private.error_of(fact.details -> 'errors') else connection.last_error end
  from (select jsonb_build_object('at', fact.occurred_at, 'value', fact.details) as notice) as said
  where connection.id in (select meant.id from private.connections_meant(fact) as meant)
    and (connection.provider_notices -> fact.name is null
      or (fact.occurred_at, fact.details) > (
        (connection.provider_notices #>> array[fact.name, 'at'])::timestamptz, connection.provider_notices #> array[fact.name, 'value']))
$$;
comment on function private.record_notice(private.inbound_fact) is 'What WhatsApp says about a number or its account, kept on the connection: the newest of each field.';
grant execute on function private.record_notice(private.inbound_fact) to service_role;

create function private.record_facts(facts jsonb) returns void
language plpgsql set search_path = ''
as $$
declare
  told private.inbound_fact[];
  fact private.inbound_fact;
begin
  told := array(
    select row(f.event_id, f.kind, f.phone_number_id, f.waba_id, f.display_phone_number,
      coalesce(f.occurred_at, private.received_at(f.event_id)), f.wa_id, f.bsuid, f.parent_bsuid, f.new_wa_id, f.new_bsuid,
      f.new_parent_bsuid, f.template_id, f.name, f.language, coalesce(f.details, '{}'), connection.workspace_id, connection.id)::private.inbound_fact
    from jsonb_populate_recordset(null::private.inbound_fact, facts) as f
    -- What concerns people is told to each connection meant, what concerns connections goes to all of them below.
    left join lateral private.connections_meant(f) as connection on f.kind not in ('template', 'notice')
    order by f.kind, coalesce(f.occurred_at, private.received_at(f.event_id)), f.details, connection.id);
  perform private.record_identities(array(
    select f from unnest(told) as f where f.kind = 'identity' and f.connection_id is not null));
  -- Rare, and each with its own rule: one by one.
  foreach fact in array told loop
    case
      when fact.kind = 'template' then perform private.record_template(fact);
      when fact.kind = 'notice' then perform private.record_notice(fact);
      when fact.connection_id is null then null; -- No such number yet: its event is set aside.
      when fact.kind = 'preference' then perform private.record_preference(fact);
      when fact.kind = 'contact' then perform private.record_address(fact);
      else null; -- A kind of a newer receiver: the journal has it.
    end case;
  end loop;
end
$$;
comment on function private.record_facts(jsonb) is 'Applies what webhooks tell about people, numbers, accounts and templates.';
grant execute on function private.record_facts(jsonb) to service_role;
