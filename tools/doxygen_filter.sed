# SPDX-License-Identifier: BSL-1.0
# Copies, moves and their assignments say themselves what they do; lines keep their numbers.
s/^ *(explicit )?([a-z_]+)\((const )?\2 ?&&?( [a-z]+)?\)( noexcept)?( = [a-z]+)?;$//
s/^ *([a-z_]+)& operator=\((const )?\1 ?&&?( [a-z]+)?\)( noexcept)?( = [a-z]+)?;$//
