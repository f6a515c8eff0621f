-- SPDX-License-Identifier: BSL-1.0
-- journal: turns the write-ahead log on; it stays on in the file. A file system without shared
-- memory refuses.
--   returns  the mode that the file is in now; 'wal' if it worked.
PRAGMA journal_mode = WAL;
