-- SPDX-License-Identifier: BSL-1.0
-- insert_lock: tries the rights INSERT and SELECT; no row is written.
INSERT INTO holdfast_lock (name, value, expires, fence)
SELECT name, value, expires, fence
  FROM holdfast_lock WHERE 1 = 0
