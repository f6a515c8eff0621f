-- SPDX-License-Identifier: BSL-1.0
-- insert: writes a row, but only until a time on the server's clock, which is read when the row is
-- written, after any wait for the table. MariaDB ends a statement that waits longer by itself.
--   1  id   2  key   3  from   4  to   5  expiry   6  data   7  until, µs since 1970
--   writes  1 row, or none if it is too late
/*M!100103 SET STATEMENT max_statement_time = 1 FOR */
INSERT INTO `lock` (id, `key`, `from`, `to`, expiry, data)
SELECT ?, ?, ?, ?, ?, ?
  FROM DUAL
 WHERE TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) < ?
