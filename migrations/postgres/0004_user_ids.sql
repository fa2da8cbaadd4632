-- User IDs that were ever given out, by pattern: a number stays here when its account is gone, so that none comes twice.

create table user_ids (
  tenant text not null,
  pattern text not null,
  number bigint not null,
  given_at bigint not null,
  primary key (tenant, pattern, number)
);
