-- SPDX-License-Identifier: BSL-1.0
-- hold_extend: gives a hold another end.
--   :key  :id  :boot  :expires  ns since boot   :expires_us  µs since 1970
UPDATE hold
   SET boot = :boot, expires_ns = :expires, expires_us = :expires_us
 WHERE key = :key AND id = :id;
