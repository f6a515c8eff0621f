-- SPDX-License-Identifier: BSL-1.0
-- acquire: takes a name that nobody holds. The time is that of the statement's start, so that all
-- of it goes by one time; that is at worst a little early, and then the name counts as held.
--   1  name   2  value   3  ttl, µs   4, 5  1: draw a token; 0: leave it
--   writes   1 row: the name was new; 2: it was there, and free; 0: somebody holds it
--   brings   the token, as the id that was inserted, if one was drawn
-- One statement, so it is atomic. Assignments go from left to right: expires is the last that is
-- set, because the others depend on what it was.
INSERT INTO holdfast_lock (name, value, expires, fence)
VALUES (?, ?,
        ? + TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)),
        IF(?,
           LAST_INSERT_ID(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))),
           0))
ON DUPLICATE KEY UPDATE
    fence = IF(? AND expires <= TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)),
               LAST_INSERT_ID(GREATEST(
                   fence + 1,
                   TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)))),
               fence),
    value = IF(expires <= TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)),
               VALUES(value), value),
    expires = IF(expires <= TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)),
                 VALUES(expires), expires)
