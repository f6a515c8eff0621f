-- SPDX-License-Identifier: BSL-1.0
-- identity: whose file this is. Writes nothing.
--   returns  the application's mark, the version of the schema, how many things the file holds, and
--            how many of them are tables of `extend`; four zeros for a new file.
SELECT (SELECT application_id FROM pragma_application_id),
       (SELECT user_version FROM pragma_user_version),
       (SELECT count(*) FROM sqlite_schema),
       (SELECT count(*) FROM sqlite_schema
         WHERE type = 'table' AND name IN ('share', 'bar', 'hold', 'hold_key', 'hold_meta'));
