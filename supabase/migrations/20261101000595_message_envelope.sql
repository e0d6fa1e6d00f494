-- What stands beside the content of a message that is inserted to be sent: whatever somebody writes there is answered with a code.

create function private.check_envelope(
  type text, content jsonb, client_reference text, reply_to_wamid text, send_after timestamptz) returns void
language plpgsql stable set search_path = ''
as $$
declare
  refused boolean;
begin
  if type is null then
    refused := private.refuse_content('WA011', 'type', 'what kind of message it is');
  elsif content is null then
    refused := private.refuse_content('WA011', 'content', 'the Cloud API''s own object for the type');
  -- The largest that WhatsApp takes, a contact card of many lines, is a tenth of it.
  elsif pg_column_size(content) > 262144 then
    refused := private.refuse_content('WA013', 'content', 'at most 256 kB');
  -- A message that cannot be read back would take those along that are claimed with it. Nothing small is so deep.
  elsif pg_column_size(content) > 500 and jsonb_path_exists(content, 'strict $.**{65}') then
    refused := private.refuse_content('WA014', 'content', 'at most 64 levels deep');
  -- Written out, 1e5000 has 5,001 digits, which not everybody takes for a number.
  elsif jsonb_path_exists(content, 'strict $.** ? (@ > 1e300 || @ < -1e300)') then
    refused := private.refuse_content('WA014', 'content', 'numbers from -1e300 to 1e300');
  elsif client_reference = '' then
    refused := private.refuse_content('WA011', 'client_reference', 'from 1 to 200 characters, or null');
  elsif char_length(client_reference) > 200 then
    refused := private.refuse_content('WA013', 'client_reference', 'at most 200 characters');
  -- A reply that quotes nothing would be sent as none.
  elsif reply_to_wamid !~ '\S' then
    refused := private.refuse_content('WA011', 'reply_to_wamid', 'the wamid of a message, or null');
  elsif char_length(reply_to_wamid) > 512 then
    refused := private.refuse_content('WA013', 'reply_to_wamid', 'the wamid of a message');
  -- What never leaves would be queued for ever.
  elsif not isfinite(send_after) or send_after > now() + interval '1 year' then
    refused := private.refuse_content('WA014', 'send_after', 'a time within a year from now');
  end if;
end
$$;
comment on function private.check_envelope(text, jsonb, text, text, timestamptz) is
  'Raises WA011, WA013 or WA014 for what stands beside the content of an outgoing message, or for its size.';
grant execute on function private.check_envelope(text, jsonb, text, text, timestamptz) to authenticated, service_role;
