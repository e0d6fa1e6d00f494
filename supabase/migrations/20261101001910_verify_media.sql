-- Files and what messages say of them, page by page: what is missing, wrong, stuck, or belongs to nobody; and what becomes of it.

-- Neither changes while a file is fetched, so that the updates on its way stay in place.
create index messages_media on public.messages (workspace_id, id) where media_id is not null;
-- Whether any message names an object, whatever it is called: asked before anything is removed.
create index messages_media_path on public.messages using hash (media_path) where media_path is not null;

create function private.uuid_of(written text) returns uuid
language sql immutable parallel safe set search_path = ''
as $$
  select case when written ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then written::uuid end
$$;
comment on function private.uuid_of(text) is 'The id that a folder or file is named by, spelled as Postgres spells it; null for any other name.';
grant execute on function private.uuid_of(text) to service_role;

create function public.verify_media(after text, max_rows integer, workspace_id uuid default null) returns jsonb
language plpgsql stable set search_path = ''
-- Row by row from the page on, whatever the statistics of a queue that fills and empties say; and in the order of the
-- index, or a workspace that is believed to be small is read whole and sorted for each page, be it from another index.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off
set enable_sort = off set enable_incremental_sort = off
as $$
declare
  after_workspace uuid := coalesce(split_part(after, '/', 1)::uuid, workspace_id, '00000000-0000-0000-0000-000000000000');
  after_message uuid := coalesce(split_part(after, '/', 2)::uuid, '00000000-0000-0000-0000-000000000000');
  last_workspace uuid := coalesce(workspace_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
begin
  return (
    with page as materialized (
      select message.workspace_id, message.id, message.media_status as status, message.media_path as path, message.media_size as size,
        message.media_sha256 as sha256
      from public.messages as message
      where message.media_id is not null and (message.workspace_id, message.id) > (after_workspace, after_message)
        and message.workspace_id <= last_workspace
      order by message.workspace_id, message.id limit max_rows
    ), compared as (
      select page.*, object.name is not null as is_there, object.metadata -> 'size' as found_size, waiting.message_id is not null as waits,
        coalesce(page.status in ('pending', 'downloading'), false) as is_to_wait
      from page
      left join public.media_downloads as waiting on waiting.message_id = page.id
      left join storage.objects as object
        on object.bucket_id = 'whatsapp-media' and object.name = page.path and page.status = 'stored'
    ), judged as (
      select compared.*, problem.*, problem.is_so is not null and problem.is_so as differs
      from compared
      cross join lateral (values
        ('stuck', waits <> is_to_wait, to_jsonb(status), to_jsonb(case when waits then 'queued' else 'not queued' end)),
        ('missing', status = 'stored' and not is_there, to_jsonb(size), null),
        ('size', status = 'stored' and is_there and size::text is distinct from found_size #>> '{}', to_jsonb(size), found_size)
      ) as problem (problem, is_so, recorded, found)
    )
    select jsonb_build_object(
      'after', (select page.workspace_id || '/' || page.id from page order by page.workspace_id desc, page.id desc limit 1),
      'checked', (select count(*) from page),
      'differences', coalesce((
        select jsonb_agg(jsonb_build_object('problem', problem, 'workspace_id', judged.workspace_id, 'message_id', id, 'path', path,
          'recorded', recorded, 'found', judged.found)) from judged where differs), '[]'),
      'files', coalesce((
        select jsonb_agg(jsonb_build_object('workspace_id', compared.workspace_id, 'message_id', id, 'path', path, 'sha256', sha256))
        from compared where is_there and size::text = found_size #>> '{}' and sha256 is not null), '[]')));
end
$$;
comment on function public.verify_media(text, integer, uuid) is
  'A page of messages with a file, held against the queue and the bucket: {after, checked, differences, files}. `files` are those whose bytes can be hashed.';
grant execute on function public.verify_media(text, integer, uuid) to service_role;

create function public.verify_media_objects(after text, max_rows integer, workspace_id uuid default null) returns jsonb
language plpgsql stable set search_path = ''
-- Row by row from the page on, whatever the statistics of a queue that fills and empties say.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  -- The character after the slash, and one after all others, end the folder and the bucket.
  first_name text := coalesce(after, workspace_id || '/', '');
  end_of_names text := coalesce(workspace_id || '0', chr(1114111));
begin
  return (
    with page as materialized (
      select object.name, object.metadata -> 'size' as size, greatest(object.created_at, object.updated_at) as written_at,
        split_part(object.name, '/', 2) = 'outgoing' and split_part(object.name, '/', 3) <> '' as is_outgoing,
        private.uuid_of(split_part(object.name, '/', 1)) as workspace_id,
        private.uuid_of(split_part(split_part(object.name, '/', 3), '.', 1)) as message_id
      from storage.objects as object
      where object.bucket_id = 'whatsapp-media' and object.name collate "C" > first_name and object.name collate "C" < end_of_names
      order by object.name collate "C" limit max_rows
    ), unnamed as (
      select page.*, case when page.workspace_id is null then 'stray' else 'orphan' end as problem
      from page
      -- A worker that stores a file has yet to record it.
      where page.written_at < now() - interval '1 hour'
        and not (page.is_outgoing and exists (select from public.workspaces as workspace where workspace.id = page.workspace_id))
        and not exists (select from public.messages as message where message.media_path = page.name)
        and not exists (
          select from public.media_downloads as waiting
          where waiting.message_id = page.message_id and starts_with(page.name, waiting.object_name))
        -- The worker is about to remove it.
        and not exists (
          select from private.media_removals as removal
          where removal.prefix in (page.name, private.object_stem(page.name), split_part(page.name, '/', 1) || '/'))
    )
    select jsonb_build_object(
      'after', (select page.name from page order by page.name collate "C" desc limit 1),
      'checked', (select count(*) from page),
      'differences', coalesce((
        select jsonb_agg(jsonb_build_object('problem', problem, 'workspace_id', unnamed.workspace_id, 'message_id', null, 'path', name,
          'recorded', null, 'found', size)) from unnamed), '[]')));
end
$$;
comment on function public.verify_media_objects(text, integer, uuid) is
  'A page of the bucket''s objects, held against messages, the queue and workspaces: {after, checked, differences}. What is younger than an hour is let be.';
grant execute on function public.verify_media_objects(text, integer, uuid) to service_role;

create function private.lose_media(message public.messages) returns text
language plpgsql set search_path = ''
as $$
begin
  -- Whether the file or what the row says of it was wrong, nobody knows: the one to come is proven by WhatsApp's word.
  update public.messages as lost set media_status = 'expired', media_path = null, media_size = null, media_sha256 = null,
    media_error = private.media_error('lost')
  where lost.id = message.id;
  if exists (
    select from public.whatsapp_connections as connection
    where connection.id = message.connection_id
      and case when message.imported then message.created_at else message.occurred_at end + connection.media_lifetime > now()) then
    perform public.retry_media(message.id);
    return 'queued';
  end if;
  return 'expired';
end
$$;
comment on function private.lose_media(public.messages) is
  'A message whose file is not there or not what it should be: queued once more if the provider may still have it, else expired, `lost`.';
grant execute on function private.lose_media(public.messages) to service_role;

-- Whoever deletes a message holds it and comes for the queue's row: the repair steps back and is asked for again.
create function public.record_lost_media(losses jsonb) returns jsonb
language plpgsql set search_path = '' set lock_timeout = '500ms'
as $$
declare
  loss record;
  message public.messages;
  is_queued boolean;
  repair text;
  repairs jsonb := '[]';
begin
  -- losses: [{message_id, problem: stuck|missing|size|hash, path}] as verify_media gives them, each looked at once more.
  for loss in
    select * from jsonb_to_recordset(losses) as told (message_id uuid, problem text, path text)
    order by told.message_id, told.problem desc
  loop
    -- The queue's row is locked before the message, as everywhere.
    perform from public.media_downloads as waiting where waiting.message_id = loss.message_id for update;
    is_queued := found;
    select * into message from public.messages as wanted where wanted.id = loss.message_id for no key update;
    repair := 'unchanged';
    if loss.problem = 'stuck' and is_queued and message.media_status = 'stored' then
      delete from public.media_downloads as waiting where waiting.message_id = message.id;
      repair := 'unqueued';
    elsif loss.problem = 'stuck' and is_queued and coalesce(message.media_status not in ('pending', 'downloading'), true) then
      update public.messages as waiting set media_status = 'pending', media_error = null where waiting.id = message.id;
      repair := 'queued';
    elsif loss.problem = 'stuck' and not is_queued and message.media_status in ('pending', 'downloading') then
      repair := private.lose_media(message);
    elsif loss.problem in ('missing', 'size', 'hash') and not is_queued and message.media_status = 'stored'
      and message.media_path is not distinct from loss.path
      and (loss.problem = 'hash' or not exists (
        select from storage.objects as object
        where object.bucket_id = 'whatsapp-media' and object.name = message.media_path
          and object.metadata ->> 'size' is not distinct from message.media_size::text)) then
      repair := private.lose_media(message);
    end if;
    repairs := repairs || jsonb_build_object('message_id', loss.message_id, 'problem', loss.problem, 'repair', repair);
  end loop;
  return repairs;
end
$$;
comment on function public.record_lost_media(jsonb) is
  'Repairs what verify_media found and is still so: [{message_id, problem, repair: queued|expired|unqueued|unchanged}]. A second time changes nothing.';
grant execute on function public.record_lost_media(jsonb) to service_role;
