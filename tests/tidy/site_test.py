#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Shows tools/site_pages.py a site with dead links, and a header without a docstring."""
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.dont_write_bytecode = True
import site_pages  # noqa: E402


class Pages(unittest.TestCase):
    def setUp(self):
        self.place = Path(tempfile.mkdtemp(prefix="holdfast-site-"))
        self.addCleanup(shutil.rmtree, self.place)

    def test_dead_links_are_found_and_others_are_not(self):
        (self.place / "a.html").write_text('<h1 id="top"></h1><a href="b.html#part"></a>'
                                           '<a href="#top"></a><a href="https://x.example"></a>')
        (self.place / "b.html").write_text('<p id="part"></p>')
        self.assertEqual(list(site_pages.dead_links(self.place)), [])
        (self.place / "b.html").write_text('<a href="c.html"></a><a href="#none"></a>')
        self.assertEqual(list(site_pages.dead_links(self.place)),
                         ["a.html: b.html#part leads nowhere", "b.html: c.html leads nowhere",
                          "b.html: #none leads nowhere"])

    @unittest.skipUnless(shutil.which("doxygen"), "no doxygen")
    def test_a_public_name_without_a_docstring_is_told(self):
        header = self.place / "a.hpp"
        good = ("namespace holdfast {\n/// A word.\nclass word {\npublic:\n    /// Says it.\n"
                "    void say();\n    word(const word&) = delete;\n};\n}\n")
        header.write_text(good)
        settings = f"INPUT = {header} docs/api.dox"
        self.assertEqual(site_pages.doxygen(self.place, settings), "")
        header.write_text(good.replace("    /// Says it.\n", ""))
        self.assertIn("say", site_pages.doxygen(self.place, settings))
        header.write_text(good.replace("/// A word.\n", ""))
        self.assertIn("word", site_pages.doxygen(self.place, settings))


if __name__ == "__main__":
    unittest.main()
