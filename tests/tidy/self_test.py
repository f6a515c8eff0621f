#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Shows each rule of tools/tidy.py a tiny tree that breaks it, and one that does not."""
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools"))
sys.dont_write_bytecode = True
import tidy  # noqa: E402

SPDX = "// SPDX-License-Identifier: BSL-1.0\n"
GOOD = {
    "CMakeLists.txt": "# SPDX-License-Identifier: BSL-1.0\nproject(holdfast VERSION 1.0.0)\n",
    "CHANGELOG.md": "## 1.0.0\n",
    "README.md": "[start](docs/start.md#the-first-lock)\n",
    "docs/start.md": "# The first lock\n\n<!-- examples/01.cpp: all -->\n```cpp\nint a;\n```\n",
    "docs/reference/errors.md": "| `lost` | x |\n| `none` | x |\n",
    "examples/CMakeLists.txt": "# SPDX-License-Identifier: BSL-1.0\nexample(01.cpp)\n",
    "examples/01.cpp": SPDX + "    //! [all]\n    int a;\n    //! [all]\n",
    "src/core/CMakeLists.txt": "# SPDX-License-Identifier: BSL-1.0\nx(a.cpp errc.hpp)\n",
    "src/core/a.cpp": SPDX + '#include "core/a.hpp"\n#include <vector>\n',
    "src/core/a.hpp": SPDX + "#pragma once\n#include <holdfast/errc.hpp>\n",
    "include/holdfast/errc.hpp": SPDX + "enum class errc : int {\n    lost = 5,  ///< a, b.\n};\n"
                                        "enum class lost_reason : int { none };\n",
}


class EachRule(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="holdfast-tidy-"))
        self.addCleanup(shutil.rmtree, self.root)
        for path, text in GOOD.items():
            self.write(path, text)
        (self.root / "tools").mkdir()
        shutil.copy(REPOSITORY / "tools/layers.toml", self.root / "tools")

    def write(self, path, text):
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text)

    def findings(self):
        tree = tidy.Tree(self.root)
        return [f"{p}:{n}: {r.__name__}: {w}" for r in tidy.RULES for p, n, w in r(tree)]

    def expect(self, *wanted):
        found = self.findings()
        self.assertEqual(len(found), len(wanted), found)
        for text in wanted:
            self.assertTrue(any(f.startswith(text) for f in found), f"{text} not in {found}")

    def test_good_tree_has_no_findings(self):
        self.expect()

    def test_layers_up(self):
        self.write("src/lock/b.hpp", SPDX)
        self.write("src/core/a.cpp", SPDX + '#include "core/a.hpp"\n#include "lock/b.hpp"\n')
        self.expect("src/core/a.cpp:3: layers:")

    def test_layers_of_public_headers(self):
        self.write("src/core/a.hpp", SPDX + "#include <holdfast/store.hpp>\n")
        self.expect("src/core/a.hpp:2: layers:")

    def test_layers_of_libraries_and_system(self):
        self.write("src/core/a.hpp", SPDX + "#include <boost/asio/post.hpp>\n#include <unistd.h>\n")
        self.expect("src/core/a.hpp:2: layers:", "src/core/a.hpp:3: layers:")

    def test_an_include_in_a_comment_is_none(self):
        self.write("src/core/a.hpp", SPDX
                   + '// #include <boost/asio.hpp>\n/*\n#include "x/y"\n*/\n')
        self.expect()

    def test_sizes(self):
        self.write("src/core/a.hpp", SPDX + "//\n" * 400)
        self.write("README.md", "x\n" * 151)
        self.expect("src/core/a.hpp:1: sizes: 401", "README.md:1: sizes: 151")

    def test_function_lengths(self):
        start = SPDX + '#include "core/a.hpp"\nnamespace n {\n'
        member = "class c {\n    int f(int b = '{') noexcept {\n%s    }\n};\n"
        builder = "a::a(int x)\n    : x_{x}, y_{x} {\n%s}\n"

        def write(lines):
            self.write("src/core/a.cpp", start + member % ("{}\n" * (lines - 2))
                       + builder % ("b();\n" * (lines - 3)) + "}\n")

        write(70)
        self.expect()
        write(71)
        self.expect("src/core/a.cpp:5: function_lengths: a function of 71",
                    "src/core/a.cpp:77: function_lengths: a function of 71")

    def test_columns(self):
        self.write("docs/start.md", GOOD["docs/start.md"] + "x" * 101 + "\n| " + "y" * 100 + "\n"
                   + "https://example.org/" + "z" * 100 + "\n")
        self.expect("docs/start.md:7: columns: 101")

    def test_licences(self):
        self.write("src/core/a.hpp", "#pragma once\n")
        self.expect("src/core/a.hpp:1: licences:")

    def test_banned_calls(self):
        self.write("src/core/a.cpp", SPDX + '#include "core/a.hpp"\n// steady_clock\n'
                   'auto a = std::chrono::steady_clock::now();\nauto b = time(nullptr);\n'
                   'auto c = "std::chrono::system_clock rand()";\nint d = rand();\n'
                   'std::mt19937 e;\nauto f = [] { std::this_thread::sleep_for(1s); };\n'
                   'auto g = std::getenv("HOME");\nauto h = self.random(3);\n')
        self.expect(*(f"src/core/a.cpp:{n}: banned_calls:" for n in (4, 5, 7, 8, 9, 10)))

    def test_banned_calls_are_allowed_where_they_belong(self):
        self.write("src/port/system_timeline.cpp", SPDX + "auto a = clock_gettime(1);\n")
        self.write("src/core/CMakeLists.txt", GOOD["src/core/CMakeLists.txt"]
                   + "system_timeline.cpp")
        self.expect()

    def test_notes(self):
        self.write("src/core/a.hpp", SPDX + "// TODO(#12): fine.\n// TODO: when?\n// FIXME\n")
        self.expect("src/core/a.hpp:3: notes: TODO", "src/core/a.hpp:4: notes: FIXME")

    def test_dead_files(self):
        self.write("src/core/b.cpp", SPDX)
        self.write("src/redis/scripts/old.lua", "-- SPDX-License-Identifier: BSL-1.0\n")
        self.expect("src/core/b.cpp:1: dead_files:", "src/redis/scripts/old.lua:1: dead_files:")

    def test_header_sets(self):
        self.write("include/holdfast/fresh.hpp", SPDX)
        self.expect("include/holdfast/fresh.hpp:1: header_sets:")

    def test_links(self):
        self.write("README.md", "[a](docs/gone.md) [b](docs/start.md#no-such)\n`[c](x.md)`\n")
        self.expect("README.md:1: links: docs/gone.md", "README.md:1: links: docs/start.md has no")

    def test_error_rows(self):
        self.write("docs/reference/errors.md", "nothing about `lost` in a row\n| `none` | x |\n")
        self.expect("docs/reference/errors.md:1: error_rows: no row for errc::lost")

    def test_documents_show_what_is_compiled(self):
        self.write("docs/start.md", GOOD["docs/start.md"].replace("int a;", "int b;")
                   + "\n```cpp\nint c;\n```\n")
        self.expect("docs/start.md:3: documents_show", "docs/start.md:8: documents_show")

    def test_documents_show_whole_files_without_the_licence(self):
        self.write("examples/a.service", "# SPDX-License-Identifier: BSL-1.0\n[Unit]\n")
        shown = "# A\n\n<!-- examples/a.service -->\n```ini\n[Unit]\n```\n"
        self.write("docs/units.md", shown)
        self.expect()
        self.write("docs/units.md", shown.replace("[Unit]", "[Timer]"))
        self.expect("docs/units.md:3: documents_show")
        tidy.fix_docs(tidy.Tree(self.root))
        self.assertEqual((self.root / "docs/units.md").read_text(), shown)
        self.write("docs/units.md", shown.replace("a.service", "b.service"))
        self.expect("docs/units.md:3: documents_show")

    def test_guides_are_tested(self):
        self.write("examples/a.service", "[Unit]\n")
        self.write("tests/CMakeLists.txt", "# SPDX-License-Identifier: BSL-1.0\n# a.service\n")
        good = ("# A\n\n```sh\ntrue\n```\n\n```text\nit is\n```\n\n"
                "<!-- examples/a.service -->\n```ini\n[Unit]\n```\n")
        self.write("docs/guides/a.md", good)
        self.expect()
        self.write("tests/CMakeLists.txt", "# SPDX-License-Identifier: BSL-1.0\n")
        self.write("docs/guides/a.md", good + "\n```text\nprinted by nobody\n```\n\n"
                   "```yaml\na: 1\n```\n\n    holdfast list\n")
        self.expect("docs/guides/a.md:11: guides_are_tested: no test names a.service",
                    "docs/guides/a.md:16: guides_are_tested: no block of commands",
                    "docs/guides/a.md:20: guides_are_tested: nothing tests a block `yaml`",
                    "docs/guides/a.md:24: guides_are_tested: a block that no test can find")

    def test_fault_tests(self):
        rows = [f"| F{n} | does not apply | |" for n in range(1, 41)]
        rows[4] = "| F5 | x | `suite.is_there`, `tidy.too`, `file.hpp` |"
        self.write("tests/CMakeLists.txt", GOOD["src/core/CMakeLists.txt"]
                   + "a_test.cpp\nadd_test(NAME tidy.too)\n")
        self.write("tests/a_test.cpp", SPDX + "TEST_F(suite,\n       is_there) {\n}\n")
        self.write("docs/internals/faults.md", "\n".join(rows) + "\n")
        self.expect()
        rows[4] = "| F5 | x | `suite.is_gone` |"
        rows[5] = "| F6 | nothing is said of it | |"
        self.write("docs/internals/faults.md", "\n".join(rows[:-1]) + "\n")
        self.expect("docs/internals/faults.md:5: fault_tests: there is no test suite.is_gone",
                    "docs/internals/faults.md:1: fault_tests: no row for F40",
                    "docs/internals/faults.md:1: fault_tests: F6 has neither")

    def test_changelog(self):
        self.write("CHANGELOG.md", "## 0.9.0\n")
        self.expect("CHANGELOG.md:1: changelog:")

    def test_every_rule_has_a_test(self):
        tests = " ".join(dir(self))
        for rule in tidy.RULES:
            self.assertIn(f"test_{rule.__name__}", tests)


if __name__ == "__main__":
    unittest.main()
