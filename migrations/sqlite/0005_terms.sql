-- Which versions of the terms each account agreed to, and when.
create table accepted_terms (
  tenant text not null,
  account text not null,
  version text not null,
  accepted_at integer not null,
  primary key (tenant, account, version),
  foreign key (tenant, account) references accounts (tenant, id) on delete cascade
) strict, without rowid;

insert into accepted_terms (tenant, account, version, accepted_at)
  select p.tenant, p.account, p.terms_version, min(p.terms_at) from applications p
  join accounts a on a.tenant = p.tenant and a.id = p.account
  where p.state = 'approved' and p.terms_version <> ''
  group by p.tenant, p.account, p.terms_version;

-- 1 while the account has yet to agree to terms that were in force when the session began.
alter table sessions add column terms_due integer not null default 0;
