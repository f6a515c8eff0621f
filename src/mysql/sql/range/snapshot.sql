-- SPDX-License-Identifier: BSL-1.0
-- snapshot: what the next transaction looks at is of one instant.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ
