-- The first word to somebody, or the next one: by phone or user id, whether they have a thread or not.

create function private.open_conversation(workspace_id uuid, recipient text, connection_id uuid) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  numbers public.whatsapp_connections[];
  -- Two letters, a dot, and what is opaque: a business-scoped user id (Meta).
  by_user_id boolean := recipient ~ '^[A-Z]{2}\.[^\s]{1,140}$';
  wa_id text := case when not by_user_id then regexp_replace(recipient, '[^0-9]', '', 'g') end;
  person private.person;
  people private.person[];
begin
  if not (private.is_backend() or open_conversation.workspace_id in (select private.user_workspace_ids())) then
    raise exception 'no such workspace' using errcode = 'WA004';
  end if;
  numbers := array(
    select one from public.whatsapp_connections as one
    where one.workspace_id = open_conversation.workspace_id and one.status <> 'disconnected'
      and (open_conversation.connection_id is null or one.id = open_conversation.connection_id)
    limit 2);
  if numbers = '{}' then
    raise exception 'no such connection' using errcode = 'WA004';
  elsif cardinality(numbers) > 1 then
    raise exception 'the workspace has several numbers' using errcode = 'WA009', detail = 'connection_id', hint = 'Say which one is to send.';
  end if;
  if recipient is null or not by_user_id and (recipient !~ '^\+?[0-9][0-9 ().-]*$' or wa_id !~ '^[1-9][0-9]{6,14}$') then
    raise exception 'the recipient is neither a phone number nor a user id' using errcode = 'WA014', detail = 'recipient',
      hint = 'A phone number with its country code, like +972501234567, or a business-scoped user id.';
  end if;
  person := row(open_conversation.workspace_id, numbers[1].id, numbers[1].phone_number_id, wa_id,
    case when by_user_id then recipient end, null, now(),
    private.identifiers_of(numbers[1].id, wa_id, case when by_user_id then recipient end, null, null), null);
  people := private.with_conversations(array[person]);
  if people[1].conversation_id is null then
    -- In the turn that recordings of this number take: two first words at once make one thread.
    perform pg_advisory_xact_lock(private.turn_of(numbers[1].id));
    people := private.ensure_conversations(array[person]);
    perform private.ensure_contacts(people);
  end if;
  return people[1].conversation_id;
end
$$;
comment on function private.open_conversation(uuid, text, uuid) is 'The thread of a recipient with a number of the workspace, made if there is none. WA004, WA009, WA014.';
grant execute on function private.open_conversation(uuid, text, uuid) to authenticated, service_role;

create function public.start_conversation(
  workspace_id uuid, recipient text, type text, content jsonb, connection_id uuid default null,
  client_reference text default null, send_after timestamptz default null)
returns table (conversation_id uuid, message_id uuid)
language plpgsql set search_path = ''
as $$
#variable_conflict use_column
declare
  thread uuid;
begin
  thread := private.open_conversation(start_conversation.workspace_id, start_conversation.recipient, start_conversation.connection_id);
  return query
  insert into public.messages as message (workspace_id, conversation_id, type, content, client_reference, send_after)
  values (start_conversation.workspace_id, thread, start_conversation.type, start_conversation.content,
    start_conversation.client_reference, start_conversation.send_after)
  returning message.conversation_id, message.id;
exception
  when unique_violation then
    raise exception 'a message with this client_reference is there already' using errcode = '23505', detail = 'client_reference';
  when foreign_key_violation then
    -- It was deleted at this moment.
    raise exception 'no such workspace' using errcode = 'WA004';
end
$$;
comment on function public.start_conversation(uuid, text, text, jsonb, uuid, text, timestamptz) is
  'Queues a message to a phone or user id, in its conversation or a new one. To whom has not written for 24 hours only a template may go. WA001, WA004, WA009, WA010 to WA017, WA021 to WA023.';
grant execute on function public.start_conversation(uuid, text, text, jsonb, uuid, text, timestamptz) to authenticated, service_role;
