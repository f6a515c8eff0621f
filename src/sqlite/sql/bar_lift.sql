-- SPDX-License-Identifier: BSL-1.0
-- bar_lift: whoever waited got the name, or gave up.
--   :name
DELETE FROM bar WHERE name = :name;
