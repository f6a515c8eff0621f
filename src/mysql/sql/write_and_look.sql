-- SPDX-License-Identifier: BSL-1.0
-- write_and_look: insert, commit and look_again in one round trip; rollback in place of commit if
-- it is too late. Where lock_and_look can be prepared, this can. The transaction may be open
-- afterwards where this fails in the middle, and the row may be written where it fails at its end.
--   1  id   2  key   3  from   4  to   5  expiry   6  data   7  until, µs since 1970
--   8  key   9  id   10  to   11  from
--   returns  µs since 1970; how many rows were written, 1 or 0; as look_again does
BEGIN NOT ATOMIC
    DECLARE written INT;
    SET STATEMENT max_statement_time = 1 FOR
    INSERT INTO `lock` (id, `key`, `from`, `to`, expiry, data)
    SELECT ?, ?, ?, ?, ?, ?
      FROM DUAL
     WHERE TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) < ?;
    SET written = ROW_COUNT();
    IF written = 1 THEN COMMIT; ELSE ROLLBACK; END IF;
    SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)), written,
           l.id, l.`key`, l.`from`, l.`to`, l.expiry, l.data
      FROM (SELECT 1) AS always
      LEFT JOIN `lock` AS l
        ON l.`key` = ? AND l.id <> ? AND l.`from` + 0e0 < ? AND l.`to` + 0e0 > ?
       AND l.expiry + 0e0 > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) / 1000
     ORDER BY l.`from` + 0e0, l.id
     LIMIT 1;
END
