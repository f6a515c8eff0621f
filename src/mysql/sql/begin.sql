-- SPDX-License-Identifier: BSL-1.0
-- begin: starts a transaction.
START TRANSACTION
