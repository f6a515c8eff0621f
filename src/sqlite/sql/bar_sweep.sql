-- SPDX-License-Identifier: BSL-1.0
-- bar_sweep: removes the bars of those who gave up. There are few.
--   :boot  this boot's id   :now  store clock, ns since boot
DELETE FROM bar WHERE boot <> :boot OR until_ns <= :now;
