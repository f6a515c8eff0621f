-- SPDX-License-Identifier: BSL-1.0
-- schema: what a new file gets, all in one transaction. The last two lines mark it as ours.
--   lease  one row a name that is held, or was a short while ago. A row is live when it was written
--          since the machine started (`boot`) and its time (`expires_ns`) lies ahead.
--   meta   one row: no name that has no row ever had a fence above `fence_floor`; `swept_to` is
--          where the sweep goes on.
CREATE TABLE lease (
    name       BLOB PRIMARY KEY NOT NULL,
    value      BLOB NOT NULL,
    boot       TEXT NOT NULL,
    expires_ns INTEGER NOT NULL,
    fence      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    fence_floor INTEGER NOT NULL,
    swept_to    BLOB NOT NULL
) STRICT;

INSERT INTO meta (id, fence_floor, swept_to) VALUES (1, 0, x'');

PRAGMA application_id = 1752132708;
PRAGMA user_version = 1;
