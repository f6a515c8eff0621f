-- SPDX-License-Identifier: BSL-1.0
-- hold_fence: the next fencing token: above all before, and not below the wall clock. In one
-- transaction with `hold_fence_set`; one statement that gives what it wrote would be slower, as
-- SQLite puts that into a temporary table first.
--   :wall  µs since 1970
SELECT max(fence + 1, :wall) FROM hold_meta WHERE id = 1;
