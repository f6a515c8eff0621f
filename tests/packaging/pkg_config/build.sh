#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# build.sh PREFIX LIBDIR COMPILER WORK: compiles, links and runs with what pkg-config says.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$4"
cd "$4"
PKG_CONFIG_PATH="$1/$2/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs 'holdfast >= 1')
echo "$flags"
# shellcheck disable=SC2086
"$3" -std=c++20 -O1 -Wall -Wextra -Wpedantic -Wconversion -Werror \
  "$here/../find_package/one_store.cpp" -o consumer $flags
./consumer sqlite:pkg_config.db
./consumer memory:
./consumer redis://127.0.0.1:1 | grep unreachable
