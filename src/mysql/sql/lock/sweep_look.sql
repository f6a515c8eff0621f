-- SPDX-License-Identifier: BSL-1.0
-- sweep_look: the next rows behind one, held or not; locks none.
--   1  the name behind which to go on
--   returns  name, and 1 if the row may go: it has been free for a minute, and the next token is no
--            lower than the clock
SELECT name,
       GREATEST(expires + 60000000, fence)
       < TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
  FROM holdfast_lock
 WHERE name > ?
 ORDER BY name
 LIMIT 128
