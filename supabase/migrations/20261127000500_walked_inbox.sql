-- What many threads have, a name, a word, a tag, is looked for along the inbox, newest first, and only what few have is
-- gathered and put in order.

drop function private.gather(private.conversation_filter, integer);
create function private.gather(f private.conversation_filter, most_contacts integer, most_messages integer)
returns private.conversation_filter
language plpgsql stable set search_path = ''
as $$
begin
  f.by_contact := case when most_contacts is null or not private.is_frequent_name(f, most_contacts)
    then private.contacts_found(f.contact_query, most_contacts) end;
  -- A number that no contact bears any more still names its thread.
  f.by_number := case when f.number is not null then array(
    select known.conversation_id from unnest(f.connections) as own (id)
    join private.conversation_identifiers as known on known.connection_id = own.id and known.identifier = f.number) end;
  f.by_message := private.threads_of_messages(f, most_messages);
  return f;
end
$$;
comment on function private.gather(private.conversation_filter, integer, integer) is
  'All contacts and threads that a search finds, unless its contacts or its messages are more than so many.';

create function private.walk_stretch(
  f private.conversation_filter, before_at timestamptz, before_id uuid, each integer) returns setof private.inbox_place
language plpgsql stable set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
  -- Of each list so many are read, and what lies behind the end of one that goes on is left to the next stretch.
  return query
  with read as materialized (
    select page.conversation_id, page.sort_at, page.turn
    from unnest(f.connections) as own (id) cross join unnest(f.states) as list (state)
    cross join lateral (
      select next.*, row_number() over () as turn
      from (
        select place.conversation_id, place.sort_at from private.inbox_places as place
        where f.assignee is null and place.connection_id = own.id and place.state = list.state
          and (place.sort_at, place.conversation_id) < (before_at, before_id)
        order by place.sort_at desc, place.conversation_id desc limit each
      ) as next
      union all
      select next.*, row_number() over () as turn
      from (
        select place.conversation_id, place.sort_at from private.inbox_places as place
        where place.assigned_to = f.assignee and place.connection_id = own.id and place.state = list.state
          and (place.sort_at, place.conversation_id) < (before_at, before_id)
        order by place.sort_at desc, place.conversation_id desc limit each
      ) as next) as page
  )
  select read.conversation_id, read.sort_at from read
  where ((read.sort_at, read.conversation_id) >= (
    select last.sort_at, last.conversation_id from read as last where last.turn = each
    order by last.sort_at desc, last.conversation_id desc limit 1)) is not false
  order by read.sort_at desc, read.conversation_id desc;
end
$$;
comment on function private.walk_stretch(private.conversation_filter, timestamptz, uuid, integer) is
  'The next threads of the inbox that pass the filters an index knows, in their order. At least so many, or it has ended.';

create function private.among(f private.conversation_filter, stretch private.inbox_place[], threads uuid[], most integer) returns uuid[]
language plpgsql stable set search_path = ''
-- Thousands beside hundreds: the one plan is to make a hash of either, whatever is believed of arrays.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = on set enable_nestloop = off set enable_mergejoin = off
as $$
begin
  return array(
    select walked.conversation_id
    from (
      select place.conversation_id from unnest(stretch) with ordinality as place (conversation_id, sort_at, turn)
      -- One that was found twice is there once.
      where place.conversation_id in (select unnest(threads))
      order by place.turn offset 0
    ) as walked
    where f.tags is null or private.is_tagged((
      select thread.contact_id from public.conversations as thread where thread.id = walked.conversation_id), f)
    limit most);
end
$$;
comment on function private.among(private.conversation_filter, private.inbox_place[], uuid[], integer) is
  'Of a stretch of the inbox the first that are among these threads.';

create function private.with_contact(f private.conversation_filter, stretch private.inbox_place[], most integer) returns uuid[]
language plpgsql stable set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return array(
    select walked.conversation_id
    from (
      select place.conversation_id from unnest(stretch) with ordinality as place (conversation_id, sort_at, turn)
      order by place.turn offset 0
    ) as walked
    cross join lateral (
      select thread.contact_id from public.conversations as thread where thread.id = walked.conversation_id offset 0
    ) as thread
    cross join lateral (
      select contact.* from public.contacts as contact
      where contact.workspace_id = f.workspace_id and contact.id = thread.contact_id offset 0
    ) as contact
    where (f.tags is null or contact.tags @> f.tags)
      and (f.search is null
        or (f.number is not null or private.folded(concat_ws(' ', contact.name, contact.profile_name)) like all (f.parts))
        and private.contact_words(contact.workspace_id, contact.name, contact.profile_name, contact.phone, contact.tags) @@ f.contact_query)
    limit most);
end
$$;
comment on function private.with_contact(private.conversation_filter, private.inbox_place[], integer) is
  'Of a stretch of the inbox the first whose contact has the tags that are asked for and is found by the search.';

create function private.read_through(f private.conversation_filter, stretch private.inbox_place[], most integer) returns uuid[]
language plpgsql stable set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return array(
    select walked.conversation_id
    from (
      select place.conversation_id from unnest(stretch) with ordinality as place (conversation_id, sort_at, turn)
      order by place.turn offset 0
    ) as walked
    cross join lateral (
      select thread.contact_id from public.conversations as thread where thread.id = walked.conversation_id offset 0
    ) as thread
    where (f.tags is null or private.is_tagged(thread.contact_id, f))
      and (f.search is null or private.is_found(walked.conversation_id, thread.contact_id, f))
    limit most);
end
$$;
comment on function private.read_through(private.conversation_filter, private.inbox_place[], integer) is
  'Of a stretch of the inbox the first that a search finds by contact or by looking into all their messages.';

drop function private.page_by_walking(private.conversation_filter);
create function private.page_by_walking(
  f private.conversation_filter, by_messages boolean, threads uuid[], most integer) returns uuid[]
language plpgsql stable set search_path = ''
as $$
declare
  place private.inbox_place := row(f.before_id, f.before_at);
  stretch private.inbox_place[];
  found uuid[] := '{}';
  lacking integer;
  walked integer := 0;
  -- Long enough where thousands are hashed for each stretch.
  each integer := case when threads is null then 100 else 500 end;
begin
  loop
    stretch := array(select next from private.walk_stretch(f, place.sort_at, place.conversation_id, each) as next);
    lacking := f.page_size - cardinality(found);
    found := found || case
      when threads is not null then private.among(f, stretch, threads, lacking)
      when by_messages then private.read_through(f, stretch, lacking)
      else private.with_contact(f, stretch, lacking) end;
    exit when cardinality(found) >= f.page_size or cardinality(stretch) < each;
    walked := walked + cardinality(stretch);
    -- So many fit, but not here: whoever gathers them after all is done in time.
    if walked >= most then
      return null;
    end if;
    place := stretch[cardinality(stretch)];
    each := least(2 * each, 1000);
  end loop;
  return found;
end
$$;
comment on function private.page_by_walking(private.conversation_filter, boolean, uuid[], integer) is
  'The page by looking at one thread after the other, newest first: whether it is one of `threads`, else at its messages, or at its contact alone. Null: it was not full after so many.';

create function private.newest(threads uuid[], most integer) returns uuid[]
language plpgsql stable set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
begin
  return array(
    select thread.id from public.conversations as thread where thread.id = any (threads)
    order by thread.sort_at desc, thread.id desc limit most);
end
$$;

create or replace function private.find_conversations(f private.conversation_filter) returns uuid[]
language plpgsql stable set search_path = ''
as $$
declare
  -- A table that nobody has looked at yet says -1.
  root double precision;
  few integer;
  many integer;
  contacts uuid[];
  threads uuid[];
  page uuid[] := '{}';
  walked uuid[];
begin
  if f.search is null and f.tags is null then
    return array(select place.conversation_id from private.walk_places(f, f.before_at, f.before_id, f.page_size) as place);
  end if;
  -- What is gathered costs by the row, what is walked past by how seldom one fits: as dear at some multiple of the root of all
  -- threads. To look at a contact costs twice what one costs that is gathered, at the id of a thread a fourth, and at all its
  -- messages forty times what a message costs that is gathered (bench/README.md).
  root := sqrt(greatest(0, (select reltuples from pg_catalog.pg_class where oid = 'public.conversations'::regclass)));
  few := greatest(1000, 10 * root);
  many := greatest(2000, 40 * root);
  if f.search is not null then
    f := private.gather(f, few, many);
  end if;
  if f.by_contact is null or f.by_message is null then
    -- Too many, or none asked for. Those with the tags may be few.
    contacts := case when f.tags is not null then private.contacts_found(f.tag_query, few) end;
    if contacts is not null then
      return private.page_of(f, contacts, '{}');
    elsif f.search is null then
      return coalesce(private.page_by_walking(f, false, null, 2 * few), private.page_of(f, private.contacts_found(f.tag_query, null), '{}'));
    end if;
  end if;
  if f.by_message is null then
    -- To look into a thread costs much.
    walked := private.page_by_walking(f, true, null, 2000);
    if walked is not null then
      return walked;
    end if;
    f := private.gather(f, null, null);
  end if;

  contacts := f.by_contact;
  threads := f.by_number || f.by_message;
  if contacts is null then
    walked := private.page_by_walking(f, false, null, 2 * few);
    contacts := case when walked is null then private.contacts_found(f.contact_query, null) end;
    page := page || walked;
  end if;
  -- What is found is known by now, and nothing is dearer than to hand thousands of ids on for each thread.
  f.search := null;
  f.by_contact := null;
  f.by_number := null;
  f.by_message := null;
  if cardinality(threads) > few / 2 then
    walked := private.page_by_walking(f, false, threads, many);
    threads := case when walked is null then threads end;
    page := page || walked;
  end if;
  -- Each is a page of its own kind, and the page is the newest of all.
  if page = '{}' then
    return private.page_of(f, contacts, threads);
  elsif cardinality(contacts) > 0 or cardinality(threads) > 0 then
    page := page || private.page_of(f, contacts, threads);
  end if;
  return private.newest(page, f.page_size);
end
$$;
