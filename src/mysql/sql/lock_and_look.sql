-- SPDX-License-Identifier: BSL-1.0
-- lock_and_look: begin, lock_key and look in one round trip, the same statements one after the
-- other. MariaDB from 10.6 on can prepare that; others say that it is no SQL, and are asked in
-- three. The transaction is open afterwards, also where this fails in the middle.
--   1  key   2  to   3  from   4  key
--   returns  as look does
BEGIN NOT ATOMIC
    START TRANSACTION;
    INSERT INTO lock_key (`key`, fence) VALUES (?, 1) ON DUPLICATE KEY UPDATE fence = fence + 1;
    SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)), k.fence,
           l.id, l.`key`, l.`from`, l.`to`, l.expiry, l.data
      FROM lock_key AS k
      LEFT JOIN `lock` AS l
        ON l.`key` = k.`key` AND l.`from` + 0e0 < ? AND l.`to` + 0e0 > ?
       AND l.expiry + 0e0 > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) / 1000
     WHERE k.`key` = ?
     ORDER BY l.`from` + 0e0, l.id
     LIMIT 1;
END
