-- SPDX-License-Identifier: BSL-1.0
-- guard_trigger: refuses a row that overlaps a live one of its key, that is empty or reversed, or
-- whose numbers are none, whoever writes it. It locks the row of the key first, as lock_key does,
-- reads with a lock, because the writer may see an old snapshot, and takes the time of the
-- statement's start, in UTC: older than now, so that at worst a row counts as live a while longer.
CREATE TRIGGER lock_guard BEFORE INSERT ON `lock` FOR EACH ROW
BEGIN
    DECLARE starts, ends, now_ms DOUBLE;
    DECLARE overlapping INT DEFAULT 0;
    IF NEW.`key` IS NULL
        OR NOT COALESCE(NEW.`from` REGEXP
            '^-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$', FALSE)
        OR NOT COALESCE(NEW.`to` REGEXP
            '^-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$', FALSE)
        OR NOT COALESCE(NEW.expiry REGEXP
            '^-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$', FALSE)
    THEN
        SIGNAL SQLSTATE '45000'
            SET MESSAGE_TEXT = 'holdfast guard: key, from, to and expiry must be there, as numbers';
    END IF;
    SET starts = CAST(NEW.`from` AS DOUBLE), ends = CAST(NEW.`to` AS DOUBLE);
    IF starts >= ends THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'holdfast guard: from must be below to';
    END IF;
    INSERT INTO lock_key (`key`, fence) VALUES (NEW.`key`, 1)
        ON DUPLICATE KEY UPDATE fence = fence + 1;
    SET now_ms = TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) / 1000;
    SELECT COUNT(*) INTO overlapping FROM `lock`
     WHERE `key` = NEW.`key` AND f_n < ends AND t_n > starts AND x_n > now_ms
      LOCK IN SHARE MODE;
    IF overlapping > 0 THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'holdfast guard: overlaps a live lock';
    END IF;
END
