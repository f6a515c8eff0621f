-- SPDX-License-Identifier: BSL-1.0
-- update_key: tries the right UPDATE; no row is written.
UPDATE holdfast_range_key SET fence = fence WHERE 1 = 0
