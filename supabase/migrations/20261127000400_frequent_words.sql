-- Whether what is searched for is frequent is known of names, too, and a plain text is folded in a fifth of the time.

create or replace function private.folded(written text) returns text
language plpgsql immutable parallel safe set search_path = ''
as $$
begin
  -- Plain ASCII has none of what is left out or taken for another letter, and costs a fifth.
  if octet_length(written) = char_length(written) then
    return lower(written collate "C");
  end if;
  -- Small letters, whoever makes them: the parser of words lets the operating system do it, lower() perhaps ICU, and of these
  -- three letters they think differently.
  return translate(lower(replace(private.seen(written), 'İ', 'i')), 'ςı', 'σi');
end
$$;

create function private.expected_rows(words_index text, counted regclass, scope text, words text[], shortest integer)
returns double precision
language plpgsql stable set search_path = ''
as $$
declare
  known text;
  shares real[];
  expected double precision;
begin
  -- As the table's statistics know, which name each word that stands in more than one row of some hundreds. The planner's
  -- own guess is of no use: of whatever a word begins with it believes that one row in fifty has it.
  select stats.most_common_elems::text, stats.most_common_elem_freqs into known, shares
  from pg_catalog.pg_stats as stats where stats.schemaname = 'public' and stats.tablename = words_index;
  -- A word that is none of them is rare, and so are all together: most searches end here, before a thousand words are taken apart.
  if known is null or exists (select from unnest(words) as word where strpos(known, scope || word) = 0) then
    return 0;
  end if;
  -- Words are taken to be independent; where they are not, more is found than was expected, and given up then.
  select exp(sum(ln(greatest(1e-12, (
    select sum(common.share) from unnest(known::text[], shares) as common (word, share)
    where common.word = scope || given.word
      or char_length(given.word) >= shortest and starts_with(common.word, scope || given.word)))))) into expected
  from unnest(words) as given (word);
  -- Of no words nothing is expected.
  return coalesce(expected * (select reltuples from pg_catalog.pg_class where oid = counted), 0);
end
$$;
comment on function private.expected_rows(text, regclass, text, text[], integer) is
  'In how many rows words stand, as the statistics of their index know; from so many letters on as beginnings. 0: few, or nobody knows.';

create or replace function private.is_frequent(f private.conversation_filter, most integer) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return private.expected_rows('messages_words', 'public.messages', private.search_scope(f.workspace_id), f.words, 3) > most;
end
$$;

create function private.is_frequent_name(f private.conversation_filter, most integer) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return private.expected_rows('contacts_words', 'public.contacts', private.search_scope(f.workspace_id) || 'n', f.words, 1) > most;
end
$$;
comment on function private.is_frequent_name(private.conversation_filter, integer) is
  'Whether the words of a search stand in the names of more contacts than so many.';
