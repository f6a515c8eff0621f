-- SPDX-License-Identifier: BSL-1.0
-- hold_fence_set: notes which fencing token was drawn.
UPDATE hold_meta SET fence = :fence WHERE id = 1;
