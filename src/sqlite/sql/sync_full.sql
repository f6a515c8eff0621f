-- SPDX-License-Identifier: BSL-1.0
-- sync_full: from now on a commit is on the disk when it returns: for what outlives a power cut.
PRAGMA synchronous = FULL;
