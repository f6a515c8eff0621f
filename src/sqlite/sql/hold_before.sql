-- SPDX-License-Identifier: BSL-1.0
-- hold_before: where the look among the holds of class 0 begins, which do not overlap: of those
-- that start no later than :start only the last can reach beyond it.
--   :key  :start
--   returns  its start, or nothing
SELECT start
  FROM hold
 WHERE key = :key AND class = 0 AND start <= :start
 ORDER BY start DESC
 LIMIT 1;
