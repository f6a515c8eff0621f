-- SPDX-License-Identifier: BSL-1.0
-- extend: the tables that files of the first version lack, for names that several hold at once.
-- Programs of that version go on with the file: the row in `lease` stands for all who share, so
-- that they find the name taken, and they leave these tables alone.
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
