-- SPDX-License-Identifier: BSL-1.0
-- hold_clear: removes what has run out from among the holds of class 0 in a range, so that those of
-- that class never overlap. What is live there has been looked for before.
--   :key  :from  :start  :finish  :boot  :now  :wall  as in hold_page
DELETE FROM hold
 WHERE key = :key AND class = 0 AND start >= :from AND start < :finish AND finish > :start
   AND NOT (boot = :boot AND expires_ns > :now OR boot <> :boot AND expires_us > :wall);
