-- SPDX-License-Identifier: BSL-1.0
-- renew: gives a lease more time. Runs behind `read`, which found it live and ours, in one
-- transaction.
--   :expires  ns since boot   :name
UPDATE lease SET expires_ns = :expires WHERE name = :name;
