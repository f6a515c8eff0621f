-- SPDX-License-Identifier: BSL-1.0
-- holdfast_range_hold: the holds, those that have run out and were not swept yet among them. A row
-- is changed and removed by its primary key alone, so that it is locked in one place.
--   class    0: granted while the capacity was 1; holds of this class never overlap, live or not.
--            c from 1 to 63: its length lies in (2^(c-2), 2^(c-1)]; 63: or above
--   expires  µs since 1970 by the server's clock; 9223372036854775807: it is permanent
--   granted  the capacity that it was counted against
CREATE TABLE IF NOT EXISTS holdfast_range_hold (
    `key`   VARBINARY(512) NOT NULL,
    id      VARBINARY(255) NOT NULL,
    class   TINYINT NOT NULL,
    starts  BIGINT NOT NULL,
    ends    BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    fence   BIGINT NOT NULL,
    units   INT NOT NULL,
    granted INT NOT NULL,
    owner   VARBINARY(256) NOT NULL,
    data    MEDIUMBLOB NOT NULL,
    PRIMARY KEY (`key`, id),
    KEY by_start (`key`, class, starts, fence),
    KEY by_expiry (expires)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC
