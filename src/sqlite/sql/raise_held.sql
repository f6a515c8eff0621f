-- SPDX-License-Identifier: BSL-1.0
-- raise_held: lifts the fence of a name that our value holds; one that is there already stays.
--   :fence  the lowest that it may be   :name   :value  our holder record   :boot  this boot's id
--   :now  store clock, ns since boot
UPDATE lease
   SET fence = max(fence, :fence)
 WHERE name = :name AND value = :value AND boot = :boot AND expires_ns > :now;
