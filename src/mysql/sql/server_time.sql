-- SPDX-License-Identifier: BSL-1.0
-- server_time: the server's clock.
--   returns  µs since 1970
SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
