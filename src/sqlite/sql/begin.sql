-- SPDX-License-Identifier: BSL-1.0
-- begin: starts a transaction that may write. Busy at once if somebody else writes, never later.
BEGIN IMMEDIATE;
