-- SPDX-License-Identifier: BSL-1.0
-- share_sum: how many share a name. Reads all of their rows.
--   :name   :now  store clock, ns since boot
--   returns  how many, when the first of the shares ends, and when the last does
SELECT count(*), min(expires_ns), max(expires_ns)
  FROM share
 WHERE name = :name AND expires_ns > :now;
