-- SPDX-License-Identifier: BSL-1.0
-- galera: whether the server is a node of a Galera cluster; MySQL does not know the variable.
--   returns  its name and "ON" or "OFF", or no row
SHOW GLOBAL VARIABLES LIKE 'wsrep_on'
