-- The worker's doorbell, one broadcast a statement. Told by the tables' changes it cost Postgres as much as the sends
-- themselves: Realtime looks for changes by reading the last seconds of the log again, ten times a second, and tells of
-- each row; what is broadcast is streamed to it once.
create function private.ring_worker() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  -- One row stands for all: it shows that the bell rings, see ring_doorbell.
  perform realtime.send(jsonb_build_object('message_id', queued.message_id), tg_table_name, 'wabase:worker', true)
  from (select each.message_id from queued_rows as each limit 1) as queued;
  return null;
end
$$;
comment on function private.ring_worker() is
  'Tells the private topic wabase:worker that rows have entered a queue, whose name is the event: {message_id}. Only the service role may listen.';

create trigger ring_worker after insert on public.outbox
  referencing new table as queued_rows for each statement execute function private.ring_worker();
create trigger ring_worker after insert on public.media_downloads
  referencing new table as queued_rows for each statement execute function private.ring_worker();

comment on function public.ring_doorbell() is
  'Puts a row into the outbox that is no message: a worker that does not hear its ring through Realtime knows that its doorbell is broken.';
