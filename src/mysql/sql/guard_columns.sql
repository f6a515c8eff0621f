-- SPDX-License-Identifier: BSL-1.0
-- guard_columns: the three numbers of a row as numbers, invisible to SELECT * and to INSERT without
-- columns, NULL where the text is no number; and an index that finds the rows of a key.
ALTER TABLE `lock`
    ADD COLUMN f_n DOUBLE GENERATED ALWAYS AS (CASE WHEN `from` REGEXP
        '^-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$'
        THEN CAST(`from` AS DOUBLE) END) VIRTUAL INVISIBLE,
    ADD COLUMN t_n DOUBLE GENERATED ALWAYS AS (CASE WHEN `to` REGEXP
        '^-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$'
        THEN CAST(`to` AS DOUBLE) END) VIRTUAL INVISIBLE,
    ADD COLUMN x_n DOUBLE GENERATED ALWAYS AS (CASE WHEN `expiry` REGEXP
        '^-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$'
        THEN CAST(`expiry` AS DOUBLE) END) VIRTUAL INVISIBLE,
    ADD INDEX lock_guard (`key`, f_n)
