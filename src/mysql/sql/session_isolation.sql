-- SPDX-License-Identifier: BSL-1.0
-- session_isolation: each statement sees what was committed before it began, and locks no gaps.
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
