-- SPDX-License-Identifier: BSL-1.0
-- holdfast_range_key: one row for each key that holds were made on. It is locked before the holds
-- of its key are looked at, and written whenever one is made: a cluster's other nodes see no read
-- locks. All bytes compare as bytes; all times are µs since 1970 by the server's clock.
--   fence     the highest token drawn so far
--   capacity  the key's own
--   seen      the latest time at which a hold was made
--   classes   bit c - 1 is set if the key may have holds of class c
CREATE TABLE IF NOT EXISTS holdfast_range_key (
    `key`    VARBINARY(512) NOT NULL,
    fence    BIGINT NOT NULL DEFAULT 0,
    capacity INT NOT NULL DEFAULT 1,
    seen     BIGINT NOT NULL DEFAULT 0,
    classes  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (`key`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC
