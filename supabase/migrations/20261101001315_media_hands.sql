-- What people do with the file of a message: ask for it once more, and show it.

create function private.retry_media(message_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  wanted public.messages;
begin
  select * into wanted from public.messages as message
  where message.id = retry_media.message_id
    and (private.is_backend() or message.workspace_id in (select private.user_workspace_ids()))
  for no key update;
  if not found then
    raise exception 'no such message' using errcode = 'WA004';
  end if;
  if wanted.media_id is null then
    raise exception 'the message has no file to ask for' using errcode = 'WA020',
      hint = 'WhatsApp gave no id for a file with it. Ask the customer to send it again.';
  end if;
  -- It would be fetched and removed again in some minutes.
  if wanted.media_error ->> 'code' = 'retention' then
    raise exception 'the file was removed by its age' using errcode = 'WA020',
      hint = 'workspaces.media_retention_days says how long files are kept.';
  end if;
  if wanted.media_status is null or wanted.media_status not in ('failed', 'expired', 'corrupt') then
    raise exception 'the file of the message has not failed' using errcode = 'WA008',
      hint = 'Only a failed, expired or corrupt file can be asked for again.', detail = coalesce(wanted.media_status, 'none');
  end if;
  update public.messages as message set media_status = 'pending', media_error = null where message.id = wanted.id;
  perform private.queue_media(array[wanted.id], interval '1 hour');
end
$$;
grant execute on function private.retry_media(uuid) to authenticated, service_role;

create function public.retry_media(message_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.retry_media(message_id);
end
$$;
comment on function public.retry_media(uuid) is
  'Asks once more for a failed, expired or corrupt file, for an hour at least. WA004, WA008 when it is stored or on its way, WA020 when the message has no file to ask for.';
grant execute on function public.retry_media(uuid) to authenticated, service_role;

create function public.media_url(message public.messages) returns text
language plpgsql stable set search_path = ''
as $$
begin
  return case when message.media_status = 'stored' then '/storage/v1/object/authenticated/whatsapp-media/' || message.media_path end;
end
$$;
comment on function public.media_url(public.messages) is
  'Where the file of a message is, below the project''s URL, for a GET with the member''s own token; null until it is stored. Asked for by name: select=id,media_url. For an <img>, storage.from(''whatsapp-media'').createSignedUrl(media_path, seconds) gives an address that needs no token.';
grant execute on function public.media_url(public.messages) to authenticated, service_role;
