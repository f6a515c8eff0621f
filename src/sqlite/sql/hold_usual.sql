-- SPDX-License-Identifier: BSL-1.0
-- hold_usual: what is mostly asked for, in one step: one unit of a key that has no capacity of its
-- own and holds of class 0 alone, with nothing in the way, not even what has run out. One
-- transaction with `hold_fence`. No row written: one has to look. A constraint: the id is there.
--   parameters as in hold_insert
INSERT INTO hold (key, class, start, fence, finish, id, units, granted, boot, expires_ns,
                  expires_us, owner, data)
SELECT :key, 0, :start, :fence, :finish, :id, 1, 1, :boot, :expires, :expires_us, :owner, :data
 WHERE coalesce((SELECT finish FROM hold
                  WHERE key = :key AND class = 0 AND start < :finish
                  ORDER BY start DESC LIMIT 1), :start) <= :start
   AND NOT EXISTS (SELECT 1 FROM hold WHERE key = :key AND class > 0)
   AND NOT EXISTS (SELECT 1 FROM hold_key WHERE key = :key);
