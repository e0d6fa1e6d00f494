-- Nothing to seed: a workspace begins with its first user (see README).
select 1;
