-- SPDX-License-Identifier: BSL-1.0
-- raise_any: lifts the fence of a name, whoever holds it; one that is there already stays. Where
-- the name has no row, a free one remembers it until the sweep has raised the floor.
--   :name   :boot  this boot's id   :now  store clock, ns since boot   :fence  as in raise_held
INSERT INTO lease (name, value, boot, expires_ns, fence) VALUES (:name, x'', :boot, :now, :fence)
ON CONFLICT (name) DO UPDATE SET fence = max(lease.fence, excluded.fence);
