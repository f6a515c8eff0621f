-- SPDX-License-Identifier: BSL-1.0
-- sweep_look: the next few rows behind the place where the last sweep stopped, held or not.
--   :boot  this boot's id   :before  ns since boot: what was free by then may go   :rows  at most
--   returns  name, fence, and 1 if the row may go
SELECT name, fence, boot <> :boot OR expires_ns <= :before
  FROM lease
 WHERE name > (SELECT swept_to FROM meta)
 ORDER BY name
 LIMIT :rows;
