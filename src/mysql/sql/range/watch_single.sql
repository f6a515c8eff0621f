-- SPDX-License-Identifier: BSL-1.0
-- watch_single: a key, and the next live holds of class 0 that overlap a range,
-- without what only their owners know; all at one instant. As they do not overlap each other, only
-- the last one that starts no later than the range can reach into it.
--   1, 2  key
--   3  key   4, 5  the start of the range   6  key   7, 8  start, 9  token behind which to go on
--   10  key   11  the start of the range   12  its end   13  key
--   14, 15  start, 16  token behind which to go on   17  how many
--   returns  for the key, with 0 units: '', capacity, seen, 0, classes, the server's clock
--            for each hold: id, start, end, units, token, expiry
--            in no order
SELECT '' AS id, COALESCE(k.capacity, 1) AS starts, COALESCE(k.seen, 0) AS ends, 0 AS units,
       CAST(COALESCE(k.classes,
                     (SELECT COALESCE(BIT_OR(1 << (used.class - 1)), 0)
                        FROM (SELECT DISTINCT class
                                FROM holdfast_range_hold FORCE INDEX (by_start)
                               WHERE `key` = ? AND class > 0) AS used)) AS SIGNED) AS fence,
       TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) AS expires
  FROM (SELECT 1) AS always LEFT JOIN holdfast_range_key AS k ON k.`key` = ?
UNION ALL
SELECT * FROM (SELECT id, starts, ends, units, fence, expires
                 FROM holdfast_range_hold FORCE INDEX (by_start)
                WHERE `key` = ? AND class = 0 AND starts <= ?
                ORDER BY starts DESC LIMIT 1) AS reaches
 WHERE ends > ?
   AND expires > GREATEST(COALESCE((SELECT k.seen FROM holdfast_range_key AS k
                                         WHERE k.`key` = ?), 0),
                              TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)))
   AND (starts > ? OR (starts = ? AND fence > ?))
UNION ALL
SELECT * FROM (SELECT id, starts, ends, units, fence, expires
                 FROM holdfast_range_hold FORCE INDEX (by_start)
                WHERE `key` = ? AND class = 0 AND starts > ? AND starts < ?
                  AND expires > GREATEST(COALESCE((SELECT k.seen FROM holdfast_range_key AS k
                                         WHERE k.`key` = ?), 0),
                              TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)))
                  AND (starts > ? OR (starts = ? AND fence > ?))
                ORDER BY starts, fence LIMIT ?) AS begins
