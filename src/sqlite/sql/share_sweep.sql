-- SPDX-License-Identifier: BSL-1.0
-- share_sweep: removes shares of names that nobody holds any more, as far as the sweep looked. One
-- transaction with `sweep_look`, before `sweep_note`.
--   :last  the last name that was looked at; empty: to the end
--   :boot  this boot's id   :now  store clock, ns since boot
DELETE FROM share
 WHERE name > (SELECT swept_to FROM meta)
   AND (:last = x'' OR name <= :last)
   AND NOT EXISTS (SELECT 1 FROM lease
                    WHERE lease.name = share.name AND boot = :boot AND lease.expires_ns > :now);
