-- +goose Up
-- The indexes that lists walk (docs/architecture.md, "Lists"). Each begins with what a list is narrowed to by equality and goes on
-- with its order; what stands behind the id is only there to be filtered by without a look at the row. Of areas there are two
-- levels: a grid is found among its community's, a district is its streets. What is NULL in most rows is not indexed where NULL.
DROP INDEX records_street;
DROP INDEX records_community;
DROP INDEX records_grid;
DROP INDEX records_micro_grid;
DROP INDEX records_building;
DROP INDEX records_room;
DROP INDEX records_household;
DROP INDEX records_subject;
DROP INDEX records_phone;
DROP INDEX records_title;
DROP INDEX records_due;
CREATE INDEX records_status ON records (status, submitted_at, id, kind, stage, due_at);
CREATE INDEX records_street ON records (street, status, submitted_at, id, kind, stage, due_at);
CREATE INDEX records_community ON records (community, status, submitted_at, id, kind, stage, due_at, area_code);
CREATE INDEX records_building ON records (building_id, submitted_at, id) WHERE building_id IS NOT NULL;
CREATE INDEX records_room ON records (room_id, status, due_at) WHERE room_id IS NOT NULL;
CREATE INDEX records_household ON records (household_id) WHERE household_id IS NOT NULL;
CREATE INDEX records_subject ON records (subject_index) WHERE subject_index IS NOT NULL;
CREATE INDEX records_phone ON records (phone_index) WHERE phone_index IS NOT NULL;
CREATE INDEX records_title ON records (street, title, submitted_at, id);

ALTER TABLE revisions ADD COLUMN street TEXT NOT NULL DEFAULT '';
UPDATE revisions SET street = SUBSTR(area_code, 1, 9) WHERE LENGTH(area_code) >= 9;
CREATE INDEX revisions_street ON revisions (street, at, id);
DROP INDEX revisions_step;
CREATE UNIQUE INDEX revisions_step ON revisions (record_id, step_id) WHERE step_id IS NOT NULL;

ALTER TABLE audit ADD COLUMN street TEXT NOT NULL DEFAULT '';
UPDATE audit SET street = SUBSTR(area_code, 1, 9) WHERE LENGTH(area_code) >= 9;
DROP INDEX audit_area;
CREATE INDEX audit_street ON audit (street, at, id);

ALTER TABLE assignments ADD COLUMN street TEXT NOT NULL DEFAULT '';
UPDATE assignments SET street = COALESCE((SELECT b.street FROM buildings b WHERE b.id = assignments.building_id),
  CASE WHEN LENGTH(area_code) >= 9 THEN SUBSTR(area_code, 1, 9) ELSE '' END);
CREATE INDEX assignments_street ON assignments (street, created_at, id);

CREATE INDEX buildings_street ON buildings (street, id);
CREATE INDEX buildings_community ON buildings (community, id);
CREATE INDEX grants_role ON grants (role, area_code, account_id);
CREATE INDEX accounts_name ON accounts (name);
