-- SPDX-License-Identifier: BSL-1.0
-- guard_drop_trigger: takes the guard's trigger away.
DROP TRIGGER IF EXISTS lock_guard
