-- SPDX-License-Identifier: BSL-1.0
-- columns: the shape of a table of this database.
--   1  table
--   returns  for each column: name, type, longest text, 1 if it may be left out, key, what is
--            special of it, collation; the table's engine
SELECT c.COLUMN_NAME, c.DATA_TYPE, CAST(COALESCE(c.CHARACTER_MAXIMUM_LENGTH, 0) AS SIGNED),
       CAST(c.IS_NULLABLE = 'YES' OR c.COLUMN_DEFAULT IS NOT NULL OR c.EXTRA <> '' AS SIGNED),
       c.COLUMN_KEY, c.EXTRA, COALESCE(c.COLLATION_NAME, ''), COALESCE(t.ENGINE, t.TABLE_TYPE)
  FROM information_schema.COLUMNS AS c
  JOIN information_schema.TABLES AS t
    ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
 WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = ?
 ORDER BY c.ORDINAL_POSITION
