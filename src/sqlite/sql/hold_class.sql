-- SPDX-License-Identifier: BSL-1.0
-- hold_class: the next class of a key in which there are holds.
--   :key  :class  the last one that was looked at, -1 before the first
--   returns  it, or nothing
SELECT class
  FROM hold
 WHERE key = :key AND class > :class
 ORDER BY class
 LIMIT 1;
