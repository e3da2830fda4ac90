-- +goose Up
-- The indexes that lists walk: see the same file for SQLite, which has no entries where a column is NULL.
ALTER TABLE records
  DROP INDEX records_street,
  DROP INDEX records_community,
  DROP INDEX records_grid,
  DROP INDEX records_micro_grid,
  DROP INDEX records_title,
  DROP INDEX records_due,
  ADD INDEX records_status (status, submitted_at, id, kind, stage, due_at),
  ADD INDEX records_street (street, status, submitted_at, id, kind, stage, due_at),
  ADD INDEX records_community (community, status, submitted_at, id, kind, stage, due_at, area_code),
  ADD INDEX records_title (street, title, submitted_at, id),
  ALGORITHM=INPLACE, LOCK=NONE;

ALTER TABLE revisions ADD COLUMN street VARCHAR(40) NOT NULL DEFAULT '', ALGORITHM=INSTANT;
UPDATE revisions SET street = SUBSTR(area_code, 1, 9) WHERE LENGTH(area_code) >= 9;
ALTER TABLE revisions ADD INDEX revisions_street (street, at, id), ALGORITHM=INPLACE, LOCK=NONE;

ALTER TABLE audit ADD COLUMN street VARCHAR(40) NOT NULL DEFAULT '', ALGORITHM=INSTANT;
UPDATE audit SET street = SUBSTR(area_code, 1, 9) WHERE LENGTH(area_code) >= 9;
ALTER TABLE audit DROP INDEX audit_area, ADD INDEX audit_street (street, at, id), ALGORITHM=INPLACE, LOCK=NONE;

ALTER TABLE assignments ADD COLUMN street VARCHAR(40) NOT NULL DEFAULT '', ALGORITHM=INSTANT;
UPDATE assignments SET street = COALESCE((SELECT b.street FROM buildings b WHERE b.id = assignments.building_id),
  CASE WHEN LENGTH(area_code) >= 9 THEN SUBSTR(area_code, 1, 9) ELSE '' END);
ALTER TABLE assignments ADD INDEX assignments_street (street, created_at, id), ALGORITHM=INPLACE, LOCK=NONE;

ALTER TABLE buildings
  ADD INDEX buildings_street (street, id),
  ADD INDEX buildings_community (community, id),
  ALGORITHM=INPLACE, LOCK=NONE;
ALTER TABLE grants ADD INDEX grants_role (role, area_code, account_id), ALGORITHM=INPLACE, LOCK=NONE;
ALTER TABLE accounts ADD INDEX accounts_name (name), ALGORITHM=INPLACE, LOCK=NONE;
