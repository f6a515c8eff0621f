-- SPDX-License-Identifier: BSL-1.0
-- note_key: writes down what was done with a key that is locked.
--   1  fence   2  seen   3  classes   4  key
UPDATE holdfast_range_key SET fence = ?, seen = ?, classes = ? WHERE `key` = ?
