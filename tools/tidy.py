#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks the rules of the house that no compiler knows: layers, sizes, banned calls, dead files,
links, and that what the documents show is what is compiled. The rules' data is in layers.toml;
tests/tidy/self_test.py shows each rule a tree that breaks it.

    tools/tidy.py [ROOT]           prints PATH:LINE: RULE: WHY for each finding; exits 1 if any
    tools/tidy.py --fix-docs       writes the regions of compiled files into the documents anew
"""
import fnmatch
import os
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

from tidy_docs import DOCUMENT_RULES, fix_docs, line_of

SKIPPED = {".git", ".cache", "build", "__pycache__", ".vscode", ".idea"}
CODE = (".cpp", ".hpp")
COLUMNS = 100
FUNCTION_LINES = 70


class Tree:
    """The files below a root, each read once."""

    def __init__(self, root):
        self.root = Path(root)
        self.rules = tomllib.loads((self.root / "tools/layers.toml").read_text())
        self.files = sorted(self._walk())

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in SKIPPED]
            for name in names:
                yield (Path(folder) / name).relative_to(self.root).as_posix()

    @cache
    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    @cache
    def code(self, path):
        return strip(self.text(path))

    def named(self, *patterns):
        return [f for f in self.files if any(fnmatch.fnmatch(f, p) for p in patterns)]

    def cpp(self, *folders):
        return [f for f in self.files
                if f.endswith(CODE) and (not folders or f.startswith(folders))]


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)


def strip(text):
    """C++ without comments and the contents of literals; lines and columns stay as they are."""
    def blank(match):
        token = match.group()
        kept = re.sub(r"[^\n]", " ", token)
        return kept if token[0] == "/" else '"' + kept[1:-1] + '"'

    def keep_includes(match):  # Their file names look like strings.
        return match.group() if match.group().startswith("#") else blank(match)

    return re.sub(r"#[ ]*include[^\n]*|" + TOKEN.pattern, keep_includes, text, flags=re.S)


# Rules. Each yields (path, line, why); its name is the function's.

def layers(tree):
    rooms, groups = tree.rules["rooms"], tree.rules["headers"]
    for room in rooms.values():
        allowed = {h for g in room["headers"] for h in groups[g]}
        for path in tree.cpp(room["path"] + "/"):
            for at, quote, name in includes(tree, path):
                if name.startswith("holdfast/"):
                    stem = name.removeprefix("holdfast/").removesuffix(".hpp")
                    if stem not in allowed:
                        yield path, at, f"<{name}> is not for {room['path']}"
                elif (target := owner(rooms, f"src/{name}")) and quote == '"':
                    if target not in room["rooms"]:
                        yield path, at, f'"{name}" is up or sideways from {room["path"]}'
                elif quote == "<" and not standard(name):
                    if not (posix(name) and room["posix"]) and \
                            not name.startswith(tuple(room["libraries"])):
                        yield path, at, f"<{name}> is not for {room['path']}"


def includes(tree, path):
    for match in re.finditer(r'^[ ]*#[ ]*include[ ]*([<"])([^>"\n]+)[>"]', tree.code(path), re.M):
        yield line_of(tree.code(path), match.start()), match.group(1), match.group(2)


def owner(rooms, path):
    return next((n for n, r in rooms.items() if path.startswith(r["path"] + "/")), None)


def posix(name):
    return name.endswith(".h") and not name.startswith(
        ("openssl/", "sqlite3", "hiredis", "mysql", "mariadb"))


def standard(name):
    return re.fullmatch(r"[a-z_]+", name) is not None


def sizes(tree):
    for path in tree.files:
        for rule in tree.rules["size"]:
            if fnmatch.fnmatch(path, rule["path"]):
                count = tree.text(path).count("\n")
                if count > rule["lines"] and path.endswith(CODE + (".py", ".md", ".lua", ".sql")):
                    yield path, 1, f"{count} lines; at most {rule['lines']}"
                break


def function_lengths(tree):
    for path in tree.cpp():
        for first, last in functions(tree.code(path)):
            if last - first + 1 > FUNCTION_LINES:
                yield path, first, \
                    f"a function of {last - first + 1} lines; at most {FUNCTION_LINES}"


def functions(code):
    """(first line, last line) of each function that is not inside another one."""
    code = re.sub(r"^[ ]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  code, flags=re.M)
    scopes, start, depth, first = [], 0, 0, 0  # `depth` counts braces within a function.
    for match in re.finditer(r"[{};]", code):
        at, char = match.start(), match.group()
        if depth:
            depth += (char == "{") - (char == "}")
            # An initialiser's brace is followed by more of the function, not by its end.
            if depth == 0 and not re.match(r"\s*[,{]", code[at + 1:at + 200]):
                yield first, line_of(code, at)
                start = at + 1
        elif char == "{":
            head = code[start:at]
            if is_function(head):
                depth, first = 1, line_of(code, start + len(head) - len(head.lstrip()))
            else:
                scopes.append(head)
                start = at + 1
        else:
            if char == "}" and scopes:
                scopes.pop()
            start = at + 1


def is_function(head):
    head = re.sub(r"\b(public|private|protected)\s*:", " ", head)
    plain = re.sub(r"\b(requires|template)\b.*?>(?=\s)", " ", head, flags=re.S)
    if re.search(r"\b(namespace|enum)\b", plain) or "(" not in head:
        return False
    scope = re.match(r"\s*(?:\[\[\w+\]\]\s*)?(?:typedef\s+)?(class|struct|union)\b[^(]*$", plain)
    return scope is None and not re.search(r"(?<![=<>!])=\s*$", head)


def columns(tree):
    for path in tree.files:
        if not path.endswith(CODE + (".py", ".cmake", ".lua", ".sql", ".sh", ".md", ".toml",
                                     "CMakeLists.txt")) and path not in ("dev", ".ci/run"):
            continue
        for at, line in enumerate(tree.text(path).split("\n"), 1):
            if len(line) <= COLUMNS or re.search(r"https?://", line):
                continue
            if path.endswith(".md") and line.lstrip().startswith(("|", "<!--")):
                continue  # A row of a table cannot be broken.
            if path == "tools/layers.toml" and line.startswith("pattern"):
                continue
            yield path, at, f"{len(line)} columns; at most {COLUMNS}"


def licences(tree):
    for path in tree.files:  # Not Lua: a script is sent to the server as it stands.
        if path.endswith(CODE + (".py", ".cmake", ".sql", ".sh", ".toml", ".yml",
                                 "CMakeLists.txt")) or path in ("dev", ".ci/run"):
            lines = tree.text(path).split("\n", 2) + [""]
            first = lines[1] if lines[0].startswith("#!") else lines[0]
            if "SPDX-License-Identifier: BSL-1.0" not in first:
                yield path, 1, "the first line names no licence"


def banned_calls(tree):
    for rule in tree.rules["banned"]:
        pattern = re.compile(rule["pattern"])
        for path in tree.cpp():
            if not any(fnmatch.fnmatch(path, p) for p in rule["in"]) or \
                    any(fnmatch.fnmatch(path, p) for p in rule["allow"]):
                continue
            for match in pattern.finditer(tree.code(path)):
                yield path, line_of(tree.code(path), match.start()), \
                    f"{match.group().strip()}: {rule['why']}"


def notes(tree):
    for path in tree.files:
        if path.endswith(CODE + (".py", ".cmake", ".lua", ".sql", ".sh", "CMakeLists.txt")) and \
                not path.startswith(("tools/tidy.py", "tests/tidy/")):
            for match in re.finditer(r"\b(FIXME|XXX|TODO)\b(\(#\d+\))?", tree.text(path)):
                if not (match.group(1) == "TODO" and match.group(2)):
                    yield path, line_of(tree.text(path), match.start()), \
                        f"{match.group(1)} without the number of an issue, as in TODO(#12)"


def dead_files(tree):
    lists = "\n".join(tree.text(f) for f in tree.named("*CMakeLists.txt", "*.cmake"))
    listed = set(re.findall(r"[\w.-]+\.(?:cpp|hpp|lua|sql|py|sh|cmake)\b", lists))
    # A list may make names: `${name}_fuzz.cpp`, with `reply` elsewhere.
    ends = set(re.findall(r"\$\{\w+\}([\w-]*\.(?:cpp|py|sh))\b", lists))
    words = set(re.findall(r"[\w-]+", lists))
    included = {n.rsplit("/", 1)[-1] for f in tree.cpp() for _, _, n in includes(tree, f)}
    for path in tree.files:
        if not path.startswith(("src/", "apps/", "tests/", "examples/", "bench/")):
            continue
        name = path.rsplit("/", 1)[-1]
        known = name in listed or name in included or any(
            name.endswith(end) and name.removesuffix(end) in words for end in ends)
        if path.endswith(CODE + (".lua", ".sql", ".py", ".sh")) and not known:
            if not (path.endswith(".py") and imported(tree, name)):
                yield path, 1, "no CMakeLists.txt names it and nothing includes it"


def imported(tree, name):
    word = re.compile(rf"^\s*(?:import|from)\s+(?:\w+\.)*{re.escape(name[:-3])}\b", re.M)
    return any(word.search(tree.text(f)) for f in tree.named("*.py"))


def header_sets(tree):
    lists = "\n".join(tree.text(f) for f in tree.named("src/*CMakeLists.txt"))
    for path in tree.named("include/holdfast/*.hpp"):
        name = path.removeprefix("include/holdfast/")
        if not re.search(rf"(?<![\w/]){re.escape(name)}(?!\w)", lists):
            yield path, 1, "no library's header set has it, so it is neither checked nor installed"


FAULTS = "docs/internals/faults.md"


def fault_tests(tree):
    if FAULTS not in tree.files:
        return
    text = tree.text(FAULTS)
    known = {name for path in tree.named("tests/*CMakeLists.txt")
             for name in re.findall(r"add_test\(\s*NAME ([\w.]+)", tree.text(path))}
    for path in tree.cpp("tests/"):
        known |= {".".join(found) for found in re.findall(
            r"^(?:TYPED_)?TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)", tree.code(path), re.M)}
    for match in re.finditer(r"`(\w+\.\w+)`", text):
        if match.group(1) not in known and not match.group(1).endswith((".hpp", ".cpp", ".md")):
            yield FAULTS, line_of(text, match.start()), f"there is no test {match.group(1)}"
    rows = re.findall(r"^\| F(\d+) \|(.*)", text, re.M)
    for number in sorted(set(range(1, 41)) - {int(n) for n, _ in rows}):
        yield FAULTS, 1, f"no row for F{number}"
    for number, row in rows:
        if "`" not in row and "does not apply" not in row:
            yield FAULTS, 1, f"F{number} has neither a test nor a reason"


def changelog(tree):
    found = re.search(r"project\(\w+\s+VERSION ([\d.]+)", tree.text("CMakeLists.txt"))
    if found and f"\n## {found.group(1)}\n" not in "\n" + tree.text("CHANGELOG.md"):
        yield "CHANGELOG.md", 1, f"has no section for {found.group(1)}"


RULES = [layers, sizes, function_lengths, columns, licences, banned_calls, notes, dead_files,
         header_sets, fault_tests, changelog, *DOCUMENT_RULES]


def main(arguments):
    root = Path(__file__).resolve().parent.parent
    if arguments == ["--fix-docs"]:
        fix_docs(Tree(root))
        return 0
    tree = Tree(arguments[0] if arguments else root)
    findings = [f"{path}:{line}: {rule.__name__}: {why}"
                for rule in RULES for path, line, why in rule(tree)]
    print("\n".join(sorted(findings)) or f"tidy: {len(tree.files)} files, no findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
