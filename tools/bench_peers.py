# SPDX-License-Identifier: BSL-1.0
"""Other libraries beside holdfast, for tools/bench.py: the Node packages that the interop tests
install, and hiredis. Each round runs all of them one after the other, and what is told are the
medians of the rounds."""
import os
import shutil
import statistics
import sys
from pathlib import Path

ROUNDS = 5
PACKAGES = ("warlock", "dist-lock", "redlock4", "redlock5")


def node_command(url, at_once, seconds):
    """@return How the Node packages are measured, or nothing where they cannot be."""
    modules = Path(os.environ.get("HOLDFAST_INTEROP_MODULES", "build/interop/node_modules"))
    if not shutil.which("node"):
        return None, "no node on this machine"
    if not modules.is_dir():
        return None, f"no Node packages in {modules}: `./dev test` installs them"
    return (["node", Path(__file__).parent.parent / "bench/peers.js", modules.resolve(), url,
             at_once, seconds, *PACKAGES], "")


def rounds_of(options, case, url, cores, run_program):
    """@return Figures of each by name, and what could not be had."""
    seconds = float(case.arguments[case.arguments.index("--seconds") + 1]) / ROUNDS
    lone = "--threads" in case.arguments
    at_once = case.arguments[1]
    commands = [[options.programs / "uncontended", "--store", url, *case.arguments[:2],
                 "--seconds", 2 * seconds, "--no-fence"]]
    hiredis = options.programs / "hiredis_caller"
    missing = []
    if lone and hiredis.exists():
        commands.append([hiredis, "--store", url, "--seconds", seconds])
    elif lone:
        missing.append("hiredis: not built, its development package was not there")
    node, why = node_command(url, at_once, seconds)
    if node:
        commands.append(node)
    else:
        missing.append(f"Node packages: {why}")
    figures = {}
    for _ in range(ROUNDS):
        for command in commands:
            for line in run_program(command, cores):
                if "skipped" in line:
                    missing.append(f"{line['who']}: {line['skipped']}")
                else:
                    figures.setdefault(line.get("who", "holdfast"), []).append(line)
    return figures, sorted(set(missing))


def compare(options, case, url, cores, run_program):
    """@return One result for each; ours has its ratio to the best Node package."""
    figures, missing = rounds_of(options, case, url, cores, run_program)
    for line in missing:
        print(f"{case.title}: skipped {line}", file=sys.stderr)
    results = [{"who": who, "ops_per_s": statistics.median(one["ops_per_s"] for one in lines)}
               for who, lines in figures.items()]
    rates = {one["who"]: one["ops_per_s"] for one in results}
    best = max((who for who in rates if who in PACKAGES), key=rates.get, default=None)
    for ours in (one for one in results if one["who"] == "holdfast"):
        if best:
            ours["best_node"] = best
            ours["ratio_to_best_node"] = round(ours["ops_per_s"] / rates[best], 2)
        if "hiredis" in rates:
            ours["ratio_to_hiredis"] = round(ours["ops_per_s"] / rates["hiredis"], 2)
    return results
