-- SPDX-License-Identifier: BSL-1.0
-- hold_insert: a hold that nothing is in the way of. One transaction with the looks before it.
INSERT INTO hold (key, class, start, fence, finish, id, units, granted, boot, expires_ns,
                  expires_us, owner, data)
VALUES (:key, :class, :start, :fence, :finish, :id, :units, :granted, :boot, :expires,
        :expires_us, :owner, :data);
