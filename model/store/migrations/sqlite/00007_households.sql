-- +goose Up
-- Households of live persons as they are counted, from records: made by the first folding.
CREATE TABLE tally_households (
  household_id BLOB NOT NULL,
  area_code TEXT NOT NULL DEFAULT '',
  n INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (household_id, area_code)
);
CREATE INDEX tally_households_area ON tally_households (area_code);
