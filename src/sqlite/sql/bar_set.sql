-- SPDX-License-Identifier: BSL-1.0
-- bar_set: somebody waits who wants the name alone: nobody else is let in to share for a while.
--   :name   :boot  this boot's id   :until  ns since boot
INSERT INTO bar (name, boot, until_ns) VALUES (:name, :boot, :until)
ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, until_ns = excluded.until_ns;
