-- SPDX-License-Identifier: BSL-1.0
-- share_clear: removes the shares of a name that had ended by then.
--   :name   :before  ns since boot
DELETE FROM share WHERE name = :name AND expires_ns <= :before;
