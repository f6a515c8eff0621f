#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# packages.sh BUILD WORK COMPILER CPACK: makes the Debian packages of a build, looks at what they
# say and hold, and compiles and runs a program against what they unpack to. Installs nothing.
set -eu
build=$1 work=$2 compiler=$3 cpack=$4
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source=$here/../..
fail() { echo "packages.sh: $*" >&2; exit 1; }

rm -rf "$work"
mkdir -p "$work"
# gzip takes a quarter of the time of xz.
"$cpack" --config "$build/CPackConfig.cmake" -B "$work" -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip \
  >"$work/cpack.log" ||
  { cat "$work/cpack.log"; fail 'cpack failed'; }
version=$(sed -n 's/^ *VERSION \([0-9.]*\)$/\1/p' "$source/CMakeLists.txt")
machine=$(dpkg --print-architecture)
cli=$work/holdfast_${version}_$machine.deb dev=$work/libholdfast-dev_${version}_$machine.deb
[ "$(find "$work" -maxdepth 1 -name '*.deb' | wc -l)" = 2 ] || fail 'not two packages'

field() { dpkg-deb -f "$1" "$2"; }
expect() {  # PACKAGE FIELD PATTERN
  field "$1" "$2" | tr '\n' ' ' | grep -Eq "$3" ||
    fail "$(basename "$1"): $2 is '$(field "$1" "$2")', not like '$3'"
}
for package in "$cli" "$dev"; do
  expect "$package" Version "^$version "
  expect "$package" Architecture "^$machine "
  expect "$package" Maintainer '^[^<]+ <[^@>]+@[^>]+> '
  expect "$package" Priority '^optional '
  expect "$package" Description '^[a-z].{10,70} .{80,}'
done
expect "$cli" Description '^run commands '
expect "$dev" Description '^distributed locks '
expect "$cli" Section '^utils '
expect "$dev" Section '^libdevel '
# What the program is linked with, as dpkg-shlibdeps found it; and nothing for compiling.
for library in libc6 "libstdc[+][+]6" libssl3 libsqlite3-0 libmariadb3; do
  expect "$cli" Depends "(^|, )$library( |,|$)"
done
! field "$cli" Depends | grep -q -e -dev || fail 'the program wants packages for compiling'
for library in libboost1.81-dev libssl-dev libsqlite3-dev libmariadb-dev pkg-config; do
  expect "$dev" Depends "(^|, )$library( |,|$)"
done

listed() { dpkg-deb -c "$1" | awk '{ print substr($6, 2) }'; }
has() {  # PACKAGE PATH...
  package=$1
  shift
  for path in "$@"; do
    listed "$package" | grep -qx "$path" || fail "$(basename "$package") has no $path"
  done
}
has "$cli" /usr/bin/holdfast /usr/share/man/man1/holdfast.1.gz \
  /usr/share/bash-completion/completions/holdfast /usr/share/zsh/vendor-completions/_holdfast \
  /usr/share/fish/vendor_completions.d/holdfast.fish /usr/share/doc/holdfast/copyright \
  /usr/share/doc/holdfast/changelog.gz /usr/share/doc/holdfast/examples/jobs/nightly.service \
  /usr/share/doc/holdfast/examples/jobs/nightly.timer
has "$dev" /usr/include/holdfast/holdfast.hpp /usr/include/holdfast/version.hpp \
  '/usr/lib/\(.*/\)\?libholdfast_lock.a' '/usr/lib/\(.*/\)\?pkgconfig/holdfast.pc' \
  '/usr/lib/\(.*/\)\?cmake/holdfast/holdfastConfig.cmake' \
  /usr/share/doc/libholdfast-dev/copyright /usr/share/doc/libholdfast-dev/changelog.gz \
  /usr/share/doc/libholdfast-dev/examples/01_first_lock.cpp
listed "$cli" | grep -E '\.(a|hpp)$' && fail 'the program brings along what is for compiling'
listed "$dev" | grep -E '/(bin|man1)/' && fail 'what is for compiling brings along the program'
# Neither has a file of the other, and all belong to root.
listed "$cli" | grep -v '/$' | sort >"$work/cli.list"
listed "$dev" | grep -v '/$' | sort >"$work/dev.list"
[ -z "$(comm -12 "$work/cli.list" "$work/dev.list")" ] || fail 'a file is in both'
for package in "$cli" "$dev"; do
  dpkg-deb -c "$package" | awk '$2 != "root/root" { exit 1 }' || fail 'not all is of root'
  dpkg-deb -x "$package" "$work/root"
done
zcat "$work/root/usr/share/doc/holdfast/changelog.gz" | grep -q "^holdfast ($version) " ||
  fail 'the changelog is about another version'

program=$work/root/usr/bin/holdfast
[ "$("$program" --version)" = "holdfast $version" ] || fail 'the program is of another version'
config=$(dirname "$(find "$work/root/usr/lib" -name holdfast.pc)")
sh "$here/pkg_config/build.sh" "$work/root/usr" "${config#"$work/root/usr/"}/.." "$compiler" \
  "$work/consumer"
