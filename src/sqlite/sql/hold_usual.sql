-- SPDX-License-Identifier: BSL-1.0
-- hold_usual: whether what is mostly asked for can be had at once: one unit of a key that has no
-- capacity of its own and holds of class 0 alone, with nothing in the way, not even what has run
-- out. One transaction with `hold_fence_set` and `hold_insert`, which finds whether the id is
-- there. Not one statement with that: what reads the table that it writes to goes by way of a
-- temporary one.
--   :wall  as in hold_fence   :key  :start  :finish
--   returns  the next fencing token; no row: one has to look
SELECT max(fence + 1, :wall) FROM hold_meta
 WHERE id = 1
   AND coalesce((SELECT finish FROM hold
                  WHERE key = :key AND class = 0 AND start < :finish
                  ORDER BY start DESC LIMIT 1), :start) <= :start
   AND NOT EXISTS (SELECT 1 FROM hold WHERE key = :key AND class > 0)
   AND NOT EXISTS (SELECT 1 FROM hold_key WHERE key = :key);
