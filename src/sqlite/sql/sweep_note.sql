-- SPDX-License-Identifier: BSL-1.0
-- sweep_note: before rows go, remembers the highest of their fences, and where to go on. One
-- transaction with `sweep_look` and `sweep`.
--   :fence  the highest fence of the rows that go
--   :last   the last name that was looked at; empty to start from the first name again
UPDATE meta SET fence_floor = max(fence_floor, :fence), swept_to = :last;
