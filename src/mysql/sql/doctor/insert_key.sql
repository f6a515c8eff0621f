-- SPDX-License-Identifier: BSL-1.0
-- insert_key: tries the rights INSERT and SELECT; no row is written.
INSERT INTO holdfast_range_key (`key`, fence, capacity, seen, classes)
SELECT `key`, fence, capacity, seen, classes
  FROM holdfast_range_key WHERE 1 = 0
