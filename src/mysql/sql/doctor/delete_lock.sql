-- SPDX-License-Identifier: BSL-1.0
-- delete_lock: tries the right DELETE; no row is removed.
DELETE FROM holdfast_lock WHERE 1 = 0
