-- Applications of other kinds than registration, what was handed in before, and what may be taken back.

-- Whose draft it is, where an account applies.
alter table drafts add column account text;
create index drafts_account on drafts (tenant, account);

-- How the stay was checked (JSON).
alter table enrolments add column verified text;

-- One application of a kind for an account at a time; those without an account are not restrained.
create unique index applications_pending on applications (tenant, account, kind)
  where state in ('submitted', 'correction_requested') and kind in ('enrolment', 'profile_change');

-- Answers of earlier submissions; version 0 is what stood before a change of the person's data.
create table submissions (
  tenant text not null,
  application text not null,
  version bigint not null,
  answers text not null,
  at bigint not null,
  primary key (tenant, application, version),
  foreign key (tenant, application) references applications (tenant, id) on delete cascade
);

-- An account that a reapplication moved, as it was before: what taking the match back restores.
create table account_moves (
  tenant text not null,
  application text not null,
  version bigint not null,
  account text not null,
  was text not null,
  moved_at bigint not null,
  undone_at bigint,
  undone_by text,
  reason text,
  primary key (tenant, application, version),
  foreign key (tenant, application) references applications (tenant, id) on delete cascade
);
create index account_moves_account on account_moves (tenant, account, moved_at);

-- Where the log begins, after lines were deleted at the end of their time: the last deleted link of its chain.
create table audit_anchors (
  tenant text not null,
  chain bigint not null,
  chain_hash text not null,
  primary key (tenant)
);
