-- SPDX-License-Identifier: BSL-1.0
-- holdfast_lock: one row for each name that is held, or was held a while ago. All bytes compare as
-- bytes; times are µs since 1970 by the server's clock.
--   value    the holder's record; empty: nobody holds it
--   expires  when it runs out
--   fence    the highest token drawn so far
CREATE TABLE IF NOT EXISTS holdfast_lock (
    name    VARBINARY(512) NOT NULL,
    value   VARBINARY(2048) NOT NULL,
    expires BIGINT NOT NULL,
    fence   BIGINT NOT NULL,
    PRIMARY KEY (name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC
