-- SPDX-License-Identifier: BSL-1.0
-- create_lock: the original's table, exactly as it makes it (Sequelize 3.35).
CREATE TABLE IF NOT EXISTS `lock` (
    `id` VARCHAR(255) NOT NULL, `key` VARCHAR(255), `from` VARCHAR(255), `to` VARCHAR(255),
    `expiry` VARCHAR(255), `data` VARCHAR(255), PRIMARY KEY (`id`)
) ENGINE=InnoDB
