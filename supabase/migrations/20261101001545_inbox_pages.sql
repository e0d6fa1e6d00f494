-- A page of the inbox: read in its order along an index while nearly every thread will do, gathered by words while few do.

create function private.walk_places(
  f private.conversation_filter, before_at timestamptz, before_id uuid, most integer) returns setof uuid
language plpgsql stable set search_path = ''
-- Planned with its values: a prepared plan does not know that it will read a page only.
set plan_cache_mode = force_custom_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
  -- Each list is a stretch of the index in the right order; of each at most a page is read, and the newest of all taken.
  if f.assignee is null then
    return query
    select page.conversation_id
    from unnest(f.connections) as own (id) cross join unnest(f.states) as list (state)
    cross join lateral (
      select place.conversation_id, place.sort_at from private.inbox_places as place
      where place.connection_id = own.id and place.state = list.state
        and (place.sort_at, place.conversation_id) < (before_at, before_id)
      order by place.sort_at desc, place.conversation_id desc limit most) as page
    order by page.sort_at desc, page.conversation_id desc limit most;
  else
    return query
    select page.conversation_id
    from unnest(f.connections) as own (id) cross join unnest(f.states) as list (state)
    cross join lateral (
      select place.conversation_id, place.sort_at from private.inbox_places as place
      where place.assigned_to = f.assignee and place.connection_id = own.id and place.state = list.state
        and (place.sort_at, place.conversation_id) < (before_at, before_id)
      order by place.sort_at desc, place.conversation_id desc limit most) as page
    order by page.sort_at desc, page.conversation_id desc limit most;
  end if;
end
$$;
comment on function private.walk_places(private.conversation_filter, timestamptz, uuid, integer) is
  'The ids of the newest threads before a place that pass the filters an index knows: status, unread, assignee, connection.';

create function private.walk_conversations(
  f private.conversation_filter, before_at timestamptz, before_id uuid, most integer) returns setof public.conversations
language plpgsql stable set search_path = ''
-- Planned with its values: a prepared plan does not know that it will read a page only.
set plan_cache_mode = force_custom_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
  return query
  select thread.*
  from private.walk_places(f, before_at, before_id, most) with ordinality as place (id, number)
  join public.conversations as thread on thread.id = place.id
  order by place.number;
end
$$;
comment on function private.walk_conversations(private.conversation_filter, timestamptz, uuid, integer) is
  'The newest threads before a place that pass the filters an index knows: status, unread, assignee, connection.';

create function private.threads_of_contacts(f private.conversation_filter, asked tsquery, most integer) returns uuid[]
language plpgsql stable set search_path = ''
set plan_cache_mode = force_custom_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
declare
  found uuid[] := array(
    select contact.id from public.contacts as contact
    where private.contact_words(contact.workspace_id, contact.name, contact.profile_name, contact.phone, contact.tags) @@ asked
    limit most + 1);
begin
  if cardinality(found) > most then
    return null;
  end if;
  return array(
    select thread.id from unnest(found) as contact (id)
    join public.conversations as thread on thread.workspace_id = f.workspace_id and thread.contact_id = contact.id);
end
$$;
comment on function private.threads_of_contacts(private.conversation_filter, tsquery, integer) is
  'The threads of the contacts found by their words. Null: more contacts than `most`, which may be null.';

create function private.is_frequent(f private.conversation_filter, most integer) returns boolean
language plpgsql stable set search_path = ''
as $$
declare
  scope text := private.search_scope(f.workspace_id);
  known text[];
  shares real[];
  expected double precision;
begin
  -- As the table's statistics know, which name each word that stands in more than one message of some hundreds. The planner's
  -- own guess is of no use: of whatever a word begins with it believes that one message in fifty has it.
  select stats.most_common_elems::text::text[], stats.most_common_elem_freqs into known, shares
  from pg_catalog.pg_stats as stats where stats.schemaname = 'public' and stats.tablename = 'messages_words';
  -- Words are taken to be independent; where they are not, more is found than was expected, and given up then.
  select exp(sum(ln(greatest(1e-12, (
    select sum(common.share) from unnest(known, shares) as common (word, share)
    where common.word = scope || given.word
      or char_length(given.word) >= 3 and starts_with(common.word, scope || given.word)))))) into expected
  from unnest(f.words) as given (word);
  return expected * (select reltuples from pg_catalog.pg_class where oid = 'public.messages'::regclass) > most;
end
$$;
comment on function private.is_frequent(private.conversation_filter, integer) is
  'Whether the words of a search stand in more messages than so many: reading a million entries to see that they are a million takes too long.';

create function private.threads_of_messages(f private.conversation_filter, most integer) returns uuid[]
language plpgsql stable set search_path = ''
set plan_cache_mode = force_custom_plan set enable_seqscan = off
as $$
declare
  found uuid[];
begin
  if f.message_query is null then
    return '{}';
  elsif most is not null and private.is_frequent(f, most) then
    return null;
  end if;
  -- The scope in each word stands for the workspace: asked for by its key, too, millions would be read one by one.
  found := array(
    select message.conversation_id from public.messages as message
    where private.message_words(message.workspace_id, message.type, message.content) @@ f.message_query
      and message.type in ('text', 'button', 'template', 'location', 'contacts', 'interactive', 'image', 'video', 'document')
    limit most + 1);
  return case when coalesce(cardinality(found) <= most, true) then array(select distinct id from unnest(found) as id) end;
end
$$;
comment on function private.threads_of_messages(private.conversation_filter, integer) is
  'The threads of the messages found by their words. Null: more messages than `most`, which may be null.';

create function private.gather(f private.conversation_filter, most integer) returns private.conversation_filter
language plpgsql stable set search_path = ''
as $$
begin
  f.by_contact := private.threads_of_contacts(f, f.contact_query, most)
    -- A number that no contact bears any more still names its thread.
    || case when f.number is not null then array(
      select known.conversation_id from unnest(f.connections) as own (id)
      join private.conversation_identifiers as known on known.connection_id = own.id and known.identifier = f.number) end;
  f.by_message := private.threads_of_messages(f, most);
  return f;
end
$$;
comment on function private.gather(private.conversation_filter, integer) is 'All threads that a search finds, if they are not more than so many.';

create function private.is_tagged(thread public.conversations, f private.conversation_filter) returns boolean
language plpgsql stable set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
  return f.tags is null or exists (
    select from public.contacts as contact
    where contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id and contact.tags @> f.tags);
end
$$;

create function private.is_found(thread public.conversations, f private.conversation_filter) returns boolean
language plpgsql stable set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  parts text[] := array(select '%' || private.folded(word) || '%' from unnest(f.words) as word);
begin
  -- Looked up where it was gathered, looked into where it was too many. To take a text apart into words costs twenty times
  -- as much as to see that it lacks one.
  return f.search is null or thread.id = any (f.by_contact) or thread.id = any (f.by_message)
    or f.by_contact is null and exists (
      select from public.contacts as contact
      where contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id
        and (f.number is not null or private.folded(concat_ws(' ', contact.name, contact.profile_name)) like all (parts))
        and private.contact_words(contact.workspace_id, contact.name, contact.profile_name, contact.phone, contact.tags) @@ f.contact_query)
    or f.by_message is null and exists (
      select from public.messages as message
      where message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
        and message.type = any (private.searched_types())
        and private.folded(message.content::text) like all (parts)
        and private.message_words(message.workspace_id, message.type, message.content) @@ f.message_query);
end
$$;
comment on function private.is_found(public.conversations, private.conversation_filter) is 'Whether a search finds this one thread.';

create function private.page_of(f private.conversation_filter, gathered uuid[]) returns uuid[]
language plpgsql stable set search_path = ''
set plan_cache_mode = force_custom_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
begin
  return array(
    select ordered.id
    from (
      -- Sorted first, and looked into one after the other until the page is full.
      select thread.* from (select distinct id from unnest(gathered) as id) as one
      join public.conversations as thread on thread.id = one.id
      where thread.workspace_id = f.workspace_id and thread.status = any (f.statuses) and thread.is_read = any (f.read_marks)
        and (not f.by_assignee or thread.assigned_to is not distinct from f.assignee)
        and thread.connection_id = any (f.connections)
        and (thread.sort_at, thread.id) < (f.before_at, f.before_id)
      order by thread.sort_at desc, thread.id desc offset 0
    ) as ordered
    where private.is_tagged(ordered, f) and private.is_found(ordered, f)
    limit f.page_size);
end
$$;
comment on function private.page_of(private.conversation_filter, uuid[]) is 'The page out of gathered threads.';

create function private.page_by_walking(f private.conversation_filter) returns uuid[]
language plpgsql stable set search_path = ''
as $$
declare
  place public.conversations;
  stretch public.conversations[];
  found uuid[] := '{}';
  walked integer := 0;
begin
  place.sort_at := f.before_at;
  place.id := f.before_id;
  loop
    stretch := array(select thread from private.walk_conversations(f, place.sort_at, place.id, 200) as thread);
    found := found || array(
      select thread.id from unnest(stretch) as thread
      where private.is_tagged(thread, f) and private.is_found(thread, f)
      limit f.page_size - cardinality(found));
    exit when cardinality(found) >= f.page_size or cardinality(stretch) < 200;
    walked := walked + 200;
    -- So many fit, but not here: whoever gathers them after all is done in time.
    if walked >= 2000 then
      return null;
    end if;
    place := stretch[200];
  end loop;
  return found;
end
$$;
comment on function private.page_by_walking(private.conversation_filter) is
  'The page by looking into one thread after the other, newest first. Null: it was not full after thousands.';

create function private.find_conversations(f private.conversation_filter) returns uuid[]
language plpgsql stable set search_path = ''
as $$
declare
  -- What is gathered costs by the row, what is walked through by how seldom a thread fits: as dear at some twenty times the
  -- root of all threads. A table that nobody has looked at yet says -1.
  few constant integer := greatest(2000, 20 * sqrt(greatest(0, (
    select reltuples from pg_catalog.pg_class where oid = 'public.conversations'::regclass))));
  gathered uuid[];
  tagged uuid[];
  page uuid[];
begin
  if f.search is null and f.tags is null then
    return array(select private.walk_places(f, f.before_at, f.before_id, f.page_size));
  end if;
  if f.search is not null then
    f := private.gather(f, few);
    if f.by_contact is not null and f.by_message is not null then
      gathered := f.by_contact || f.by_message;
      -- All of them are found already, and nothing is dearer than to hand thousands of ids on for each thread.
      f.search := null;
      f.by_contact := null;
      f.by_message := null;
      return private.page_of(f, gathered);
    end if;
  end if;
  tagged := case when f.tags is not null then private.threads_of_contacts(f, f.tag_query, few) end;
  page := case when tagged is null then private.page_by_walking(f) else private.page_of(f, tagged) end;
  if page is null then
    if f.search is not null then
      f := private.gather(f, null);
    end if;
    page := private.page_of(f, case when f.search is null then private.threads_of_contacts(f, f.tag_query, null)
      else f.by_contact || f.by_message end);
  end if;
  return page;
end
$$;
comment on function private.find_conversations(private.conversation_filter) is 'The ids of a page, newest first.';
