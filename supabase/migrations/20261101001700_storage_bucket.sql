-- The private bucket for media. The first folder is the workspace, so membership decides.
insert into storage.buckets (id, name, public) values ('whatsapp-media', 'whatsapp-media', false)
on conflict (id) do nothing;

create policy "members read their workspace's media" on storage.objects
  for select to authenticated
  using (bucket_id = 'whatsapp-media'
    and (storage.foldername(name))[1] in (select id::text from private.user_workspace_ids() as id));
-- A name is a name to Storage and to S3, but a path to whatever keeps objects in a file system, and to every proxy: no
-- message may name one with such parts either.
create policy "members upload outgoing media" on storage.objects
  for insert to authenticated
  with check (bucket_id = 'whatsapp-media' and (storage.foldername(name))[2] = 'outgoing'
    and name !~ '(^|/)\.{0,2}(/|$)'
    and (storage.foldername(name))[1] in (select id::text from private.user_workspace_ids() as id));
