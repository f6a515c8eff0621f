-- SPDX-License-Identifier: BSL-1.0
-- update_hold: tries the right UPDATE; no row is written.
UPDATE holdfast_range_hold SET fence = fence WHERE 1 = 0
