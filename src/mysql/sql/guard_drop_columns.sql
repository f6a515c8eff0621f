-- SPDX-License-Identifier: BSL-1.0
-- guard_drop_columns: takes the guard's columns and its index away.
ALTER TABLE `lock` DROP INDEX lock_guard, DROP COLUMN f_n, DROP COLUMN t_n, DROP COLUMN x_n
