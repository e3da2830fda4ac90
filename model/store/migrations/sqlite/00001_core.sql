-- The core: places, records with their trace, accounts, and what runs beside them. Times are milliseconds since 1970 UTC,
-- ids 16 bytes, sealed values and hashes bytes. Every statement also runs on the other engine but for its types.
-- +goose Up
CREATE TABLE areas (
  code TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  level TEXT NOT NULL DEFAULT '',
  parent TEXT NOT NULL DEFAULT '',
  exclusive BOOLEAN NOT NULL DEFAULT 0,
  valid_from INTEGER NULL,
  valid_to INTEGER NULL,
  successor TEXT NOT NULL DEFAULT '',
  version INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (code)
);
CREATE INDEX areas_parent ON areas (parent, code);

CREATE TABLE buildings (
  id BLOB NOT NULL,
  area_code TEXT NOT NULL DEFAULT '',
  street TEXT NOT NULL DEFAULT '',
  community TEXT NOT NULL DEFAULT '',
  grid TEXT NOT NULL DEFAULT '',
  micro_grid TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  kind TEXT NOT NULL DEFAULT '',
  units INTEGER NOT NULL DEFAULT 0,
  floors INTEGER NOT NULL DEFAULT 0,
  rooms_per_floor INTEGER NOT NULL DEFAULT 0,
  lon REAL NULL,
  lat REAL NULL,
  version INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NULL,
  PRIMARY KEY (id)
);
CREATE INDEX buildings_area ON buildings (area_code, id);

CREATE TABLE rooms (
  id BLOB NOT NULL,
  building_id BLOB NOT NULL,
  area_code TEXT NOT NULL DEFAULT '',
  street TEXT NOT NULL DEFAULT '',
  community TEXT NOT NULL DEFAULT '',
  grid TEXT NOT NULL DEFAULT '',
  micro_grid TEXT NOT NULL DEFAULT '',
  unit TEXT NOT NULL DEFAULT '',
  floor INTEGER NOT NULL DEFAULT 0,
  number TEXT NOT NULL DEFAULT '',
  use TEXT NOT NULL DEFAULT '',
  merged_into BLOB NULL,
  version INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX rooms_number ON rooms (building_id, unit, number);
CREATE INDEX rooms_area ON rooms (area_code, building_id);

CREATE TABLE qr_codes (
  code TEXT NOT NULL DEFAULT '',
  building_id BLOB NOT NULL,
  unit TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT '',
  version INTEGER NOT NULL DEFAULT 0,
  issued_at INTEGER NULL,
  issued_by BLOB NULL,
  revoked_at INTEGER NULL,
  scans INTEGER NOT NULL DEFAULT 0,
  live TEXT NULL,
  PRIMARY KEY (code)
);
CREATE UNIQUE INDEX qr_codes_live ON qr_codes (live);
CREATE INDEX qr_codes_building ON qr_codes (building_id, issued_at);

CREATE TABLE records (
  id BLOB NOT NULL,
  kind TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT '',
  stage TEXT NOT NULL DEFAULT '',
  version INTEGER NOT NULL DEFAULT 0,
  area_code TEXT NOT NULL DEFAULT '',
  street TEXT NOT NULL DEFAULT '',
  community TEXT NOT NULL DEFAULT '',
  grid TEXT NOT NULL DEFAULT '',
  micro_grid TEXT NOT NULL DEFAULT '',
  building_id BLOB NULL,
  unit TEXT NOT NULL DEFAULT '',
  room TEXT NOT NULL DEFAULT '',
  room_id BLOB NULL,
  room_unmatched BOOLEAN NOT NULL DEFAULT 0,
  household_id BLOB NULL,
  submitter_id BLOB NOT NULL,
  submitter_role TEXT NOT NULL DEFAULT '',
  submitter_name TEXT NOT NULL DEFAULT '',
  channel TEXT NOT NULL DEFAULT '',
  notice TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL DEFAULT '',
  extra TEXT NULL,
  subject_index BLOB NULL,
  phone_index BLOB NULL,
  data_key BLOB NULL,
  request_hash BLOB NULL,
  submitted_at INTEGER NOT NULL,
  verified_at INTEGER NULL,
  verified_by BLOB NULL,
  verified_name TEXT NOT NULL DEFAULT '',
  verify_method TEXT NOT NULL DEFAULT '',
  due_at INTEGER NULL,
  assignee_id BLOB NULL,
  handle_due_at INTEGER NULL,
  handle_level INTEGER NOT NULL DEFAULT 0,
  resolver_id BLOB NULL,
  closed_at INTEGER NULL,
  rating INTEGER NOT NULL DEFAULT 0,
  ever_verified BOOLEAN NOT NULL DEFAULT 0,
  PRIMARY KEY (id)
);
CREATE INDEX records_street ON records (street, submitted_at, id);
CREATE INDEX records_community ON records (community, submitted_at, id);
CREATE INDEX records_grid ON records (grid, submitted_at, id);
CREATE INDEX records_micro_grid ON records (micro_grid, submitted_at, id);
CREATE INDEX records_building ON records (building_id, submitted_at, id);
CREATE INDEX records_submitter ON records (submitter_id, submitted_at, id);
CREATE INDEX records_room ON records (room_id, status, due_at);
CREATE INDEX records_household ON records (household_id);
CREATE INDEX records_subject ON records (subject_index);
CREATE INDEX records_phone ON records (phone_index);
CREATE INDEX records_title ON records (title, submitted_at, id);
CREATE INDEX records_due ON records (status, due_at);
CREATE INDEX records_tally ON records (area_code, kind, status);

CREATE TABLE revisions (
  id BLOB NOT NULL,
  record_id BLOB NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL,
  actor_id BLOB NULL,
  actor_role TEXT NOT NULL DEFAULT '',
  actor_name TEXT NOT NULL DEFAULT '',
  act TEXT NOT NULL DEFAULT '',
  from_state TEXT NOT NULL DEFAULT '',
  to_state TEXT NOT NULL DEFAULT '',
  note BLOB NULL,
  changes BLOB NULL,
  step_id BLOB NULL,
  step_hash BLOB NULL,
  source TEXT NOT NULL DEFAULT '',
  request_id TEXT NOT NULL DEFAULT '',
  area_code TEXT NOT NULL DEFAULT '',
  hash BLOB NOT NULL,
  prev_hash BLOB NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX revisions_version ON revisions (record_id, version);
CREATE UNIQUE INDEX revisions_step ON revisions (record_id, step_id);
CREATE INDEX revisions_at ON revisions (at, id);

CREATE TABLE links (
  id BLOB NOT NULL,
  record_id BLOB NOT NULL,
  other_id BLOB NOT NULL,
  relation TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX links_pair ON links (record_id, other_id, relation);
CREATE INDEX links_other ON links (other_id);

CREATE TABLE dispatches (
  record_id BLOB NOT NULL,
  account_id BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (record_id, account_id)
);
CREATE INDEX dispatches_account ON dispatches (account_id, record_id);

CREATE TABLE attachments (
  id BLOB NOT NULL,
  owner_id BLOB NOT NULL,
  record_id BLOB NULL,
  mime TEXT NOT NULL DEFAULT '',
  bytes INTEGER NOT NULL DEFAULT 0,
  width INTEGER NOT NULL DEFAULT 0,
  height INTEGER NOT NULL DEFAULT 0,
  sha256 BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX attachments_record ON attachments (record_id);
CREATE INDEX attachments_owner ON attachments (owner_id, created_at);

CREATE TABLE accounts (
  id BLOB NOT NULL,
  kind TEXT NOT NULL DEFAULT '',
  username TEXT NULL,
  name TEXT NOT NULL DEFAULT '',
  password_hash TEXT NOT NULL DEFAULT '',
  otp_secret BLOB NULL,
  open_id_index BLOB NULL,
  open_id BLOB NULL,
  phone BLOB NULL,
  phone_index BLOB NULL,
  building_id BLOB NULL,
  disabled BOOLEAN NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER NULL,
  created_at INTEGER NOT NULL,
  created_by BLOB NULL,
  version INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX accounts_username ON accounts (username);
CREATE UNIQUE INDEX accounts_open_id ON accounts (open_id_index);
CREATE INDEX accounts_created ON accounts (created_at, id);

CREATE TABLE grants (
  id BLOB NOT NULL,
  account_id BLOB NOT NULL,
  role TEXT NOT NULL DEFAULT '',
  area_code TEXT NOT NULL DEFAULT '',
  granted_at INTEGER NOT NULL,
  granted_by BLOB NULL,
  ended_at INTEGER NULL,
  PRIMARY KEY (id)
);
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_area ON grants (area_code, account_id);

CREATE TABLE sessions (
  id BLOB NOT NULL,
  account_id BLOB NOT NULL,
  token_hash BLOB NOT NULL,
  csrf_hash BLOB NULL,
  building_id BLOB NULL,
  console BOOLEAN NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER NULL,
  source TEXT NOT NULL DEFAULT '',
  agent TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_account ON sessions (account_id, created_at);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE consents (
  id BLOB NOT NULL,
  account_id BLOB NOT NULL,
  version TEXT NOT NULL DEFAULT '',
  scopes TEXT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX consents_account ON consents (account_id, at);

CREATE TABLE assignments (
  id BLOB NOT NULL,
  account_id BLOB NOT NULL,
  building_id BLOB NULL,
  unit TEXT NOT NULL DEFAULT '',
  area_code TEXT NOT NULL DEFAULT '',
  team TEXT NOT NULL DEFAULT '',
  from_at INTEGER NOT NULL,
  to_at INTEGER NULL,
  created_at INTEGER NOT NULL,
  created_by BLOB NULL,
  ended_at INTEGER NULL,
  PRIMARY KEY (id)
);
CREATE INDEX assignments_account ON assignments (account_id, ended_at);
CREATE INDEX assignments_building ON assignments (building_id);
CREATE INDEX assignments_created ON assignments (created_at, id);

CREATE TABLE visits (
  id BLOB NOT NULL,
  room_id BLOB NOT NULL,
  building_id BLOB NOT NULL,
  area_code TEXT NOT NULL DEFAULT '',
  street TEXT NOT NULL DEFAULT '',
  community TEXT NOT NULL DEFAULT '',
  grid TEXT NOT NULL DEFAULT '',
  micro_grid TEXT NOT NULL DEFAULT '',
  account_id BLOB NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  method TEXT NOT NULL DEFAULT '',
  outcome TEXT NOT NULL DEFAULT '',
  note BLOB NULL,
  lon REAL NULL,
  lat REAL NULL,
  at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  late BOOLEAN NOT NULL DEFAULT 0,
  hash BLOB NULL,
  PRIMARY KEY (id)
);
CREATE INDEX visits_room ON visits (room_id, at);
CREATE INDEX visits_building ON visits (building_id, at);
CREATE INDEX visits_account ON visits (account_id, at);

CREATE TABLE audit (
  id BLOB NOT NULL,
  at INTEGER NOT NULL,
  actor_id BLOB NULL,
  actor_role TEXT NOT NULL DEFAULT '',
  actor_name TEXT NOT NULL DEFAULT '',
  act TEXT NOT NULL DEFAULT '',
  target TEXT NOT NULL DEFAULT '',
  area_code TEXT NOT NULL DEFAULT '',
  result TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '',
  request_id TEXT NOT NULL DEFAULT '',
  seq INTEGER NULL,
  hash BLOB NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX audit_seq ON audit (seq);
CREATE INDEX audit_at ON audit (at, id);
CREATE INDEX audit_area ON audit (area_code, at);
CREATE INDEX audit_actor ON audit (actor_id, at);

CREATE TABLE jobs (
  id BLOB NOT NULL,
  owner_id BLOB NOT NULL,
  kind TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT '',
  payload BLOB NULL,
  done INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0,
  problem TEXT NULL,
  file_name TEXT NOT NULL DEFAULT '',
  file_bytes INTEGER NOT NULL DEFAULT 0,
  file_sha256 BLOB NULL,
  run_at INTEGER NOT NULL,
  lease_until INTEGER NULL,
  lease_by BLOB NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  ended_at INTEGER NULL,
  area_code TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (id)
);
CREATE INDEX jobs_state ON jobs (state, run_at);
CREATE INDEX jobs_owner ON jobs (owner_id, created_at);

CREATE TABLE settings (
  name TEXT NOT NULL DEFAULT '',
  value BLOB NULL,
  updated_at INTEGER NULL,
  PRIMARY KEY (name)
);

CREATE TABLE scan_passes (
  account_id BLOB NOT NULL,
  building_id BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account_id, building_id)
);

CREATE TABLE extra_fields (
  id BLOB NOT NULL,
  area_code TEXT NOT NULL DEFAULT '',
  kind TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  label TEXT NOT NULL DEFAULT '',
  type TEXT NOT NULL DEFAULT '',
  required BOOLEAN NOT NULL DEFAULT 0,
  options TEXT NULL,
  created_at INTEGER NOT NULL,
  closed_at INTEGER NULL,
  PRIMARY KEY (id)
);
CREATE INDEX extra_fields_area ON extra_fields (area_code, kind);
