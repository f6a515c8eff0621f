-- SPDX-License-Identifier: BSL-1.0
-- update_lock: tries the right UPDATE; no row is written.
UPDATE holdfast_lock SET fence = fence WHERE 1 = 0
