-- What people and messages are found by: words with the workspace in front, so that one index holds every workspace's and
-- a search reads its own alone.

create function private.seen(written text) returns text
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  -- Marks of direction, joiners and soft hyphens are typed or copied along and not seen: the parser takes them for letters.
  return translate(written, e'\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff', '');
end
$$;
comment on function private.seen(text) is 'A text without the characters that nobody sees.';
grant execute on function private.seen(text) to authenticated, service_role;

create function private.words(scope text, written text) returns tsvector
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  found text;
begin
  -- A word beyond 2 kB cannot be indexed, and nobody types it; nor can words of more than 1 MB together.
  if octet_length(written) > 2000 then
    written := regexp_replace(left(written, 100000), '\S{100,}', ' ', 'g');
  end if;
  -- Without what joins words into addresses and numbers, of which a beginning would be another kind of word, and what the
  -- parser takes for a tag or an entity, in which there would be no words.
  found := strip(to_tsvector('pg_catalog.simple'::regconfig, translate(private.seen(written), '@./:_-+<>&', '          ')))::text;
  -- Each word stands in quotes: '…' '…'. The scope goes in front by text, which is three times as fast as by row.
  return case when found = '' then found else '''' || scope || replace(substr(found, 2), ''' ''', ''' ''' || scope) end::tsvector;
end
$$;
comment on function private.words(text, text) is 'The words of a text, small letters, each behind a scope.';
grant execute on function private.words(text, text) to authenticated, service_role;

create function private.folded(written text) returns text
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  -- Small letters, whoever makes them: the parser of words lets the operating system do it, lower() perhaps ICU, and of these
  -- three letters they think differently.
  return translate(lower(replace(private.seen(written), 'İ', 'i')), 'ςı', 'σi');
end
$$;
comment on function private.folded(text) is 'A text in which each of its words stands, folded in the same way, as a part.';
grant execute on function private.folded(text) to authenticated, service_role;

create function private.search_scope(workspace_id uuid) returns text
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  -- Two workspaces that share these digits read each other's entries, never each other's rows.
  return left(workspace_id::text, 8);
end
$$;
grant execute on function private.search_scope(uuid) to authenticated, service_role;

create function private.message_words(workspace_id uuid, type text, content jsonb) returns tsvector
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  scope text := left(workspace_id::text, 8);
  written text := case message_words.type
    when 'text' then content ->> 'body'
    when 'button' then content ->> 'text'
    when 'order' then content ->> 'text'
    when 'template' then content ->> 'name'
    when 'location' then concat_ws(' ', content ->> 'name', content ->> 'address')
    when 'contacts' then content #>> '{0,name,formatted_name}'
    when 'interactive' then concat_ws(' ', content #>> '{body,text}', content #>> '{button_reply,title}',
      content #>> '{list_reply,title}', content #>> '{nfm_reply,body}')
    else concat_ws(' ', content ->> 'caption', content ->> 'filename') end;
  found text;
begin
  if octet_length(written) > 2000 or written ~ e'[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]' then
    return private.words(scope, written);
  end if;
  -- The same as there: a call costs as much as the work, and every message pays for it.
  found := strip(to_tsvector('pg_catalog.simple'::regconfig, translate(written, '@./:_-+<>&', '          ')))::text;
  return case when found = '' then found else '''' || scope || replace(substr(found, 2), ''' ''', ''' ''' || scope) end::tsvector;
end
$$;
comment on function private.message_words(uuid, text, jsonb) is 'The words a message is found by.';
grant execute on function private.message_words(uuid, text, jsonb) to authenticated, service_role;

create function private.searched_types() returns text[]
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  return array['text', 'button', 'template', 'location', 'contacts', 'interactive', 'order', 'image', 'video', 'document'];
end
$$;
comment on function private.searched_types() is 'The types of messages that have words. The index names them itself: its condition holds no function.';

-- Of its columns none changes with a report or a file that arrives, so those stay in their place. New entries are written
-- down as they come and sorted in by thousands.
create index messages_words on public.messages using gin (private.message_words(workspace_id, type, content))
  where type in ('text', 'button', 'template', 'location', 'contacts', 'interactive', 'order', 'image', 'video', 'document');

create function private.contact_words(workspace_id uuid, name text, profile_name text, phone text, tags text[]) returns tsvector
language plpgsql immutable parallel safe set search_path = ''
as $$
declare
  scope text := left(workspace_id::text, 8);
  digits text[] := array[substr(phone, 2), private.phone_key(phone)];
begin
  return coalesce(private.words(scope || 'n', concat_ws(' ', name, profile_name)), '')
    -- A number from its beginning, from behind a country code of one to three digits, and from its end.
    || array_to_tsvector(array(
      select scope || 'p' || substr(number, place) from unnest(digits) as number, generate_series(1, 4) as place where number is not null
      union select scope || 'r' || reverse(number) from unnest(digits) as number where number is not null
      union select scope || 't' || md5(tag) from unnest(tags) as tag where tag is not null));
end
$$;
comment on function private.contact_words(uuid, text, text, text, text[]) is
  'What a contact is found by: n words of its names, p the number''s beginnings, r the number backwards, t tags.';
grant execute on function private.contact_words(uuid, text, text, text, text[]) to authenticated, service_role;

create index contacts_words on public.contacts using gin (private.contact_words(workspace_id, name, profile_name, phone, tags));

create function private.word_query(scope text, search text, shortest_beginning integer) returns tsquery
language plpgsql immutable set search_path = ''
as $$
declare
  words text[] := tsvector_to_array(private.words(scope, search));
begin
  -- What is typed last may go on; the others are whole, so that frequent ones among them cost nothing.
  return (
    select string_agg('''' || word || ''''
      || case when char_length(word) - char_length(scope) >= shortest_beginning
        and (cardinality(words) = 1 or right(lower(btrim(search)), char_length(word) - char_length(scope)) = substr(word, char_length(scope) + 1))
        then ':*' else '' end, ' & ')
    from unnest(words) as word)::tsquery;
end
$$;
comment on function private.word_query(text, text, integer) is
  'Asks for texts with all words of a search, the last, from so many letters on, as a beginning. Null: there is no word in it.';

create function private.searched_number(search text) returns text
language plpgsql immutable set search_path = ''
as $$
declare
  -- Whoever copies a number copies its dashes and spaces, too; and digits have other shapes elsewhere.
  written text := translate(search, '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹＋', '01234567890123456789+');
begin
  if written ~ e'^(tel:)?[-0-9+() ./\u00a0\u2007\u202f\u2010-\u2015\u2212]*$' then
    -- 00 or 0 or (0) in front of it are no part of a number.
    return ltrim(regexp_replace(written, '\(0\)|[^0-9]', '', 'g'), '0');
  end if;
  return null;
end
$$;
comment on function private.searched_number(text) is 'The digits of a search that is a phone number or a part of one; null: it is none.';
grant execute on function private.searched_number(text) to authenticated, service_role;

create function private.contact_query(workspace_id uuid, search text) returns tsquery
language plpgsql immutable set search_path = ''
as $$
declare
  scope text := private.search_scope(workspace_id);
  asked tsquery := private.word_query(scope || 'n', search, 1);
  number text := private.searched_number(search);
begin
  if char_length(number) >= 2 then
    asked := coalesce(asked, '') || format('%1$sp%2$s:* | %1$sp%3$s:* | %1$sr%4$s:*',
      scope, number, private.phone_key(number), reverse(number))::tsquery;
  end if;
  return asked;
end
$$;
comment on function private.contact_query(uuid, text) is 'Asks for contacts by the beginnings of names, or by a phone number or its beginning or end.';
