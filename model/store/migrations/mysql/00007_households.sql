-- +goose Up
-- Households of live persons as they are counted, from records: made by the first folding.
CREATE TABLE tally_households (
  household_id BINARY(16) NOT NULL,
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  n BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (household_id, area_code),
  KEY tally_households_area (area_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
