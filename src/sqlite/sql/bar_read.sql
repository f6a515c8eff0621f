-- SPDX-License-Identifier: BSL-1.0
-- bar_read: whether nobody is let in to share a name. No row: it is open.
--   :name   :boot  this boot's id   :now  store clock, ns since boot
--   returns  until when
SELECT until_ns FROM bar WHERE name = :name AND boot = :boot AND until_ns > :now;
