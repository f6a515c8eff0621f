#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Plants bugs in copies of the sources, so that the simulation can show that it finds them.

    mutants.py MUTANTS.toml --files              the sources that are changed, one a line
    mutants.py MUTANTS.toml SOURCES INTO         writes their copies, and planted.hpp, below INTO

The file says what is replaced by what. In the new text `PLANTED(name)` is true while that mutant
is chosen, `SEEN(name)` counts that a place was reached. What is compiled from the copies is one
program with all mutants in it; the sources themselves know nothing of them. A text that is not
found exactly once is an error: the code has changed, and its mutants with it. (Do not make a
constant of PLANTED: the compiler tries to know constants first, and then no mutant is chosen.)
"""
import pathlib
import re
import sys
import tomllib

HEADER = """\
// SPDX-License-Identifier: BSL-1.0
// Made by tools/mutants.py; not to be edited.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace holdfast::mutants {

inline constexpr std::size_t none = static_cast<std::size_t>(-1);
inline std::size_t chosen = none;

/// A bug, and which way it is expected to be found.
struct mutant {
    std::string_view name, breaks, known_from, found_by;
};
inline constexpr std::array<mutant, %(mutants)d> all{{
%(rows)s}};
/// How often each was asked for.
inline std::array<std::uint64_t, %(mutants)d> reached{};

inline constexpr std::array<std::string_view, %(branches)d> branches{{
%(branch_rows)s}};
inline std::array<std::uint64_t, %(branches)d> seen_branches{};

constexpr bool is(std::size_t which) noexcept {
    if (std::is_constant_evaluated()) return false;
    ++reached[which];
    return chosen == which;
}
constexpr bool seen(std::size_t which) noexcept {
    if (!std::is_constant_evaluated()) ++seen_branches[which];
    return true;
}

}  // namespace holdfast::mutants
"""


def fail(text):
    sys.exit(f"mutants.py: {text}")


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def changed(text, edits, where):
    """Returns `text` with all of `edits` made: (find, instead) pairs."""
    places = []
    for find, instead in edits:
        count = text.count(find)
        if count != 1:
            fail(f"{where} has this text {count} times, not once; did the code change?\n{find}")
        at = text.index(find)
        places.append((at, at + len(find), instead))
    places.sort(reverse=True)
    for (start, _, _), (_, before_end, _) in zip(places, places[1:]):
        if before_end > start:
            fail(f"{where}: two changes overlap near: {text[start:start + 60]}")
    for start, end, instead in places:
        text = text[:start] + instead + text[end:]
    return text


def main():
    book = tomllib.loads(pathlib.Path(sys.argv[1]).read_text())
    files = sorted({edit["file"] for edit in book["edit"]})
    if sys.argv[2] == "--files":
        print("\n".join(files))
        return
    sources, into = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    names = [one["name"] for one in book["mutant"]]
    branches, used = [], set()

    def planted(match):
        name = match.group(1)
        if name not in names:
            fail(f"no such mutant: {name}")
        used.add(name)
        return f"::holdfast::mutants::is({names.index(name)})"

    def seen(match):
        if match.group(1) not in branches:
            branches.append(match.group(1))
        return f"::holdfast::mutants::seen({branches.index(match.group(1))})"

    for file in files:
        edits = []
        for edit in book["edit"]:
            if edit["file"] != file:
                continue
            instead = edit["instead"].strip("\n")
            instead = re.sub(r"PLANTED\((\w+)\)", planted, instead)
            instead = re.sub(r"SEEN\(([^)]+)\)", seen, instead)
            edits.append((edit["find"].strip("\n"), instead))
        original = (sources / file).read_text()
        first, rest = changed(original, edits, file).split("\n", 1)
        target = into / file
        target.parent.mkdir(parents=True, exist_ok=True)
        text = f'{first}\n#include "mutants/planted.hpp"\n#line 2 "{sources / file}"\n{rest}'
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
    if unused := [name for name in names if name not in used]:
        fail(f"nothing plants {', '.join(unused)}")
    if len(set(names)) != len(names):
        fail("two mutants have one name")
    rows = "".join(
        "    {" + ",\n     ".join(quoted(one[key]) for key in ("name", "breaks", "known", "by"))
        + "},\n" for one in book["mutant"])
    header = HEADER % {
        "mutants": len(names), "rows": rows, "branches": len(branches),
        "branch_rows": "".join(f"    {quoted(name)},\n" for name in branches)}
    place = into / "mutants" / "planted.hpp"
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists() or place.read_text() != header:
        place.write_text(header)


if __name__ == "__main__":
    main()
