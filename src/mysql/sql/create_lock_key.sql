-- SPDX-License-Identifier: BSL-1.0
-- create_lock_key: one row a key, to be locked before the rows of the key are looked at. Its column
-- is a copy of that of `lock`, with its character set and collation: keys that are equal there are
-- equal here. Rows stay for ever, because the fence may not start again.
CREATE TABLE IF NOT EXISTS lock_key (fence BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (`key`))
    ENGINE=InnoDB
SELECT `key` FROM `lock` WHERE FALSE
