-- SPDX-License-Identifier: BSL-1.0
-- sync_normal: as `connect` sets it.
PRAGMA synchronous = NORMAL;
