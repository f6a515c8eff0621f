-- SPDX-License-Identifier: BSL-1.0
-- journal_look: the mode that the file is in.
--   returns  'wal', unless another program has changed it
PRAGMA journal_mode;
