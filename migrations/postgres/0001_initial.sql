-- The first schema. One row of the table map below is one thing; a tenant is named by its slug and is the first key
-- column of all that belongs to one. Times are seconds since the epoch, JSON is text, secrets stand as SHA-256.

-- Deployment-wide values (a check value of the key-encryption key, say).
create table settings (
  name text primary key,
  value text not null
);

-- generation grows with every change of configuration, clients or keys: nodes poll it.
create table tenants (
  slug text primary key,
  version bigint not null,
  generation bigint not null,
  created_at bigint not null
);

create table tenant_versions (
  tenant text not null references tenants (slug),
  version bigint not null,
  files text not null,
  applied_at bigint not null,
  applied_by text not null,
  primary key (tenant, version)
);

create table data_keys (
  tenant text not null,
  id text not null,
  wrapped bytea not null,
  created_at bigint not null,
  retired_at bigint,
  primary key (tenant, id)
);

-- Relying parties -----------------------------------------------------------------------------------------------------

create table clients (
  tenant text not null,
  client_id text not null,
  metadata text not null,
  secret_hash text,
  source text not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant, client_id)
);

create table signing_keys (
  tenant text not null,
  kid text not null,
  alg text not null,
  state text not null,
  public_jwk text not null,
  sealed_private bytea not null,
  created_at bigint not null,
  activated_at bigint,
  retired_at bigint,
  remove_after bigint,
  primary key (tenant, kid)
);

-- People ----------------------------------------------------------------------------------------------------------------

create table accounts (
  tenant text not null,
  id text not null,
  sub text not null,
  login_id text not null,
  login_id_key text not null,
  email text not null,
  email_key text not null,
  state text not null,
  locale text not null,
  profile text not null,
  staff_roles text not null,
  generation bigint not null,
  name_key text not null,
  kana_key text not null,
  birth_date text not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant, id)
);
create unique index accounts_sub on accounts (tenant, sub);
create unique index accounts_login on accounts (tenant, login_id_key);
create unique index accounts_email on accounts (tenant, email_key);
create index accounts_birth on accounts (tenant, birth_date);

create table credentials (
  tenant text not null,
  account text not null,
  kind text not null,
  phc text not null,
  previous_phc text,
  set_at bigint not null,
  expires_at bigint,
  consumed_at bigint,
  primary key (tenant, account, kind),
  foreign key (tenant, account) references accounts (tenant, id) on delete cascade
);

create table enrolments (
  tenant text not null,
  id text not null,
  account text not null,
  student_id text not null,
  student_id_key text not null,
  facts text not null,
  application text,
  created_at bigint not null,
  ended_at bigint,
  primary key (tenant, id),
  foreign key (tenant, account) references accounts (tenant, id) on delete cascade
);
create index enrolments_account on enrolments (tenant, account);
create index enrolments_student on enrolments (tenant, student_id_key);

create table sessions (
  tenant text not null,
  token_hash text not null,
  id text not null,
  account text not null,
  account_generation bigint not null,
  authenticated_at bigint not null,
  acr text not null,
  amr text not null,
  created_at bigint not null,
  last_seen_at bigint not null,
  expires_at bigint not null,
  user_agent text not null,
  ended_at bigint,
  primary key (tenant, token_hash),
  foreign key (tenant, account) references accounts (tenant, id) on delete cascade
);
create unique index sessions_id on sessions (tenant, id);
create index sessions_account on sessions (tenant, account);
create index sessions_expiry on sessions (expires_at);

create table session_clients (
  tenant text not null,
  session text not null,
  client_id text not null,
  primary key (tenant, session, client_id)
);

-- Once means once ---------------------------------------------------------------------------------------------------------

create table one_time (
  tenant text not null,
  purpose text not null,
  token_hash text not null,
  subject text not null,
  payload text not null,
  created_at bigint not null,
  expires_at bigint not null,
  consumed_at bigint,
  revoked_at bigint,
  primary key (tenant, purpose, token_hash)
);
create index one_time_subject on one_time (tenant, purpose, subject);
create index one_time_expiry on one_time (expires_at);

create table attempts (
  tenant text not null,
  key_hash text not null,
  failures bigint not null,
  refused bigint not null,
  window_started_at bigint not null,
  locked_until bigint,
  primary key (tenant, key_hash)
);
create index attempts_age on attempts (window_started_at);

create table rate_counters (
  tenant text not null,
  key_hash text not null,
  count bigint not null,
  window_started_at bigint not null,
  expires_at bigint not null,
  primary key (tenant, key_hash)
);
create index rate_counters_expiry on rate_counters (expires_at);

-- Applications ------------------------------------------------------------------------------------------------------------

create table drafts (
  tenant text not null,
  id text not null,
  email text not null,
  email_key text not null,
  link_hash text not null,
  application text,
  kind text not null,
  locale text not null,
  answers text not null,
  terms_version text,
  terms_at bigint,
  interaction text,
  revision bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  expires_at bigint not null,
  submitted_at bigint,
  primary key (tenant, id)
);
create unique index drafts_link on drafts (tenant, link_hash);
create index drafts_email on drafts (tenant, email_key);
create index drafts_application on drafts (tenant, application);
create index drafts_expiry on drafts (expires_at);

create table draft_browsers (
  tenant text not null,
  token_hash text not null,
  draft text not null,
  expires_at bigint not null,
  primary key (tenant, token_hash)
);
create index draft_browsers_draft on draft_browsers (tenant, draft);
create index draft_browsers_expiry on draft_browsers (expires_at);

create table documents (
  tenant text not null,
  id text not null,
  draft text,
  application text,
  slot text not null,
  media_type text not null,
  width bigint not null,
  height bigint not null,
  bytes bigint not null,
  sha256 text not null,
  sealed bytea,
  thumbnail_sealed bytea,
  created_at bigint not null,
  deleted_at bigint,
  primary key (tenant, id)
);
create index documents_draft on documents (tenant, draft);
create index documents_application on documents (tenant, application);

create table applications (
  tenant text not null,
  id text not null,
  reference text not null,
  kind text not null,
  state text not null,
  version bigint not null,
  email text not null,
  email_key text not null,
  locale text not null,
  answers text not null,
  documents text not null,
  name_key text not null,
  kana_key text not null,
  birth_date text not null,
  student_id_key text not null,
  account text,
  return_client text,
  terms_version text not null,
  terms_at bigint not null,
  created_at bigint not null,
  submitted_at bigint not null,
  decided_at bigint,
  primary key (tenant, id)
);
create unique index applications_reference on applications (tenant, reference);
create index applications_queue on applications (tenant, state, submitted_at, id);
create index applications_email on applications (tenant, email_key);
create index applications_birth on applications (tenant, birth_date);
create index applications_student on applications (tenant, student_id_key);
create index applications_account on applications (tenant, account);
create index applications_decided on applications (decided_at);

-- One decision for each submission: the primary key says so.
create table decisions (
  tenant text not null,
  application text not null,
  version bigint not null,
  verdict text not null,
  reviewer text not null,
  reason text not null,
  notes text not null,
  at bigint not null,
  primary key (tenant, application, version),
  foreign key (tenant, application) references applications (tenant, id) on delete cascade
);

-- Where a tenant wants two reviewers: who said yes so far.
create table approvals (
  tenant text not null,
  application text not null,
  version bigint not null,
  reviewer text not null,
  at bigint not null,
  primary key (tenant, application, version, reviewer),
  foreign key (tenant, application) references applications (tenant, id) on delete cascade
);

create table roster (
  tenant text not null,
  line bigint not null,
  student_id_key text not null,
  name_key text not null,
  kana_key text not null,
  birth_date text not null,
  record text not null,
  imported_at bigint not null,
  primary key (tenant, line)
);
create index roster_student on roster (tenant, student_id_key);
create index roster_birth on roster (tenant, birth_date);
create index roster_name on roster (tenant, name_key);
create index roster_kana on roster (tenant, kana_key);

-- OpenID Connect ------------------------------------------------------------------------------------------------------------

create table interactions (
  tenant text not null,
  id_hash text not null,
  browser_hash text not null,
  request text not null,
  created_at bigint not null,
  expires_at bigint not null,
  finished_at bigint,
  primary key (tenant, id_hash)
);
create index interactions_expiry on interactions (expires_at);

create table grants (
  tenant text not null,
  id text not null,
  client_id text not null,
  account text not null,
  account_generation bigint not null,
  session_id text not null,
  scope text not null,
  nonce text,
  claims text,
  acr text not null,
  auth_time bigint not null,
  auth_time_requested bigint not null,
  redirect_uri text not null,
  code_challenge text,
  enrolment text,
  code_hash text not null,
  code_expires_at bigint not null,
  code_used_at bigint,
  extra text,
  created_at bigint not null,
  expires_at bigint not null,
  revoked_at bigint,
  primary key (tenant, id)
);
create unique index grants_code on grants (tenant, code_hash);
create index grants_account on grants (tenant, account, client_id);
create index grants_session on grants (tenant, session_id);
create index grants_expiry on grants (expires_at);

create table tokens (
  tenant text not null,
  token_hash text not null,
  kind text not null,
  grant_id text not null,
  scope text not null,
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint,
  primary key (tenant, token_hash)
);
create index tokens_grant on tokens (tenant, grant_id);
create index tokens_expiry on tokens (expires_at);

create table consents (
  tenant text not null,
  account text not null,
  client_id text not null,
  scope text not null,
  claims text not null,
  granted_at bigint not null,
  primary key (tenant, account, client_id)
);

-- Deliveries and the log ----------------------------------------------------------------------------------------------------

create table outbox (
  tenant text not null,
  id text not null,
  message_id text not null,
  from_address text not null,
  to_address text not null,
  subject text not null,
  body text not null,
  raw bytea not null,
  created_at bigint not null,
  next_attempt_at bigint not null,
  attempts bigint not null,
  lease_until bigint,
  sent_at bigint,
  dead_at bigint,
  last_error text,
  primary key (tenant, id)
);
create index outbox_due on outbox (next_attempt_at) where sent_at is null and dead_at is null;
create index outbox_age on outbox (created_at);

-- Append only. `chain` and `chain_hash` are filled in soon after by sealing: each hash covers the one before.
create table audit (
  seq bigint generated always as identity primary key,
  tenant text not null,
  at bigint not null,
  actor_kind text not null,
  actor text not null,
  action text not null,
  subject text not null,
  detail text not null,
  source_ip text,
  chain bigint,
  chain_hash text
);
create index audit_subject on audit (tenant, subject, seq);
create index audit_order on audit (tenant, seq);
create unique index audit_chain on audit (tenant, chain);
create index audit_unsealed on audit (tenant, seq) where chain is null;
