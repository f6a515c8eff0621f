-- SPDX-License-Identifier: BSL-1.0
-- hold_sweep_former: removes what has run out of the holds that were made in earlier boots.
--   :boot  this boot's id   :wall  µs since 1970
DELETE FROM hold WHERE boot <> :boot AND expires_us <= :wall;
