-- A claim that commits after its worker has given up waiting leases messages that nobody sends: they would end in doubt. The
-- worker waits 15 seconds for an answer, of which PostgREST may spend 10 on a free connection; the Data API takes a function's
-- own limit over its role's.
alter function public.claim_outbound(integer, integer) set statement_timeout = '4s';
