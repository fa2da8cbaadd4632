-- Back-Channel Logout: clients to be told that a session ended; a row goes when they were told, or cannot be.
create table logout_notices (
  tenant text not null,
  session text not null,
  client_id text not null,
  account text not null,
  next_attempt_at integer not null,
  attempts integer not null,
  lease_until integer,
  primary key (tenant, session, client_id)
) strict, without rowid;
create index logout_notices_due on logout_notices (next_attempt_at);
