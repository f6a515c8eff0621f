-- SPDX-License-Identifier: BSL-1.0
-- await_key: waits until no transaction holds the row of a key any more.
--   1  key
--   returns  the fence, if the key has a row
SELECT fence FROM lock_key WHERE `key` = ? FOR UPDATE
