-- SPDX-License-Identifier: BSL-1.0
-- variables: how the server is set up. Those that it does not know are left out.
--   returns  name, value
SHOW GLOBAL VARIABLES WHERE Variable_name IN (
    'version', 'version_comment', 'hostname', 'port', 'datadir', 'server_uuid', 'read_only',
    'super_read_only', 'innodb_read_only', 'wsrep_on', 'log_bin', 'binlog_format', 'wait_timeout',
    'max_connections', 'innodb_flush_log_at_trx_commit', 'rpl_semi_sync_master_enabled',
    'rpl_semi_sync_source_enabled')
