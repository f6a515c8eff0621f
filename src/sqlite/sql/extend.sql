-- SPDX-License-Identifier: BSL-1.0
-- extend: the tables that files of the first version lack, for names that several hold at once and
-- for holds on ranges. Programs of that version go on with the file: the row in `lease` stands for
-- all who share, so that they find the name taken, and they leave these tables alone.
--   share  one row a holder, with an end of its own. It counts only while the row of the name in
--          `lease` is live and says that several hold it; the latest end of all stands there.
--   bar    one row a name for which somebody waits who wants it alone. Until then, or until it is
--          lifted, nobody else is let in to share.
CREATE TABLE IF NOT EXISTS share (
    name       BLOB NOT NULL,
    value      BLOB NOT NULL,
    expires_ns INTEGER NOT NULL,
    PRIMARY KEY (name, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS bar (
    name     BLOB PRIMARY KEY NOT NULL,
    boot     TEXT NOT NULL,
    until_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- hold      one row a hold on a range. Those of class 0 of a key never overlap, live or not; others
--           are sorted by length: src/core/range_rule.hpp. A row is live while its time lies ahead:
--           `expires_ns` if it was written since the machine started, else `expires_us`, by the
--           wall clock, as holds outlive a restart. Both are the highest number if it is permanent.
-- hold_key  one row a key that has another capacity than 1.
-- hold_meta one row: no hold ever had a fence above `fence`.
CREATE TABLE IF NOT EXISTS hold (
    key        BLOB NOT NULL,
    class      INTEGER NOT NULL,
    start      INTEGER NOT NULL,
    fence      INTEGER NOT NULL,
    finish     INTEGER NOT NULL CHECK (start < finish),
    id         BLOB NOT NULL,
    units      INTEGER NOT NULL,
    granted    INTEGER NOT NULL,
    boot       TEXT NOT NULL,
    expires_ns INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    owner      BLOB NOT NULL,
    data       BLOB NOT NULL,
    PRIMARY KEY (key, class, start, fence)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS hold_id ON hold (key, id);
CREATE INDEX IF NOT EXISTS hold_expiry ON hold (boot, expires_ns);

CREATE TABLE IF NOT EXISTS hold_key (
    key      BLOB PRIMARY KEY NOT NULL,
    capacity INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS hold_meta (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    fence INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO hold_meta (id, fence) VALUES (1, 0);
