-- +goose Up
-- Tallies without hot rows: what a commit changed is appended to tally_deltas and folded into the two others in the background.
-- All three follow from records, rooms and visits; tally_parts holds the row "state" once they were made.
CREATE TABLE tally_deltas (
  id BINARY(16) NOT NULL,
  cells MEDIUMBLOB NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE tally_parts (
  id VARCHAR(64) NOT NULL DEFAULT '',
  version BIGINT NOT NULL DEFAULT 0,
  cells MEDIUMBLOB NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;

CREATE TABLE tally_rooms (
  room_id BINARY(16) NOT NULL,
  building_id BINARY(16) NOT NULL,
  area_code VARCHAR(40) NOT NULL DEFAULT '',
  covered_until BIGINT NULL,
  PRIMARY KEY (room_id),
  KEY tally_rooms_lapse (covered_until, area_code, building_id),
  KEY tally_rooms_area (area_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC;
