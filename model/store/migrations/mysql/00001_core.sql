-- The core: places, records with their trace, accounts, and what runs beside them. Times are milliseconds since 1970 UTC,
-- ids 16 bytes, sealed values and hashes bytes. Every statement also runs on the other engine but for its types.
-- +goose Up
CREATE TABLE areas (
  code VARCHAR(40) NOT NULL DEFAULT '',
  `name` VARCHAR(64) NOT NULL DEFAULT '',
  level VARCHAR(40) NOT NULL DEFAULT '',
  parent VARCHAR(40) NOT NULL DEFAULT '',
  exclusive BOOLEAN NOT NULL DEFAULT 0,
  valid_from BIGINT NULL,
  valid_to BIGINT NULL,
  successor VARCHAR(40) NOT NULL DEFAULT '',
  version BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (code),
  KEY areas_parent (parent, code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE buildings (
  id BINARY(16) NOT NULL,
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  street VARCHAR(40) NOT NULL DEFAULT '',
  community VARCHAR(40) NOT NULL DEFAULT '',
  grid VARCHAR(40) NOT NULL DEFAULT '',
  micro_grid VARCHAR(40) NOT NULL DEFAULT '',
  `name` VARCHAR(128) NOT NULL DEFAULT '',
  address VARCHAR(200) NOT NULL DEFAULT '',
  kind VARCHAR(40) NOT NULL DEFAULT '',
  units BIGINT NOT NULL DEFAULT 0,
  floors BIGINT NOT NULL DEFAULT 0,
  rooms_per_floor BIGINT NOT NULL DEFAULT 0,
  lon DOUBLE NULL,
  lat DOUBLE NULL,
  version BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NULL,
  PRIMARY KEY (id),
  KEY buildings_area (area_code, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE rooms (
  id BINARY(16) NOT NULL,
  building_id BINARY(16) NOT NULL,
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  street VARCHAR(40) NOT NULL DEFAULT '',
  community VARCHAR(40) NOT NULL DEFAULT '',
  grid VARCHAR(40) NOT NULL DEFAULT '',
  micro_grid VARCHAR(40) NOT NULL DEFAULT '',
  unit VARCHAR(40) NOT NULL DEFAULT '',
  floor BIGINT NOT NULL DEFAULT 0,
  number VARCHAR(40) NOT NULL DEFAULT '',
  `use` VARCHAR(40) NOT NULL DEFAULT '',
  merged_into BINARY(16) NULL,
  version BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  UNIQUE KEY rooms_number (building_id, unit, number),
  KEY rooms_area (area_code, building_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE qr_codes (
  code VARCHAR(40) NOT NULL DEFAULT '',
  building_id BINARY(16) NOT NULL,
  unit VARCHAR(40) NOT NULL DEFAULT '',
  status VARCHAR(40) NOT NULL DEFAULT '',
  version BIGINT NOT NULL DEFAULT 0,
  issued_at BIGINT NULL,
  issued_by BINARY(16) NULL,
  revoked_at BIGINT NULL,
  scans BIGINT NOT NULL DEFAULT 0,
  live VARCHAR(64) NULL,
  PRIMARY KEY (code),
  UNIQUE KEY qr_codes_live (live),
  KEY qr_codes_building (building_id, issued_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE records (
  id BINARY(16) NOT NULL,
  kind VARCHAR(40) NOT NULL DEFAULT '',
  status VARCHAR(40) NOT NULL DEFAULT '',
  stage VARCHAR(40) NOT NULL DEFAULT '',
  version BIGINT NOT NULL DEFAULT 0,
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  street VARCHAR(40) NOT NULL DEFAULT '',
  community VARCHAR(40) NOT NULL DEFAULT '',
  grid VARCHAR(40) NOT NULL DEFAULT '',
  micro_grid VARCHAR(40) NOT NULL DEFAULT '',
  building_id BINARY(16) NULL,
  unit VARCHAR(40) NOT NULL DEFAULT '',
  room VARCHAR(40) NOT NULL DEFAULT '',
  room_id BINARY(16) NULL,
  room_unmatched BOOLEAN NOT NULL DEFAULT 0,
  household_id BINARY(16) NULL,
  submitter_id BINARY(16) NOT NULL,
  submitter_role VARCHAR(40) NOT NULL DEFAULT '',
  submitter_name VARCHAR(64) NOT NULL DEFAULT '',
  channel VARCHAR(40) NOT NULL DEFAULT '',
  notice VARCHAR(40) NOT NULL DEFAULT '',
  title VARCHAR(200) NOT NULL DEFAULT '',
  extra TEXT NULL,
  subject_index VARBINARY(32) NULL,
  phone_index VARBINARY(32) NULL,
  data_key VARBINARY(512) NULL,
  request_hash VARBINARY(32) NULL,
  submitted_at BIGINT NOT NULL,
  verified_at BIGINT NULL,
  verified_by BINARY(16) NULL,
  verified_name VARCHAR(64) NOT NULL DEFAULT '',
  verify_method VARCHAR(40) NOT NULL DEFAULT '',
  due_at BIGINT NULL,
  assignee_id BINARY(16) NULL,
  handle_due_at BIGINT NULL,
  handle_level BIGINT NOT NULL DEFAULT 0,
  resolver_id BINARY(16) NULL,
  closed_at BIGINT NULL,
  rating BIGINT NOT NULL DEFAULT 0,
  ever_verified BOOLEAN NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  KEY records_street (street, submitted_at, id),
  KEY records_community (community, submitted_at, id),
  KEY records_grid (grid, submitted_at, id),
  KEY records_micro_grid (micro_grid, submitted_at, id),
  KEY records_building (building_id, submitted_at, id),
  KEY records_submitter (submitter_id, submitted_at, id),
  KEY records_room (room_id, status, due_at),
  KEY records_household (household_id),
  KEY records_subject (subject_index),
  KEY records_phone (phone_index),
  KEY records_title (title, submitted_at, id),
  KEY records_due (status, due_at),
  KEY records_tally (area_code, kind, status)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE revisions (
  id BINARY(16) NOT NULL,
  record_id BINARY(16) NOT NULL,
  version BIGINT NOT NULL DEFAULT 0,
  `at` BIGINT NOT NULL,
  actor_id BINARY(16) NULL,
  actor_role VARCHAR(40) NOT NULL DEFAULT '',
  actor_name VARCHAR(64) NOT NULL DEFAULT '',
  act VARCHAR(40) NOT NULL DEFAULT '',
  from_state VARCHAR(40) NOT NULL DEFAULT '',
  to_state VARCHAR(40) NOT NULL DEFAULT '',
  note MEDIUMBLOB NULL,
  changes MEDIUMBLOB NULL,
  step_id BINARY(16) NULL,
  step_hash VARBINARY(32) NULL,
  source VARCHAR(64) NOT NULL DEFAULT '',
  request_id VARCHAR(64) NOT NULL DEFAULT '',
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  hash VARBINARY(32) NOT NULL,
  prev_hash VARBINARY(32) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY revisions_version (record_id, version),
  UNIQUE KEY revisions_step (record_id, step_id),
  KEY revisions_at (at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE links (
  id BINARY(16) NOT NULL,
  record_id BINARY(16) NOT NULL,
  other_id BINARY(16) NOT NULL,
  relation VARCHAR(40) NOT NULL DEFAULT '',
  `at` BIGINT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY links_pair (record_id, other_id, relation),
  KEY links_other (other_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE dispatches (
  record_id BINARY(16) NOT NULL,
  account_id BINARY(16) NOT NULL,
  `at` BIGINT NOT NULL,
  PRIMARY KEY (record_id, account_id),
  KEY dispatches_account (account_id, record_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE attachments (
  id BINARY(16) NOT NULL,
  owner_id BINARY(16) NOT NULL,
  record_id BINARY(16) NULL,
  mime VARCHAR(40) NOT NULL DEFAULT '',
  bytes BIGINT NOT NULL DEFAULT 0,
  width BIGINT NOT NULL DEFAULT 0,
  height BIGINT NOT NULL DEFAULT 0,
  sha256 VARBINARY(32) NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  KEY attachments_record (record_id),
  KEY attachments_owner (owner_id, created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE accounts (
  id BINARY(16) NOT NULL,
  kind VARCHAR(40) NOT NULL DEFAULT '',
  username VARCHAR(64) NULL,
  `name` VARCHAR(64) NOT NULL DEFAULT '',
  password_hash VARCHAR(200) NOT NULL DEFAULT '',
  otp_secret VARBINARY(512) NULL,
  open_id_index VARBINARY(32) NULL,
  open_id VARBINARY(512) NULL,
  phone VARBINARY(512) NULL,
  phone_index VARBINARY(32) NULL,
  building_id BINARY(16) NULL,
  disabled BOOLEAN NOT NULL DEFAULT 0,
  failed BIGINT NOT NULL DEFAULT 0,
  locked_until BIGINT NULL,
  created_at BIGINT NOT NULL,
  created_by BINARY(16) NULL,
  version BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  UNIQUE KEY accounts_username (username),
  UNIQUE KEY accounts_open_id (open_id_index),
  KEY accounts_created (created_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE grants (
  id BINARY(16) NOT NULL,
  account_id BINARY(16) NOT NULL,
  role VARCHAR(40) NOT NULL DEFAULT '',
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  granted_at BIGINT NOT NULL,
  granted_by BINARY(16) NULL,
  ended_at BIGINT NULL,
  PRIMARY KEY (id),
  KEY grants_account (account_id),
  KEY grants_area (area_code, account_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE sessions (
  id BINARY(16) NOT NULL,
  account_id BINARY(16) NOT NULL,
  token_hash VARBINARY(32) NOT NULL,
  csrf_hash VARBINARY(32) NULL,
  building_id BINARY(16) NULL,
  console BOOLEAN NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT NULL,
  source VARCHAR(64) NOT NULL DEFAULT '',
  agent VARCHAR(200) NOT NULL DEFAULT '',
  PRIMARY KEY (id),
  UNIQUE KEY sessions_token (token_hash),
  KEY sessions_account (account_id, created_at),
  KEY sessions_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE consents (
  id BINARY(16) NOT NULL,
  account_id BINARY(16) NOT NULL,
  version VARCHAR(40) NOT NULL DEFAULT '',
  scopes TEXT NULL,
  `at` BIGINT NOT NULL,
  PRIMARY KEY (id),
  KEY consents_account (account_id, at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE assignments (
  id BINARY(16) NOT NULL,
  account_id BINARY(16) NOT NULL,
  building_id BINARY(16) NULL,
  unit VARCHAR(40) NOT NULL DEFAULT '',
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  team VARCHAR(40) NOT NULL DEFAULT '',
  from_at BIGINT NOT NULL,
  to_at BIGINT NULL,
  created_at BIGINT NOT NULL,
  created_by BINARY(16) NULL,
  ended_at BIGINT NULL,
  PRIMARY KEY (id),
  KEY assignments_account (account_id, ended_at),
  KEY assignments_building (building_id),
  KEY assignments_created (created_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE visits (
  id BINARY(16) NOT NULL,
  room_id BINARY(16) NOT NULL,
  building_id BINARY(16) NOT NULL,
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  street VARCHAR(40) NOT NULL DEFAULT '',
  community VARCHAR(40) NOT NULL DEFAULT '',
  grid VARCHAR(40) NOT NULL DEFAULT '',
  micro_grid VARCHAR(40) NOT NULL DEFAULT '',
  account_id BINARY(16) NOT NULL,
  `name` VARCHAR(64) NOT NULL DEFAULT '',
  method VARCHAR(40) NOT NULL DEFAULT '',
  outcome VARCHAR(40) NOT NULL DEFAULT '',
  note MEDIUMBLOB NULL,
  lon DOUBLE NULL,
  lat DOUBLE NULL,
  `at` BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  late BOOLEAN NOT NULL DEFAULT 0,
  hash VARBINARY(32) NULL,
  PRIMARY KEY (id),
  KEY visits_room (room_id, at),
  KEY visits_building (building_id, at),
  KEY visits_account (account_id, at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE audit (
  id BINARY(16) NOT NULL,
  `at` BIGINT NOT NULL,
  actor_id BINARY(16) NULL,
  actor_role VARCHAR(40) NOT NULL DEFAULT '',
  actor_name VARCHAR(64) NOT NULL DEFAULT '',
  act VARCHAR(40) NOT NULL DEFAULT '',
  target VARCHAR(64) NOT NULL DEFAULT '',
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  result VARCHAR(40) NOT NULL DEFAULT '',
  detail VARCHAR(200) NOT NULL DEFAULT '',
  source VARCHAR(64) NOT NULL DEFAULT '',
  request_id VARCHAR(64) NOT NULL DEFAULT '',
  `seq` BIGINT NULL,
  hash VARBINARY(32) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY audit_seq (seq),
  KEY audit_at (at, id),
  KEY audit_area (area_code, at),
  KEY audit_actor (actor_id, at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE jobs (
  id BINARY(16) NOT NULL,
  owner_id BINARY(16) NOT NULL,
  kind VARCHAR(40) NOT NULL DEFAULT '',
  state VARCHAR(40) NOT NULL DEFAULT '',
  payload MEDIUMBLOB NULL,
  done BIGINT NOT NULL DEFAULT 0,
  total BIGINT NOT NULL DEFAULT 0,
  problem TEXT NULL,
  file_name VARCHAR(200) NOT NULL DEFAULT '',
  file_bytes BIGINT NOT NULL DEFAULT 0,
  file_sha256 VARBINARY(32) NULL,
  run_at BIGINT NOT NULL,
  lease_until BIGINT NULL,
  lease_by BINARY(16) NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  ended_at BIGINT NULL,
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  PRIMARY KEY (id),
  KEY jobs_state (state, run_at),
  KEY jobs_owner (owner_id, created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE settings (
  `name` VARCHAR(64) NOT NULL DEFAULT '',
  `value` MEDIUMBLOB NULL,
  updated_at BIGINT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE scan_passes (
  account_id BINARY(16) NOT NULL,
  building_id BINARY(16) NOT NULL,
  `at` BIGINT NOT NULL,
  PRIMARY KEY (account_id, building_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE extra_fields (
  id BINARY(16) NOT NULL,
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  kind VARCHAR(40) NOT NULL DEFAULT '',
  `name` VARCHAR(40) NOT NULL DEFAULT '',
  label VARCHAR(64) NOT NULL DEFAULT '',
  `type` VARCHAR(40) NOT NULL DEFAULT '',
  required BOOLEAN NOT NULL DEFAULT 0,
  options TEXT NULL,
  created_at BIGINT NOT NULL,
  closed_at BIGINT NULL,
  PRIMARY KEY (id),
  KEY extra_fields_area (area_code, kind)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
