#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Makes the site: each document a page, each file that one links to a page of its text, and the
reference of the public headers by Doxygen. Fails if a public name has no docstring or a link leads
nowhere.

    tools/site_pages.py OUT
"""
import html
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

try:
    import markdown
except ImportError:
    markdown = None

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from tidy_docs import slug  # noqa: E402

# The way through the documents: a heading, and the pages below it in this order, each once.
CONTENTS = [
    ("", ["README.md", "docs/start.md", "CHANGELOG.md"]),
    ("Guides", ["docs/guides/*"]),
    ("Concepts", ["docs/concepts/*"]),
    ("Stores", ["docs/stores/*"]),
    ("Beside Node", ["docs/compat/*"]),
    ("Reference", ["docs/reference/*", "API"]),
    ("Inside", ["docs/internals/architecture.md", "docs/internals/*", "bench/*", "CONTRIBUTING.md",
                "SECURITY.md"]),
]
EXTENSIONS = ["tables", "fenced_code", "toc", "sane_lists"]


def pages():
    """[(heading, [page, ...])], each page once."""
    seen, found = set(), []
    for heading, patterns in CONTENTS:
        group = []
        for pattern in patterns:
            paths = ["API"] if pattern == "API" else \
                sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob(pattern)
                       if p.suffix == ".md")
            group += [p for p in paths if p not in seen]
            seen.update(paths)
        found.append((heading, group))
    return found


def address(path):
    """Where the page of a file of the sources is, from the site's root."""
    if path == "API":
        return "api/index.html"
    if path == "README.md":
        return "index.html"
    if path.endswith(".md"):
        return path.removesuffix(".md") + ".html"
    return f"files/{path}.html"


def title(path):
    if path == "API":
        return "The public headers"
    found = re.search(r"^# (.*)", (ROOT / path).read_text(), re.M)
    return found.group(1).replace("`", "")


class Site:
    def __init__(self, out):
        self.out = Path(out)
        self.files = set()  # Files of the sources that a document links to.
        self.groups = pages()

    def build(self):
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        shutil.copy(ROOT / "tools/site.css", self.out / "site.css")
        for _, group in self.groups:
            for path in group:
                if path != "API":
                    self.write(path, self.body(path))
        for path in sorted(self.files):
            self.write(path, self.text_of(path))
        self.reference()

    def write(self, path, body):
        place = self.out / address(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        up = os.path.relpath(self.out, place.parent)
        name = title(path) if path.endswith(".md") else path
        place.write_text(
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width">\n'
            f"<title>{html.escape(name)}</title>\n"
            f'<link rel="stylesheet" href="{up}/site.css">\n</head>\n<body>\n'
            f"<nav>\n{self.menu(path, up)}</nav>\n<main>\n{body}\n</main>\n</body>\n</html>\n")

    def menu(self, here, up):
        lines = []
        for heading, group in self.groups:
            if heading:
                lines.append(f"<h2>{heading}</h2>\n")
            links = "".join(
                f'<li><a href="{up}/{address(p)}"{" class=here" * (p == here)}>'
                f"{html.escape(title(p))}</a></li>\n" for p in group)
            lines.append(f"<ul>\n{links}</ul>\n")
        return "".join(lines)

    def body(self, path):
        text = re.sub(r"^<!--.*?-->\n", "", (ROOT / path).read_text(), flags=re.M)
        # A list needs no empty line before it elsewhere; here it does.
        text = re.sub(r"^((?![-*|] |\d+\. | |```).+)\n(?=(?:[-*]|\d+\.) )", r"\1\n\n", text,
                      flags=re.M)
        made = markdown.markdown(
            text, extensions=EXTENSIONS,
            extension_configs={"toc": {"slugify": lambda value, _: slug(value)}}, tab_length=2)
        return re.sub(r'href="([^"]+)"', lambda m: f'href="{self.target(path, m.group(1))}"', made)

    def target(self, path, link):
        """What a link of a document is on the site."""
        link = html.unescape(link)
        if re.match(r"[a-z]+:|#", link):
            return html.escape(link)
        to, _, anchor = link.partition("#")
        full = os.path.normpath(os.path.join(os.path.dirname(path), to))
        if not full.endswith(".md"):
            self.files.add(full)
            if (ROOT / full).is_dir():
                self.files.update(p.relative_to(ROOT).as_posix()
                                  for p in (ROOT / full).iterdir() if p.is_file())
        place = os.path.relpath(address(full), os.path.dirname(address(path)) or ".")
        return html.escape(place + ("#" + anchor if anchor else ""))

    def text_of(self, path):
        name = f"<h1>{html.escape(path)}</h1>\n"
        if (ROOT / path).is_dir():
            below = sorted(f for f in self.files if os.path.dirname(f) == path)
            links = "".join(
                f'<li><a href="{os.path.basename(path)}/{os.path.basename(f)}.html">'
                f"{html.escape(os.path.basename(f))}</a></li>\n" for f in below)
            return f"{name}<ul>\n{links}</ul>"
        text = (ROOT / path).read_text(errors="replace")
        return f"{name}<pre><code>{html.escape(text)}</code></pre>"

    def reference(self):
        version = re.search(r"project\(\w+\s+VERSION ([\d.]+)",
                            (ROOT / "CMakeLists.txt").read_text()).group(1)
        complaints = doxygen(self.out, f"PROJECT_NUMBER = {version}")
        if complaints:
            sys.exit(f"{complaints}site: each public name of include/holdfast has a docstring")


def doxygen(out, *settings):
    """@return What Doxygen complains of."""
    lines = [(ROOT / "docs/Doxyfile").read_text(), f"OUTPUT_DIRECTORY = {out}", *settings]
    done = subprocess.run(["doxygen", "-"], input="\n".join(lines) + "\n", cwd=ROOT, text=True,
                          capture_output=True)
    return done.stderr or ("" if done.returncode == 0 else "doxygen failed\n")


class Links(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(path.read_text(errors="replace"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.targets.append(value)


def dead_links(out):
    """`PAGE: TARGET` for each link within the site that leads nowhere."""
    out = Path(out)
    known = {p: Links(p) for p in out.rglob("*.html")}
    for path, links in sorted(known.items()):
        for target in links.targets:
            if re.match(r"[a-z]+:", target):
                continue
            to, _, anchor = unquote(target).partition("#")
            full = Path(os.path.normpath(path.parent / to)) if to else path
            if full == path and path.parent == out / "api":
                continue  # Doxygen's own, which names headings that it then leaves out.
            if not full.exists() or anchor and full in known and \
                    anchor not in known[full].anchors:
                yield f"{path.relative_to(out)}: {target} leads nowhere"


def main(out):
    if not markdown or not shutil.which("doxygen"):
        print("site: needs the Debian packages doxygen and python3-markdown")
        return 77
    site = Site(Path(out).resolve())
    site.build()
    dead = list(dead_links(site.out))
    print("\n".join(dead) or f"site: {len(list(site.out.rglob('*.html')))} pages, no dead link")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
