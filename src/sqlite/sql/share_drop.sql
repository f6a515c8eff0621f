-- SPDX-License-Identifier: BSL-1.0
-- share_drop: ends one share. Runs behind `share_find`, which found it live, in one transaction.
--   :name   :value  our holder record
DELETE FROM share WHERE name = :name AND value = :value;
