-- SPDX-License-Identifier: BSL-1.0
-- hold_find: one hold, live or not.
--   :key  :id
--   returns  its row, as `hold_table` reads it
SELECT class, start, finish, units, fence, granted, boot, expires_ns, expires_us, id, owner, data
  FROM hold
 WHERE key = :key AND id = :id;
