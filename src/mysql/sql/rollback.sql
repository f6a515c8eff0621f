-- SPDX-License-Identifier: BSL-1.0
-- rollback: ends the transaction without effect.
ROLLBACK
