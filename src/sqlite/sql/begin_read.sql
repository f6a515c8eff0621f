-- SPDX-License-Identifier: BSL-1.0
-- begin_read: starts a transaction that only reads, so that its statements see the same.
BEGIN;
