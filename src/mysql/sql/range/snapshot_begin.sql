-- SPDX-License-Identifier: BSL-1.0
-- snapshot_begin: starts a transaction that sees what was committed by now, and locks nothing.
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY
