-- SPDX-License-Identifier: BSL-1.0
-- hold_sweep: removes some holds that have run out, of any key.
--   :boot  :now  ns since boot   :rows  at most so many
DELETE FROM hold
 WHERE (key, class, start, fence) IN
       (SELECT key, class, start, fence FROM hold
         WHERE boot = :boot AND expires_ns <= :now LIMIT :rows);
