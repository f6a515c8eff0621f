-- SPDX-License-Identifier: BSL-1.0
-- hold_end: ends a live hold of this boot that is not permanent. A transaction by itself. No row
-- written: one has to look.
--   :key  :id  :boot  :now  ns since boot   :never  the end of what is permanent
--   :fence  token of the hold that is meant; 0: whichever
DELETE FROM hold
 WHERE key = :key AND id = :id AND boot = :boot AND expires_ns > :now AND expires_ns < :never
   AND (:fence = 0 OR fence = :fence);
