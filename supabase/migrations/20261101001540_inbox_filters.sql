-- What a member asks of the inbox, read with care: every word of it comes from a browser.

create type private.conversation_filter as (
  workspace_id uuid, statuses text[], read_marks boolean[], by_assignee boolean, assignee uuid, states smallint[], connections uuid[],
  -- What to look for: whole words, and each as a part of a folded text; a phone number; and what the indexes are asked.
  tags text[], search text, words text[], parts text[], number text, contact_query tsquery, message_query tsquery, tag_query tsquery,
  page_size integer, before_at timestamptz, before_id uuid,
  -- What a search has gathered so far: contacts, and threads by their number and by their messages. Null: too many.
  by_contact uuid[], by_number uuid[], by_message uuid[]);
comment on type private.conversation_filter is 'The filters of get_conversations, checked and made into queries.';

create function private.refuse_argument(field text, allowed text) returns void
language plpgsql set search_path = ''
as $$
begin
  raise exception '% is not allowed', field using errcode = 'WA024', detail = field, hint = allowed;
end
$$;
comment on function private.refuse_argument(text, text) is 'WA024, with the field in the details and what is allowed in the hint.';
grant execute on function private.refuse_argument(text, text) to authenticated, service_role;

create function private.page_size(size numeric) returns integer
language plpgsql immutable set search_path = ''
as $$
begin
  if size is null then
    return 50;
  elsif size not between 1 and 200 or size <> trunc(size) then
    perform private.refuse_argument('limit', 'a whole number from 1 to 200');
  end if;
  return size;
end
$$;
comment on function private.page_size(numeric) is 'The size of a page, 50 where none is given. WA024.';
grant execute on function private.page_size(numeric) to authenticated, service_role;

create function private.check_filters(filters jsonb) returns void
language plpgsql immutable set search_path = ''
as $$
declare
  field text;
  allowed text;
begin
  if jsonb_typeof(filters) <> 'object' or pg_column_size(filters) > 20000 then
    perform private.refuse_argument('filters', 'an object of at most 20 kB');
  end if;
  select key into field from jsonb_object_keys(filters) as key
  where key not in ('search', 'status', 'unread', 'assignee', 'tags', 'connection_id', 'limit', 'cursor') limit 1;
  if found then
    perform private.refuse_argument(left(field, 100), 'search, status, unread, assignee, tags, connection_id, limit, cursor');
  end if;
  -- All at once: every page of every inbox comes by here.
  select known.field, known.allowed into field, allowed
  from (values ('search', 'string', 'from 2 to 100 characters'), ('status', 'string', 'open, archived or all'),
    ('unread', 'boolean', 'true or false'), ('assignee', 'string', 'me, nobody or a user id'), ('tags', 'array', 'an array of texts'),
    ('connection_id', 'string', 'a uuid'), ('limit', 'number', 'a whole number from 1 to 200'), ('cursor', 'string', 'the cursor of a row')
  ) as known (field, kind, allowed)
  where jsonb_typeof(filters -> known.field) not in (known.kind, 'null') limit 1;
  if found then
    perform private.refuse_argument(field, allowed);
  end if;
end
$$;
comment on function private.check_filters(jsonb) is 'WA024 unless it is an object of filters, each of its kind, or null.';

create function private.filter_id(field text, given text, allowed text) returns uuid
language plpgsql immutable set search_path = ''
as $$
begin
  if given !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    perform private.refuse_argument(field, allowed);
  end if;
  return given;
end
$$;
comment on function private.filter_id(text, text, text) is 'The value of a filter that is an id. WA024.';

create function private.filter_tags(given jsonb) returns text[]
language plpgsql immutable set search_path = ''
as $$
begin
  if jsonb_array_length(given) > 20 or exists (
    select from jsonb_array_elements(given) as tag where jsonb_typeof(tag) <> 'string' or char_length(tag #>> '{}') > 100)
  then
    perform private.refuse_argument('tags', 'at most 20 texts of at most 100 characters');
  end if;
  return (select array_agg(tag) from jsonb_array_elements_text(given) as tag);
end
$$;

create function private.read_filters(workspace_id uuid, filters jsonb) returns private.conversation_filter
language plpgsql stable set search_path = ''
as $$
declare
  f private.conversation_filter;
  given text;
begin
  perform private.check_filters(filters);
  f.workspace_id := read_filters.workspace_id;
  given := coalesce(filters ->> 'status', 'open');
  if given not in ('open', 'archived', 'all') then
    perform private.refuse_argument('status', 'open, archived or all');
  end if;
  f.statuses := case given when 'all' then array['open', 'archived'] else array[given] end;
  f.read_marks := case filters ->> 'unread' when 'true' then array[false] when 'false' then array[true] else array[false, true] end;

  given := filters ->> 'assignee';
  f.by_assignee := given is not null;
  if given = 'me' then
    f.assignee := (select auth.uid());
    -- Who is no user has nothing of their own, and must not be given what is nobody's.
    if f.assignee is null then
      perform private.refuse_argument('assignee', 'nobody or a user id: the backend is no user');
    end if;
  elsif given <> 'nobody' then
    f.assignee := private.filter_id('assignee', given, 'me, nobody or a user id');
  end if;
  f.states := array(
    select distinct private.inbox_state(has.assigned_to, mark.is_read, kind.status)
    from unnest(f.statuses) as kind (status) cross join unnest(f.read_marks) as mark (is_read)
    -- Somebody, whoever it is, and nobody.
    cross join unnest(array[f.workspace_id, null]) as has (assigned_to)
    where not f.by_assignee or (has.assigned_to is null) = (f.assignee is null));
  given := private.filter_id('connection_id', filters ->> 'connection_id', 'a uuid');
  -- The workspace's own, and nobody else's: the lists of the inbox hang on it.
  f.connections := array(select connection.id from public.whatsapp_connections as connection
    where connection.workspace_id = read_filters.workspace_id and (given is null or connection.id = given::uuid));

  f.page_size := private.page_size((filters ->> 'limit')::numeric);
  f := private.read_cursor(f, filters ->> 'cursor');
  -- Most pages are not searched, and reading nothing takes time, too.
  if filters ->> 'search' is not null or filters ->> 'tags' is not null then
    f.tags := private.filter_tags(nullif(filters -> 'tags', 'null'));
    f := private.read_search(f, filters ->> 'search');
  end if;
  return f;
end
$$;
comment on function private.read_filters(uuid, jsonb) is 'The filters of get_conversations, checked. WA024.';

create function private.read_cursor(f private.conversation_filter, cursor text) returns private.conversation_filter
language plpgsql immutable set search_path = ''
as $$
begin
  f.before_at := 'infinity';
  f.before_id := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  if cursor is not null then
    if cursor !~ '^-?[0-9]{1,16}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
      perform private.refuse_argument('cursor', 'the cursor of a row');
    end if;
    -- To the microsecond: 16 digits are exact in the double that an interval is multiplied by.
    f.before_at := timestamptz 'epoch' + split_part(cursor, '.', 1)::bigint * interval '1 microsecond';
    f.before_id := split_part(cursor, '.', 2);
  end if;
  return f;
end
$$;

create function private.read_search(f private.conversation_filter, search text) returns private.conversation_filter
language plpgsql immutable set search_path = ''
as $$
declare
  scope text := private.search_scope(f.workspace_id);
begin
  f.search := regexp_replace(private.seen(search), '^\s+|\s+$', '', 'g');
  if char_length(f.search) not between 2 and 100 then
    perform private.refuse_argument('search', 'from 2 to 100 characters');
  end if;
  f.words := tsvector_to_array(private.words('', f.search));
  f.parts := array(select '%' || private.folded(word) || '%' from unnest(f.words) as word);
  f.contact_query := private.contact_query(f.workspace_id, f.search);
  -- Of millions of messages, two letters would begin a word in most.
  f.message_query := private.word_query(scope, f.search, 3);
  f.number := private.phone_key(private.searched_number(f.search));
  f.tag_query := (select string_agg(format('%st%s', scope, md5(tag)), ' & ') from unnest(f.tags) as tag)::tsquery;
  return f;
end
$$;
