-- conversations and messages for frontends, the two queues as the worker's doorbell.
alter publication supabase_realtime
  add table public.conversations, public.messages, public.outbox, public.media_downloads;
