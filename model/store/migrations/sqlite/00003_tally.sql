-- +goose Up
-- Tallies without hot rows: what a commit changed is appended to tally_deltas and folded into the two others in the background.
-- All three follow from records, rooms and visits; tally_parts holds the row "state" once they were made.
CREATE TABLE tally_deltas (
  id BLOB NOT NULL PRIMARY KEY,
  cells BLOB NULL
);

CREATE TABLE tally_parts (
  id TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL DEFAULT 0,
  cells BLOB NULL
);

CREATE TABLE tally_rooms (
  room_id BLOB NOT NULL PRIMARY KEY,
  building_id BLOB NOT NULL,
  area_code TEXT NOT NULL DEFAULT '',
  covered_until INTEGER NULL
);
CREATE INDEX tally_rooms_lapse ON tally_rooms (covered_until, area_code, building_id);
CREATE INDEX tally_rooms_area ON tally_rooms (area_code);
