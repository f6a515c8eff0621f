-- SPDX-License-Identifier: BSL-1.0
-- identity: whose file this is. Writes nothing.
--   returns  the application's mark, the version of the schema, and how many things the file holds;
--            three zeros for a new file.
SELECT (SELECT application_id FROM pragma_application_id),
       (SELECT user_version FROM pragma_user_version),
       (SELECT count(*) FROM sqlite_schema);
