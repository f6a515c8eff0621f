-- SPDX-License-Identifier: BSL-1.0
-- list: the held names from one on, sorted; the caller stops behind those with its prefix.
--   :prefix   :boot  this boot's id   :now  store clock, ns since boot
--   returns  name, holder record, when it expires, highest token
SELECT name, value, expires_ns, fence
  FROM lease
 WHERE name >= :prefix AND boot = :boot AND expires_ns > :now
 ORDER BY name;
