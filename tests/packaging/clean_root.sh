#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# clean_root.sh WORK README PACKAGE...: a Debian 12 with nothing in it but what debootstrap brings,
# made below WORK; the packages are installed there by apt, the README's example is compiled with
# CMake and with pkg-config, and the program is used. Needs root; all mounts end with the script.
set -eu
if [ "${HOLDFAST_APART:-}" != 1 ]; then
  HOLDFAST_APART=1 exec unshare --mount --pid --fork --kill-child "$0" "$@"
fi
work=$1 readme=$2
shift 2
root=$work/root
say() { printf -- '--> %s\n' "$*"; }
fail() { echo "clean_root.sh: $*" >&2; exit 1; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
apt() {
  inside DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends \
    "$@" 2>&1
}

mirror=$(sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(http[^ ]*\) .*/\1/p' \
  /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -1)
rm -rf "$root"
mkdir -p "$work"
say "A bare Debian 12 from ${mirror:=http://deb.debian.org/debian}"
nice debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/debootstrap.log" ||
  { tail -20 "$work/debootstrap.log" >&2; fail 'debootstrap failed'; }
mount -t proc proc "$root/proc"
mkdir "$root/packages" "$root/work"
cp "$@" "$root/packages/"
[ ! -e "$root/usr/bin/gcc" ] || fail 'the root is not bare'
cat "$root/var/lib/dpkg/info/"*.list | sort -u >"$work/before.list"

say 'The program alone'
apt update >/dev/null
apt install "/$(cd "$root" && echo packages/holdfast_*.deb)" >"$work/apt.log" ||
  { cat "$work/apt.log"; fail 'apt does not install the program'; }
[ ! -e "$root/usr/include/holdfast" ] || fail 'the program brought headers'
inside holdfast --version
inside HOLDFAST_STORE=sqlite:/work/locks.db sh -euc '
  test "$(holdfast run job -- sh -c "holdfast list | tail -1 | cut -c1-3")" = job
  holdfast acquire kept --ttl 1m >/dev/null
  holdfast run kept -- true 2>/dev/null && exit 1
  holdfast break kept >/dev/null
  test -z "$(holdfast --json list)"'

say "The README's command lines"
# As they stand there, but for the server, for the id, which is what the line before has got, and
# for a watch, which ends when it is told to.
sed -n '/^## Command line/,/^## More/s/^    \(holdfast .*\)/\1/p' "$readme" |
  sed -e 's| *#.*||' -e 's|redis://localhost|sqlite:/work/other.db|' \
    -e 's|^holdfast acquire.*|& >got; id=$(sed -n "s/^id *//p" got)|' \
    -e 's|deploy ID$|deploy "$id"|' \
    -e 's/^holdfast .* watch$/timeout 2 & || test $? = 124/' \
    >"$root/work/readme.sh"
[ "$(wc -l <"$root/work/readme.sh")" -ge 6 ] || fail 'the README has no command lines'
printf '#!/bin/sh\necho backed up\n' >"$root/work/backup.sh"
chmod +x "$root/work/backup.sh"
inside USER=somebody sh -euc 'cd /work; set -x; . ./readme.sh' >"$work/readme.log" 2>&1 ||
  { cat "$work/readme.log"; fail 'a command line of the README fails'; }
grep -q '^backed up$' "$work/readme.log" || fail 'the job of the README did not run'

say 'Completions'
apt install zsh fish >>"$work/apt.log"
inside bash -euc '. /usr/share/bash-completion/completions/holdfast
  complete -p holdfast | grep -q -e "-F"'
inside zsh -fc 'autoload -U compinit && compinit -u -D && test "${_comps[holdfast]}" = _holdfast &&
  autoload +X _holdfast' || fail 'zsh does not know the completion'
inside fish -c 'complete -C "holdfast r"' | grep -q '^run' ||
  fail 'fish does not know the completion'

say 'The manual page'
apt install man-db groff-base >>"$work/apt.log"
inside LC_ALL=C.UTF-8 MANWIDTH=100 man holdfast >"$work/man.txt" 2>"$work/man.err"
[ ! -s "$work/man.err" ] || { cat "$work/man.err"; fail 'the manual page has errors'; }
grep -q 'holdfast.*run.*NAME' "$work/man.txt" || fail 'the manual page is empty'

say 'The README: its example, compiled and run'
apt install "/$(cd "$root" && echo packages/libholdfast-dev_*.deb)" g++ cmake make \
  >>"$work/apt.log" || { tail -30 "$work/apt.log"; fail 'apt does not install libholdfast-dev'; }
sed -n '/<!-- example: begin/,/<!-- example: end/p' "$readme" | grep -v -e '^<!--' -e '^```' \
  >"$root/work/app.cpp"
grep -q 'redis://localhost' "$root/work/app.cpp" || fail 'the README has no example'
sed -i 's|redis://localhost|sqlite:/work/readme.db|' "$root/work/app.cpp"
{ echo 'cmake_minimum_required(VERSION 3.16)'
  echo 'project(app LANGUAGES CXX)'
  # The two lines that the README says.
  sed -n 's/^    \(find_package(holdfast.*\)/\1/p' "$readme"
  echo 'add_executable(app app.cpp)'
  sed -n 's/^    \(target_link_libraries(app .*\)/\1/p' "$readme"
} >"$root/work/CMakeLists.txt"
inside sh -euc 'cd /work
  cmake -B build >/dev/null
  cmake --build build >/dev/null
  ./build/app >said
  test "$(wc -l <said)" = 3
  g++ -std=c++20 app.cpp $(pkg-config --cflags --libs holdfast) -o by_pkg_config
  ./by_pkg_config >said
  test "$(wc -l <said)" = 3'

say 'Removed again'
apt purge holdfast libholdfast-dev >>"$work/apt.log"
left=$(find "$root/usr" "$root/etc" "$root/var/lib" -name '*holdfast*' ! -path '*/dpkg/*')
[ -z "$left" ] || fail "left behind: $left"
umount "$root/proc"
rm -rf "$root"
say 'All of it works in a bare Debian 12'
