-- Whoever holds a thread or a number for long holds up its own messages, and nobody else's: the receiver divides what could
-- not be recorded at once, and it can only once Postgres has let go of what the attempt held itself.
alter function public.record_inbound(jsonb, jsonb, jsonb, uuid, jsonb) set lock_timeout = '3s';
