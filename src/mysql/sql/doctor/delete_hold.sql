-- SPDX-License-Identifier: BSL-1.0
-- delete_hold: tries the right DELETE; no row is removed.
DELETE FROM holdfast_range_hold WHERE 1 = 0
