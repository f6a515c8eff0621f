-- SPDX-License-Identifier: BSL-1.0
-- raise_any: lifts the fence of a name, whoever holds it; one that is there already stays. Where
-- the name has no row, a free one remembers it.
--   1  name   2, 3  the lowest that it may be
INSERT INTO holdfast_lock (name, value, expires, fence)
VALUES (?, '', TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) - 10000000, ?)
ON DUPLICATE KEY UPDATE fence = GREATEST(fence, ?)
