-- SPDX-License-Identifier: BSL-1.0
-- read: who holds a name. No row: nobody.
--   :name   :boot  this boot's id   :now  store clock, ns since boot
--   returns  the holder record, when it expires, and the highest token given out for the name
SELECT value, expires_ns, fence
  FROM lease
 WHERE name = :name AND boot = :boot AND expires_ns > :now;
