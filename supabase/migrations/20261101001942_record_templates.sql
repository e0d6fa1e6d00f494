-- What a provider says when it is asked: the templates of an account, the health of a number.

create function private.may_speak(as_of jsonb, field text, said_at timestamptz) returns boolean
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return coalesce((as_of ->> field)::timestamptz, '-infinity') <= said_at;
end
$$;
comment on function private.may_speak(jsonb, text, timestamptz) is 'Whether what was said then is no older than what is known of a template''s field.';
grant execute on function private.may_speak(jsonb, text, timestamptz) to service_role;

create type private.listed_template as (
  provider_template_id text, name text, language text, category text, status text, quality text, components jsonb, reason text);

create function private.merge_listed(known public.message_templates, listed private.listed_template, listed_at timestamptz)
returns public.message_templates
language plpgsql stable parallel safe set search_path = ''
as $$
declare
  merged public.message_templates := known;
  changed text[] := '{}';
begin
  merged.provider_template_id := coalesce(listed.provider_template_id, known.provider_template_id);
  -- A field that stays as it is needs no newer time either: what has not changed is not written.
  if listed.status <> known.status and private.may_speak(known.as_of, 'status', listed_at) then
    merged.status := listed.status;
    merged.reason := listed.reason;
    changed := changed || 'status'::text;
  elsif listed.reason is not null and listed.status = known.status then
    merged.reason := listed.reason;
  end if;
  if listed.category <> coalesce(known.category, '') and private.may_speak(known.as_of, 'category', listed_at) then
    merged.category := listed.category;
    changed := changed || 'category'::text;
  end if;
  if listed.quality <> coalesce(known.quality, '') and private.may_speak(known.as_of, 'quality', listed_at) then
    merged.quality := listed.quality;
    changed := changed || 'quality'::text;
  end if;
  if listed.components <> known.components and private.may_speak(known.as_of, 'components', listed_at) then
    merged.components := listed.components;
    changed := changed || 'components'::text;
  end if;
  merged.as_of := known.as_of || coalesce((select jsonb_object_agg(field, listed_at) from unnest(changed) as field), '{}');
  return merged;
end
$$;
comment on function private.merge_listed(public.message_templates, private.listed_template, timestamptz) is
  'A template as it is once a listing has spoken: field by field, and only where no webhook has spoken since.';
grant execute on function private.merge_listed(public.message_templates, private.listed_template, timestamptz) to service_role;

create function public.record_templates(connection_id uuid, templates jsonb, as_of timestamptz, complete boolean default true)
returns jsonb
language plpgsql set search_path = ''
as $$
#variable_conflict use_column
declare
  home uuid := (select workspace_id from public.whatsapp_connections where id = record_templates.connection_id);
  -- Webhooks count whole seconds, clocks differ and a list may lag: a webhook of the last moments knows better.
  listed_at timestamptz := record_templates.as_of - interval '5 seconds';
  listed private.listed_template[];
  added integer;
  changed integer;
  deleted integer := 0;
begin
  if home is null then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
  listed := array(
    select distinct on (told.name, told.language) told
    from jsonb_populate_recordset(null::private.listed_template, record_templates.templates) as told
    where told.name is not null and told.language is not null
    order by told.name, told.language);
  -- Webhooks of the number take the same turns, so neither waits for a row that the other holds.
  perform pg_advisory_xact_lock(private.turn_of(record_templates.connection_id));

  insert into public.message_templates (
    workspace_id, connection_id, provider_template_id, name, language, category, status, quality, components, reason, as_of, synced_at)
  select home, record_templates.connection_id, told.provider_template_id, told.name, told.language, told.category,
    coalesce(told.status, 'UNKNOWN'), told.quality, coalesce(told.components, '[]'), told.reason,
    jsonb_build_object('status', listed_at, 'category', listed_at, 'quality', listed_at, 'components', listed_at), listed_at
  from unnest(listed) as told
  on conflict (workspace_id, connection_id, name, language) do nothing;
  get diagnostics added = row_count;

  update public.message_templates as template set
    provider_template_id = (merged.row).provider_template_id, status = (merged.row).status, reason = (merged.row).reason,
    category = (merged.row).category, quality = (merged.row).quality, components = (merged.row).components,
    as_of = (merged.row).as_of, synced_at = listed_at
  from (
    select known.id, private.merge_listed(known, told, listed_at) as row, known
    from unnest(listed) as told
    join public.message_templates as known on known.workspace_id = home and known.connection_id = record_templates.connection_id
      and known.name = told.name and known.language = told.language
    offset 0
  ) as merged
  where template.id = merged.id and merged.row is distinct from merged.known;
  get diagnostics changed = row_count;

  if complete then
    -- The row stays: messages name it, and it says what it was.
    update public.message_templates as template set
      status = 'DELETED', as_of = template.as_of || jsonb_build_object('status', listed_at), synced_at = listed_at
    where template.workspace_id = home and template.connection_id = record_templates.connection_id and template.status <> 'DELETED'
      and template.synced_at <= listed_at and private.may_speak(template.as_of, 'status', listed_at)
      and not exists (select from unnest(listed) as told where told.name = template.name and told.language = template.language);
    get diagnostics deleted = row_count;
  end if;
  return jsonb_build_object('listed', cardinality(listed), 'added', added, 'changed', changed, 'deleted', deleted);
end
$$;
comment on function public.record_templates(uuid, jsonb, timestamptz, boolean) is
  'Templates as the provider listed them at that time: new ones, what has changed, and what a complete listing no longer has as DELETED; newer words of webhooks stay. Answers {listed, added, changed, deleted}. WA004.';
grant execute on function public.record_templates(uuid, jsonb, timestamptz, boolean) to service_role;

create function public.record_number_health(connection_id uuid, health jsonb, as_of timestamptz) returns text
language plpgsql set search_path = ''
as $$
#variable_conflict use_column
declare
  -- health: {quality_rating, display_phone_number, verified_name, can_send_message, problems: [text],
  -- messages_per_second, phone_number_id, waba_id}
  known public.whatsapp_connections;
begin
  select * into known from public.whatsapp_connections as connection
  where connection.id = record_number_health.connection_id for no key update;
  if known.id is null or (known.provider_notices #>> '{health,at}')::timestamptz >= record_number_health.as_of then
    return known.status;
  end if;
  if health ->> 'can_send_message' = 'BLOCKED' and known.status = 'active' then
    known.status := 'paused';
    known.status_reason := 'blocked';
    known.last_error := jsonb_build_object('code', 'blocked', 'class', 'PAUSE',
      'title', coalesce(health #>> '{problems,0}', 'WhatsApp lets this number send nothing'),
      'remedy', 'Look at the number in WhatsApp Manager; it goes on by itself once WhatsApp lets it.', 'at', now());
  elsif health ->> 'can_send_message' in ('AVAILABLE', 'LIMITED') and known.status = 'paused' and known.status_reason = 'blocked' then
    known.status := 'active';
    known.status_reason := null;
    known.last_error := null;
  end if;
  update public.whatsapp_connections as connection set
    quality_rating = coalesce(health ->> 'quality_rating', connection.quality_rating),
    display_phone_number = coalesce(health ->> 'display_phone_number', connection.display_phone_number),
    -- Once, when WhatsApp's word changes: what an operator sets afterwards stays.
    messages_per_second = case
      when (health ->> 'messages_per_second')::integer
        <> coalesce((known.provider_notices #>> '{health,value,messages_per_second}')::integer, 80)
      then (health ->> 'messages_per_second')::integer else connection.messages_per_second end,
    provider_notices = connection.provider_notices
      || jsonb_build_object('health', jsonb_build_object('at', record_number_health.as_of, 'value', health)),
    status = known.status, status_reason = known.status_reason, last_error = known.last_error
  where connection.id = known.id;
  if known.verified_at is null and health ->> 'phone_number_id' = known.phone_number_id then
    -- The key that a member has set is this number's. An account that they wrote beside it and that is another's stays so.
    update public.whatsapp_connections as connection set
      verified_at = now(),
      waba_id = case
        when health ->> 'waba_id' is null or health ->> 'waba_id' = known.waba_id then known.waba_id
        when not exists (
          select from public.whatsapp_connections as other
          where other.waba_id = health ->> 'waba_id' and other.workspace_id <> known.workspace_id) then health ->> 'waba_id' end
    where connection.id = known.id;
  end if;
  return known.status;
end
$$;
comment on function public.record_number_health(uuid, jsonb, timestamptz) is
  'What the provider says of a number: names, quality, speed, and provider_notices.health. Pauses a BLOCKED one as blocked, and lets it go on once it may send. What only a member has said to be theirs is verified by it. Answers its status.';
grant execute on function public.record_number_health(uuid, jsonb, timestamptz) to service_role;
