-- SPDX-License-Identifier: BSL-1.0
-- free: takes a name away from whoever holds it. Runs behind `read` in one transaction.
--   :now  store clock, ns since boot   :name
UPDATE lease SET value = x'', expires_ns = :now WHERE name = :name;
