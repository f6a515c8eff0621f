-- SPDX-License-Identifier: BSL-1.0
-- hold_page: the live holds of one class that overlap a range, in order of start and fence.
--   :key  :class  :from  the first start that one of the class can have
--   :start  :finish  the range
--   :boot  :now  :wall  this boot's id, ns since boot, µs since 1970
--   :after_start  :after_fence  behind which hold   :limit  at most so many, -1 for all
SELECT class, start, finish, units, fence, granted, boot, expires_ns, expires_us, id, owner, data
  FROM hold
 WHERE key = :key AND class = :class AND start >= :from AND start < :finish AND finish > :start
   AND (start, fence) > (:after_start, :after_fence)
   AND (boot = :boot AND expires_ns > :now OR boot <> :boot AND expires_us > :wall)
 ORDER BY start, fence
 LIMIT :limit;
