-- SPDX-License-Identifier: BSL-1.0
-- acquire: takes a name that nobody holds. One row back means that we hold it; none: contended.
--   :name  :value  our holder record   :boot  this boot's id   :now  store clock, ns since boot
--   :ttl  ns, > 0   :fenced  1: draw a token; 0: leave it   :wall  wall clock, µs
--   returns  the token
-- One statement, so it is atomic. A token is above the row's last one, above the floor that the
-- sweep left for rows that are gone, and not below the wall clock, for files that were made anew.
INSERT INTO lease (name, value, boot, expires_ns, fence)
VALUES (:name, :value, :boot, :now + :ttl,
        CASE :fenced WHEN 0 THEN 0 ELSE max(:wall, (SELECT fence_floor + 1 FROM meta)) END)
ON CONFLICT (name) DO UPDATE
   SET value = excluded.value, boot = excluded.boot, expires_ns = excluded.expires_ns,
       fence = max(lease.fence + :fenced, excluded.fence)
 WHERE lease.expires_ns <= :now OR lease.boot <> :boot
RETURNING fence;
