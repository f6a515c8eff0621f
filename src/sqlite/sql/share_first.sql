-- SPDX-License-Identifier: BSL-1.0
-- share_first: the first of those who share a name, in the order of their records, from one on.
--   :name   :from  a holder record, or the beginning of one   :now  store clock, ns since boot
--   returns  the holder record, and when its share ends
SELECT value, expires_ns
  FROM share
 WHERE name = :name AND value >= :from AND expires_ns > :now
 ORDER BY value
 LIMIT 1;
