-- SPDX-License-Identifier: BSL-1.0
-- hold_fence: draws a fence: above all before, and not below the wall clock, for files that were
-- made anew.
--   :wall  µs since 1970
--   returns  the fence
UPDATE hold_meta SET fence = max(fence + 1, :wall) RETURNING fence;
