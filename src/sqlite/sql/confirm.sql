-- SPDX-License-Identifier: BSL-1.0
-- confirm: asks, before a repeated attempt, whether an earlier one took effect. One row: it did;
-- its expiry stands as it was, and a new token is drawn. Touches live rows of that value only.
--   :fenced  1: draw a token   :wall  wall clock, µs   :name  :value  our holder record
--   :boot  this boot's id   :now  store clock, ns since boot
--   returns  the token
UPDATE lease
   SET fence = CASE :fenced WHEN 0 THEN fence ELSE max(fence + 1, :wall) END
 WHERE name = :name AND value = :value AND boot = :boot AND expires_ns > :now
RETURNING fence;
