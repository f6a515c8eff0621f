-- SPDX-License-Identifier: BSL-1.0
-- delete_key: tries the right DELETE; no row is removed.
DELETE FROM holdfast_range_key WHERE 1 = 0
