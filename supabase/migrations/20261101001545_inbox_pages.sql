-- A page of the inbox: read in its order along an index while nearly every thread will do, gathered by words while few do.

create type private.inbox_place as (conversation_id uuid, sort_at timestamptz);

create function private.walk_places(
  f private.conversation_filter, before_at timestamptz, before_id uuid, most integer) returns setof private.inbox_place
language plpgsql stable set search_path = ''
-- One plan for all, since making it anew takes longer than the page; it has no choice but the index.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
  -- Each list is a stretch of the index in the right order; of each at most a page is read, and the newest of all taken.
  if f.assignee is null then
    return query
    select page.conversation_id, page.sort_at
    from unnest(f.connections) as own (id) cross join unnest(f.states) as list (state)
    cross join lateral (
      select place.conversation_id, place.sort_at from private.inbox_places as place
      where place.connection_id = own.id and place.state = list.state
        and (place.sort_at, place.conversation_id) < (before_at, before_id)
      order by place.sort_at desc, place.conversation_id desc limit most) as page
    order by page.sort_at desc, page.conversation_id desc limit most;
  else
    return query
    select page.conversation_id, page.sort_at
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
  'The newest threads before a place that pass the filters an index knows: status, unread, assignee, connection.';

create function private.contacts_found(asked tsquery, most integer) returns uuid[]
language plpgsql stable set search_path = ''
set plan_cache_mode = force_custom_plan set enable_seqscan = off
as $$
declare
  found uuid[] := array(
    select contact.id from public.contacts as contact
    where private.contact_words(contact.workspace_id, contact.name, contact.profile_name, contact.phone, contact.tags) @@ asked
    limit most + 1);
begin
  return case when coalesce(cardinality(found) <= most, true) then found end;
end
$$;
comment on function private.contacts_found(tsquery, integer) is
  'The contacts found by their words, some perhaps of another workspace with the same scope. Null: more than `most`, which may be null.';

create function private.is_frequent(f private.conversation_filter, most integer) returns boolean
language plpgsql stable set search_path = ''
as $$
declare
  scope text := private.search_scope(f.workspace_id);
  known text;
  shares real[];
  expected double precision;
begin
  -- As the table's statistics know, which name each word that stands in more than one message of some hundreds. The planner's
  -- own guess is of no use: of whatever a word begins with it believes that one message in fifty has it.
  select stats.most_common_elems::text, stats.most_common_elem_freqs into known, shares
  from pg_catalog.pg_stats as stats where stats.schemaname = 'public' and stats.tablename = 'messages_words';
  -- A word that is none of them is rare, and so are all together: most searches end here, before a thousand words are taken apart.
  if exists (select from unnest(f.words) as word where strpos(known, scope || word) = 0) then
    return false;
  end if;
  -- Words are taken to be independent; where they are not, more is found than was expected, and given up then.
  select exp(sum(ln(greatest(1e-12, (
    select sum(common.share) from unnest(known::text[], shares) as common (word, share)
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
      and message.type in ('text', 'button', 'template', 'location', 'contacts', 'interactive', 'order', 'image', 'video', 'document')
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
  f.by_contact := private.contacts_found(f.contact_query, most);
  -- A number that no contact bears any more still names its thread.
  f.by_number := case when f.number is not null then array(
    select known.conversation_id from unnest(f.connections) as own (id)
    join private.conversation_identifiers as known on known.connection_id = own.id and known.identifier = f.number) end;
  f.by_message := private.threads_of_messages(f, most);
  return f;
end
$$;
comment on function private.gather(private.conversation_filter, integer) is
  'All contacts and threads that a search finds, if they are not more than so many.';

create function private.is_tagged(contact_id uuid, f private.conversation_filter) returns boolean
language plpgsql stable set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
  return exists (
    select from public.contacts as contact
    where contact.workspace_id = f.workspace_id and contact.id = is_tagged.contact_id and contact.tags @> f.tags);
end
$$;
comment on function private.is_tagged(uuid, private.conversation_filter) is 'Whether the contact of a thread has all tags that are asked for.';

create function private.is_found(conversation_id uuid, contact_id uuid, f private.conversation_filter) returns boolean
language plpgsql stable set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
  -- Looked up where it was gathered, looked into where it was too many. To take a text apart into words costs twenty times
  -- as much as to see that it lacks one.
  return is_found.contact_id = any (f.by_contact) or is_found.conversation_id = any (f.by_number)
    or is_found.conversation_id = any (f.by_message)
    or f.by_contact is null and exists (
      select from public.contacts as contact
      where contact.workspace_id = f.workspace_id and contact.id = is_found.contact_id
        and (f.number is not null or private.folded(concat_ws(' ', contact.name, contact.profile_name)) like all (f.parts))
        and private.contact_words(contact.workspace_id, contact.name, contact.profile_name, contact.phone, contact.tags) @@ f.contact_query)
    or f.by_message is null and exists (
      select from public.messages as message
      where message.workspace_id = f.workspace_id and message.conversation_id = is_found.conversation_id
        and message.type = any (private.searched_types())
        and private.folded(message.content::text) like all (f.parts)
        and private.message_words(message.workspace_id, message.type, message.content) @@ f.message_query);
end
$$;
comment on function private.is_found(uuid, uuid, private.conversation_filter) is 'Whether a search finds this one thread of the workspace.';

create function private.page_of(f private.conversation_filter, contacts uuid[], threads uuid[]) returns uuid[]
language plpgsql stable set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
as $$
begin
  return array(
    select ordered.id
    from (
      -- Sorted first, and looked into one after the other until the page is full. One that was found twice is there once.
      select distinct on (gathered.sort_at, gathered.id) gathered.id, gathered.contact_id
      from (
        -- Each by its key alone: what else is asked of it would tempt the planner to read the whole inbox by another index.
        select thread.* from unnest(contacts) as one (id)
        cross join lateral (
          select * from public.conversations as own
          where own.workspace_id = f.workspace_id and own.contact_id = one.id offset 0) as thread
        union all
        select thread.* from unnest(threads) as one (id)
        cross join lateral (select * from public.conversations as own where own.id = one.id offset 0) as thread
      ) as gathered
      where gathered.workspace_id = f.workspace_id and gathered.status = any (f.statuses) and gathered.is_read = any (f.read_marks)
        and (not f.by_assignee or gathered.assigned_to is not distinct from f.assignee)
        and gathered.connection_id = any (f.connections)
        and (gathered.sort_at, gathered.id) < (f.before_at, f.before_id)
      order by gathered.sort_at desc, gathered.id desc offset 0
    ) as ordered
    where (f.tags is null or private.is_tagged(ordered.contact_id, f))
      and (f.search is null or private.is_found(ordered.id, ordered.contact_id, f))
    limit f.page_size);
end
$$;
comment on function private.page_of(private.conversation_filter, uuid[], uuid[]) is 'The page out of the threads of contacts, and threads.';

create function private.page_by_walking(f private.conversation_filter) returns uuid[]
language plpgsql stable set search_path = ''
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  place private.inbox_place := row(f.before_id, f.before_at);
  stretch private.inbox_place[];
  found uuid[] := '{}';
  walked integer := 0;
begin
  loop
    stretch := array(
      select next from private.walk_places(f, place.sort_at, place.conversation_id, 200) as next);
    found := found || array(
      select ordered.id
      from (
        select thread.id, thread.contact_id
        from unnest(stretch) with ordinality as walked (conversation_id, sort_at, number)
        join public.conversations as thread on thread.id = walked.conversation_id
        order by walked.number offset 0
      ) as ordered
      where (f.tags is null or private.is_tagged(ordered.contact_id, f))
        and (f.search is null or private.is_found(ordered.id, ordered.contact_id, f))
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
  few integer;
  contacts uuid[];
  threads uuid[];
  page uuid[];
begin
  if f.search is null and f.tags is null then
    return array(select place.conversation_id from private.walk_places(f, f.before_at, f.before_id, f.page_size) as place);
  end if;
  -- What is gathered costs by the row, what is walked through by how seldom a thread fits: as dear at some twenty times the
  -- root of all threads. A table that nobody has looked at yet says -1.
  few := greatest(2000, 20 * sqrt(greatest(0, (
    select reltuples from pg_catalog.pg_class where oid = 'public.conversations'::regclass))));
  if f.search is not null then
    f := private.gather(f, few);
    contacts := f.by_contact;
    threads := f.by_number || f.by_message;
  end if;
  if contacts is null or f.by_message is null then
    -- Too many, or none asked for: by tags, or one after the other.
    contacts := private.contacts_found(f.tag_query, few);
    page := case when f.tags is null or contacts is null then private.page_by_walking(f) else private.page_of(f, contacts, '{}') end;
    if page is not null then
      return page;
    elsif f.search is null then
      return private.page_of(f, private.contacts_found(f.tag_query, null), '{}');
    end if;
    f := private.gather(f, null);
    contacts := f.by_contact;
    threads := f.by_number || f.by_message;
  end if;
  -- All of them are found already, and nothing is dearer than to hand thousands of ids on for each thread.
  f.search := null;
  f.by_contact := null;
  f.by_number := null;
  f.by_message := null;
  return private.page_of(f, contacts, threads);
end
$$;
comment on function private.find_conversations(private.conversation_filter) is 'The ids of a page, newest first.';
