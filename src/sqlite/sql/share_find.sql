-- SPDX-License-Identifier: BSL-1.0
-- share_find: whether a value shares a name. No row: it does not, or its share has ended.
--   :name   :value  our holder record   :now  store clock, ns since boot
--   returns  when the share ends
SELECT expires_ns FROM share WHERE name = :name AND value = :value AND expires_ns > :now;
