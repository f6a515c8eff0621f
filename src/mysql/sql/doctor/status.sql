-- SPDX-License-Identifier: BSL-1.0
-- status: what the server is at. Values that it does not know are left out.
--   returns  name, value
SHOW GLOBAL STATUS WHERE Variable_name IN (
    'Threads_connected', 'Slave_running', 'Slaves_connected', 'Slaves_running')
