-- SPDX-License-Identifier: BSL-1.0
-- release: frees a name if our value holds it. The row stays for the sweep, because it remembers
-- the fence, and because that is one page written, where deleting it and raising the floor is two.
--   :now  store clock, ns since boot   :name   :value  our holder record   :boot  this boot's id
UPDATE lease
   SET value = x'', expires_ns = :now
 WHERE name = :name AND value = :value AND boot = :boot AND expires_ns > :now;
