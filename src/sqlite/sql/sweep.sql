-- SPDX-License-Identifier: BSL-1.0
-- sweep: removes rows that have been free for a while.
--   :first, :last  the first and the last name that was looked at   :boot  this boot's id
--   :before  as in sweep_look
DELETE FROM lease
 WHERE name BETWEEN :first AND :last AND (boot <> :boot OR expires_ns <= :before);
