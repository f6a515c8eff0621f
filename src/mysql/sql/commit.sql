-- SPDX-License-Identifier: BSL-1.0
-- commit: ends the transaction, all or nothing.
COMMIT
