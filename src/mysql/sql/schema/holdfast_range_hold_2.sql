-- SPDX-License-Identifier: BSL-1.0
-- holdfast_range_hold_2: makes a hold on a key with room for one, in one round trip. The steps are
-- those of range_work.cpp, which stands in where this is missing, and where the key has more room.
--   p_capacity  0: the key's own   p_ttl  µs
--   returns  one row: how, a number, the key's time
--            how 0: held; the number is its token
--                1: blocked; one result follows for each class in use, with the first holds of it
--                   that are in the way: id, start, end, units, token, expiry, owner, data; one
--                   that has run out is if somebody else has locked its row
--                2: more units are wanted than the key has, which is the number
--                3: the id is another hold of the key or, if the number is 1, a permanent one
--                4: the room is not 1, but the number: nothing was done
-- The name ends in a number that changes with the text.
CREATE PROCEDURE holdfast_range_hold_2(
    IN p_key VARBINARY(512), IN p_id VARBINARY(255), IN p_start BIGINT, IN p_end BIGINT,
    IN p_units INT, IN p_capacity INT, IN p_ttl BIGINT, IN p_owner VARBINARY(256),
    IN p_data MEDIUMBLOB)
    MODIFIES SQL DATA
    SQL SECURITY INVOKER
    COMMENT 'holdfast: makes a hold'
whole: BEGIN
    DECLARE v_fence, v_seen, v_clock, v_now, v_expires, v_locked BIGINT DEFAULT 0;
    DECLARE v_used, v_earlier BIGINT DEFAULT 0;
    DECLARE v_starts, v_ends, v_from, v_lowest, v_reach BIGINT DEFAULT 0;
    DECLARE v_room, v_units, v_class, v_swept, v_blocked INT DEFAULT 0;
    DECLARE v_rests INT DEFAULT 0;
    DECLARE v_id, v_busy VARBINARY(255);
    DECLARE v_key VARBINARY(512);
    DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET v_lowest = -9223372036854775807 - 1;
    START TRANSACTION;

    -- The key first: whoever comes later waits here, and then sees what we did.
    turn: LOOP
        SET v_fence = NULL;
        SELECT fence, capacity, seen, classes INTO v_fence, v_room, v_seen, v_used
          FROM holdfast_range_key WHERE `key` = p_key FOR UPDATE;
        IF v_fence IS NOT NULL THEN LEAVE turn; END IF;
        -- If the row was lost and the holds were not, it knows their classes again.
        INSERT INTO holdfast_range_key (`key`, classes)
        VALUES (p_key, (SELECT COALESCE(BIT_OR(1 << (used.class - 1)), 0)
                          FROM (SELECT DISTINCT class
                                  FROM holdfast_range_hold FORCE INDEX (by_start)
                                 WHERE `key` = p_key AND class > 0) AS used))
        ON DUPLICATE KEY UPDATE fence = fence;
    END LOOP;
    SET v_clock = TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6));
    SET v_now = GREATEST(v_clock, v_seen);
    IF p_capacity > 0 THEN SET v_room = p_capacity; END IF;
    IF v_room <> 1 THEN
        COMMIT;
        SELECT 4 AS how, CAST(v_room AS SIGNED) AS number, v_now AS now;
        LEAVE whole;
    END IF;

    -- An earlier attempt.
    SET v_expires = NULL;
    SELECT starts, ends, units, expires, fence INTO v_starts, v_ends, v_units, v_expires, v_earlier
      FROM holdfast_range_hold WHERE `key` = p_key AND id = p_id FOR UPDATE;
    IF v_expires > v_now THEN
        IF v_starts <> p_start OR v_ends <> p_end OR v_units <> p_units THEN
            COMMIT;
            SELECT 3 AS how, 0 AS number, v_now AS now;
            LEAVE whole;
        END IF;
        IF v_expires = 9223372036854775807 THEN
            COMMIT;
            SELECT 3 AS how, 1 AS number, v_now AS now;
            LEAVE whole;
        END IF;
        UPDATE holdfast_range_hold SET expires = GREATEST(expires, v_now + p_ttl)
         WHERE `key` = p_key AND id = p_id;
        UPDATE holdfast_range_key SET seen = v_now WHERE `key` = p_key;
        COMMIT;
        SELECT 0 AS how, v_earlier AS number, v_now AS now;
        LEAVE whole;
    ELSEIF v_expires IS NOT NULL THEN
        DELETE FROM holdfast_range_hold WHERE `key` = p_key AND id = p_id;
    END IF;

    IF p_units > v_room THEN
        COMMIT;
        SELECT 2 AS how, CAST(v_room AS SIGNED) AS number, v_now AS now;
        LEAVE whole;
    END IF;

    -- Class 0: of those that start below our end, the last one ends last. One that has run out is
    -- removed, unless a transaction of the application's made it permanent: each look is a new one.
    -- Nobody waits for its row, as the whole key would wait, too: who is at it is in the way. Who
    -- only sweeps it is done in a moment.
    single: LOOP
        SET v_expires = NULL;
        SELECT id, ends, expires INTO v_id, v_ends, v_expires
          FROM holdfast_range_hold FORCE INDEX (by_start)
         WHERE `key` = p_key AND class = 0 AND starts < p_end
         ORDER BY starts DESC LIMIT 1;
        IF v_expires IS NULL OR v_ends <= p_start THEN LEAVE single; END IF;
        IF v_expires > v_now THEN
            SET v_blocked = 1;
            LEAVE single;
        END IF;
        SET v_locked = NULL;
        SELECT expires INTO v_locked
          FROM holdfast_range_hold WHERE `key` = p_key AND id = v_id FOR UPDATE SKIP LOCKED;
        IF v_locked <= v_now THEN
            DELETE FROM holdfast_range_hold WHERE `key` = p_key AND id = v_id;
        ELSEIF v_locked IS NULL AND v_rests < 4 THEN
            SET v_rests = v_rests + 1;
            DO SLEEP(0.005);
        ELSEIF v_locked IS NULL THEN
            SELECT id INTO v_busy FROM holdfast_range_hold WHERE `key` = p_key AND id = v_id;
            SET v_blocked = v_busy IS NOT NULL;
            IF v_blocked = 1 THEN LEAVE single; END IF;
        END IF;
    END LOOP;

    -- The others: what overlaps starts less than the greatest length of its class before us.
    SET v_class = 1;
    classes: WHILE v_blocked = 0 AND (v_used >> (v_class - 1)) <> 0 DO
        IF (v_used >> (v_class - 1)) & 1 = 0 THEN
            SET v_class = v_class + 1;
            ITERATE classes;
        END IF;
        SET v_from = v_lowest;
        IF v_class < 63 THEN
            SET v_reach = CAST(1 << (v_class - 1) AS SIGNED);
            IF p_start >= v_lowest + v_reach THEN SET v_from = p_start - v_reach; END IF;
        END IF;
        SET v_expires = NULL;
        SELECT id, expires INTO v_id, v_expires
          FROM holdfast_range_hold FORCE INDEX (by_start)
         WHERE `key` = p_key AND class = v_class AND starts >= v_from AND starts < p_end
           AND ends > p_start
         ORDER BY starts LIMIT 1;
        IF v_expires IS NULL THEN
            SET v_class = v_class + 1;
        ELSEIF v_expires > v_now THEN
            SET v_blocked = 1;
        ELSE
            SET v_locked = NULL;
            SELECT expires INTO v_locked
              FROM holdfast_range_hold WHERE `key` = p_key AND id = v_id FOR UPDATE SKIP LOCKED;
            IF v_locked <= v_now THEN
                DELETE FROM holdfast_range_hold WHERE `key` = p_key AND id = v_id;
            ELSEIF v_locked IS NULL AND v_rests < 4 THEN
                SET v_rests = v_rests + 1;
                DO SLEEP(0.005);
            ELSEIF v_locked IS NULL THEN
                SELECT id INTO v_busy FROM holdfast_range_hold WHERE `key` = p_key AND id = v_id;
                SET v_blocked = v_busy IS NOT NULL;
            END IF;
        END IF;
    END WHILE;

    IF v_blocked = 1 THEN
        SELECT 1 AS how, 0 AS number, v_now AS now;
        SET v_starts = NULL;
        SELECT starts INTO v_starts
          FROM holdfast_range_hold FORCE INDEX (by_start)
         WHERE `key` = p_key AND class = 0 AND starts <= p_start
         ORDER BY starts DESC LIMIT 1;
        SET v_class = 0;
        report: WHILE v_class = 0 OR (v_used >> (v_class - 1)) <> 0 DO
            SET v_from = v_lowest;
            IF v_class = 0 THEN
                SET v_from = COALESCE(v_starts, p_start);
            ELSEIF (v_used >> (v_class - 1)) & 1 = 0 THEN
                SET v_class = v_class + 1;
                ITERATE report;
            ELSEIF v_class < 63 THEN
                SET v_reach = CAST(1 << (v_class - 1) AS SIGNED);
                IF p_start >= v_lowest + v_reach THEN SET v_from = p_start - v_reach; END IF;
            END IF;
            SELECT id, starts, ends, units, fence, expires, owner, data
              FROM holdfast_range_hold FORCE INDEX (by_start)
             WHERE `key` = p_key AND class = v_class AND starts >= v_from AND starts < p_end
               AND ends > p_start AND (expires > v_now OR id = v_busy)
             ORDER BY starts, fence LIMIT 16;
            SET v_class = v_class + 1;
        END WHILE;
        COMMIT;
        LEAVE whole;
    END IF;

    SET v_fence = GREATEST(v_fence + 1, v_clock);
    INSERT INTO holdfast_range_hold
           (`key`, id, class, starts, ends, expires, fence, units, granted, owner, data)
    VALUES (p_key, p_id, 0, p_start, p_end, v_now + p_ttl, v_fence, p_units, v_room, p_owner,
            p_data);
    UPDATE holdfast_range_key SET fence = v_fence, seen = v_now WHERE `key` = p_key;

    -- Up to two that have run out long enough for nobody to be at them, of whichever key.
    sweep: WHILE v_swept < 2 DO
        SET v_id = NULL;
        SELECT `key`, id INTO v_key, v_id
          FROM holdfast_range_hold FORCE INDEX (by_expiry)
         WHERE expires <= v_clock
         ORDER BY expires LIMIT 1;
        IF v_id IS NULL THEN LEAVE sweep; END IF;
        SET v_expires = NULL;
        SELECT expires INTO v_expires
          FROM holdfast_range_hold
         WHERE `key` = v_key AND id = v_id AND expires <= v_clock
           FOR UPDATE SKIP LOCKED;
        IF v_expires IS NULL THEN LEAVE sweep; END IF;
        DELETE FROM holdfast_range_hold WHERE `key` = v_key AND id = v_id;
        SET v_swept = v_swept + 1;
    END WHILE;
    COMMIT;
    SELECT 0 AS how, v_fence AS number, v_now AS now;
END
