# SPDX-License-Identifier: BSL-1.0
"""The rules of tools/tidy.py that are about documents: links lead somewhere, what a block shows is
what is compiled, run or parsed, and each error has its row."""
import os
import re


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def links(tree):
    for path in tree.named("*.md"):
        text = re.sub(r"```.*?```|`[^`\n]*`", lambda m: re.sub(r"[^\n]", " ", m.group()),
                      tree.text(path), flags=re.S)
        for match in re.finditer(r"\]\(([^)\s]+)\)", text):
            target, _, anchor = match.group(1).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            full = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            if not (tree.root / full).exists():
                yield path, line_of(text, match.start()), f"{match.group(1)} leads nowhere"
            elif anchor and full.endswith(".md") and anchor not in anchors(tree.text(full)):
                yield path, line_of(text, match.start()), f"{full} has no heading #{anchor}"


def anchors(text):
    headings = re.findall(r"^#+ +(.+?)\s*$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return {slug(h) for h in headings}


def slug(heading):
    """The anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def error_rows(tree):
    header, page = "include/holdfast/errc.hpp", "docs/reference/errors.md"
    if header not in tree.files:
        return
    rows = tree.text(page) if page in tree.files else ""
    for kind in ("errc", "lost_reason"):
        body = re.search(rf"enum class {kind}\b[^{{]*{{(.*?)}};", tree.code(header), re.S)
        for match in re.finditer(r"\b([a-z_]+)\s*(?:=[^,]*)?,", body.group(1) + ","):
            if not re.search(rf"^\| `{match.group(1)}` \|", rows, re.M):
                yield page, 1, f"no row for {kind}::{match.group(1)}"


BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<kind>\w*)\n(?P<body>.*?)^```", re.M | re.S)


def documents_show_what_is_compiled(tree):
    for path in tree.named("docs/*.md"):
        for match in BLOCK.finditer(tree.text(path)):
            if not (match.group("kind") == "cpp" or shows_a_file(match)):
                continue
            at = line_of(tree.text(path), match.start())
            wanted, why = region(tree, match.group("mark"))
            if why:
                yield path, at, why
            elif wanted != match.group("body"):
                yield path, at, f"differs from {match.group('mark')}: run tools/tidy.py --fix-docs"


def shows_a_file(block):
    return bool(re.match(r"(examples|tests|src)/", block.group("mark") or ""))


def region(tree, mark):
    """The text that a mark stands for: `FILE: NAME` for what is between two lines `//! [NAME]` of
    FILE; `FILE` for all of it but the licence."""
    named = re.fullmatch(r"(\S+?)(?:: (\w+))?", mark or "")
    if not named:
        return None, "C++ without a comment `<!-- FILE: REGION -->` on the line above"
    path, name = named.groups()
    if path not in tree.files:
        return None, f"there is no {path}"
    if not name:
        return re.sub(r"^[^\n]*SPDX-License-Identifier[^\n]*\n", "", tree.text(path), flags=re.M), \
            None
    parts = re.split(rf"^[ ]*//! \[{name}\]\n", tree.text(path), flags=re.M)
    if len(parts) != 3:
        return None, f"{path} has no region between two lines `//! [{name}]`"
    lines = [line for line in parts[1].split("\n") if "//! [" not in line]
    indent = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0)
    return "\n".join(line[indent:] for line in lines), None


def fix_docs(tree):
    def anew(match):
        wanted, why = region(tree, match.group("mark"))
        if why or not (match.group("kind") == "cpp" or shows_a_file(match)):
            return match.group()
        return f"<!-- {match.group('mark')} -->\n```{match.group('kind')}\n{wanted}```"
    for path in tree.named("docs/*.md"):
        text = BLOCK.sub(anew, tree.text(path))
        if text != tree.text(path):
            (tree.root / path).write_text(text)


def guides_are_tested(tree):
    """Of a guide every block is compiled, run, compared with what was printed, or looked at by a
    test that names the file: tests/guides does the last three."""
    tests = "\n".join(tree.text(f) for f in tree.named("tests/*"))
    for path in tree.named("docs/guides/*.md"):
        text, before = tree.text(path), None
        for match in BLOCK.finditer(text):
            at, kind, mark = line_of(text, match.start()), match.group("kind"), match.group("mark")
            shown = shows_a_file(match)
            file = (mark or "").split(":")[0]
            if kind == "text" and not (before == "sh" and not shown):
                yield path, at, "no block of commands stands before it that could have printed it"
            elif kind not in ("cpp", "sh", "text") and not shown:
                yield path, at, f"nothing tests a block `{kind}` without `<!-- FILE -->` above it"
            elif kind != "cpp" and shown and os.path.basename(file) not in tests:
                yield path, at, f"no test names {os.path.basename(file)}"
            before = None if shown else kind
        rest = BLOCK.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
        for match in re.finditer(r"(?:\A|\n)[ ]*\n(?:    |\t|~~~|```)[ ]*\S", rest):
            yield path, line_of(rest, match.end()), "a block that no test can find: fence it by ```"


DOCUMENT_RULES = [links, error_rows, documents_show_what_is_compiled, guides_are_tested]
