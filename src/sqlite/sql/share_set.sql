-- SPDX-License-Identifier: BSL-1.0
-- share_set: lets a holder in beside others, or gives its share another end.
--   :name   :value  our holder record   :expires  ns since boot
INSERT INTO share (name, value, expires_ns) VALUES (:name, :value, :expires)
ON CONFLICT (name, value) DO UPDATE SET expires_ns = excluded.expires_ns;
