-- SPDX-License-Identifier: BSL-1.0
-- session: what each connection sets for itself. Strict, so that what a column cannot hold is an
-- error and never changed; UTC, so that no hour comes twice; short waits, so that a session whose
-- client has gone does not wait on; commits stand alone.
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00',
    autocommit = 1, completion_type = 0, innodb_lock_wait_timeout = 1, lock_wait_timeout = 2,
    foreign_key_checks = 1, unique_checks = 1, sql_select_limit = DEFAULT
