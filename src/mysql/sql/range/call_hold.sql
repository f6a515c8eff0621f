-- SPDX-License-Identifier: BSL-1.0
-- call_hold: see ../schema/holdfast_range_hold_2.sql.
CALL holdfast_range_hold_2(?, ?, ?, ?, ?, ?, ?, ?, ?)
