-- SPDX-License-Identifier: BSL-1.0
-- connect: what each connection sets for itself.
-- NORMAL syncs at checkpoints only: a power cut may take the last leases along, but it ends them
-- all anyway, because they name the boot they were written in; the file itself stays sound.
PRAGMA synchronous = NORMAL;
PRAGMA trusted_schema = OFF;
