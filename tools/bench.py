#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the benchmarks on a Redis server of its own, and holds the figures against the goals.

    tools/bench.py [--programs DIR] [--seconds S] [--only WORD] [--into PAGE]

Prints a JSON object for each case as it ends, and a table when all are done. `./dev bench` builds
the programs and calls this; bench/RESULTS.md tells what each figure means, and bench_cases.py has
the cases and their goals. Every program takes five slices of each side in turn, and tells their
medians. Standard library only.
"""
import argparse
import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import bench_peers
from bench_cases import all_cases
from bench_servers import TMPFS, MariaDB, Redis

# Where client and server run: on the same core, on one each, or on whichever they like.
PLACES = {"one core": ({0}, {0}), "two cores": ({0}, {1}), "any core": ({0, 1}, {0, 1})}
# Which table of the page has the cases of a section.
SECTIONS = {"locks": "<!-- written by ./dev bench -->\n",
            "ranges": "<!-- written by ./dev bench, ranges -->\n",
            "original": "<!-- written by ./dev bench, ranges of the original's table -->\n"}


def cores_of(place):
    """@return The cores of client and server, or nothing where the machine has too few."""
    client, server = PLACES[place]
    have = sorted(os.sched_getaffinity(0))
    if len(have) <= max(client | server):
        return None
    return {have[i] for i in client}, {have[i] for i in server}


def address_of(case, cores, directory, running):
    """Starts what the case needs. @return The URL of its store, and the servers."""
    def server(of, *arguments):
        started = running.enter_context(of(*arguments))
        started.place(cores[1])
        return started

    if case.store == "mariadb":
        servers = [server(MariaDB)]
    elif case.store in ("redis", "quorum"):
        servers = [server(Redis, directory) for _ in range(3 if case.store == "quorum" else 1)]
    elif case.store.startswith("sqlite"):
        place = TMPFS if case.store == "sqlite on tmpfs" else None
        beside = tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=place)
        return f"sqlite:{running.enter_context(beside)}/locks.db", []
    else:
        return case.store, []
    return ",".join(each.url for each in servers), servers


def run_program(command, cores):
    """@return The results that it printed; none if it failed."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or not lines:
        print(f"{command}: exit {done.returncode}\n{done.stderr}", file=sys.stderr)
        return []
    return lines


def run_case(case, place, options, directory):
    """On servers of its own."""
    cores = cores_of(place)
    if not cores:
        print(f"{case.title}, {place}: this machine has too few cores", file=sys.stderr)
        return []
    with ExitStack() as running:
        if case.program == "bench_range_lock":  # Starts its own, and prints a line for each case.
            results = run_program([options.programs / case.program], cores[0])
            return [{"case": case.title, "place": place, **row} for row in results]
        url, servers = address_of(case, cores, directory, running)
        if case.program == "peers":
            results = bench_peers.compare(options, case, url, cores[0], run_program)
        else:
            fault = ["--fault", case.fault, "--victim", servers[-1].process.pid] \
                if case.fault else []
            small = ["--small", address_of(case, cores, directory, running)[0]] \
                if case.small else []
            results = run_program([options.programs / case.program, "--store", url,
                                   *case.arguments, *fault, *small], cores[0])
    told = {"case": case.title, "place": place}
    return [{**told, **row} for row in results] or [{**told, "error": "failed"}]


# What stands in each column: of the first of these figures that a result has.
COLUMNS = {
    "ops/s": (("ops_per_s", "handoffs_per_s", "fault_pairs_per_s", "pairs_per_s",
               "sets_per_s"), ".0f"),
    "limit": (("raw_ops_per_s", "bare_handoffs_per_s", "bare_sets_per_s"), ".0f"),
    "ratio": (("ratio_to_raw", "ratio_to_bare"), ".2f"),
    "p50 µs": (("fault_p50_us", "p50_us"), "g"),
    "p99 µs": (("fault_p99_us", "p99_us"), "g"),
    "limit p50": (("fault_raw_p50_us", "raw_p50_us", "bare_between_p50_us", "bare_p50_us"),
                  "g"),
    "CPU µs": (("client_cpu_us_per_op",), "g"),
    "cmds": (("commands_per_op", "commands_per_handoff"), "g"),
    "allocs": (("allocations_per_op",), "g"),
}


def table_row(case, result):
    def shown(figures, style):
        values = [result[figure] for figure in figures if figure in result]
        return format(values[0], style) if values else ""

    name = case.title + (f" {result['held']:.0f}" if "held" in result else "")
    name += f": {result['pattern']}" if "pattern" in result else ""
    name += f", {result['who']}" if "who" in result else ""
    ours = result.get("who", "holdfast") == "holdfast"
    verdicts = "; ".join(f"{goal}: {goal.verdict(result)}" for goal in case.goals if ours)
    return [name, result["place"], *(shown(*column) for column in COLUMNS.values()),
            result.get("error") or verdicts]


def table_of(rows):
    head = ["case", "client, server", *COLUMNS, "goals"]
    return "".join("| " + " | ".join(row) + " |\n" for row in [head, ["---"] * len(head), *rows])


def machine():
    """@return On what, and when, the figures were taken."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    told = subprocess.run(["redis-server", "--version"], stdout=subprocess.PIPE, text=True)
    version = re.search(r"v=(\S+)", told.stdout)
    return (f"Measured on {datetime.date.today()}: {os.cpu_count()} cores, {system}, redis-server "
            f"{version.group(1) if version else '?'},\nloopback TCP. Load of the machine at the "
            f"end: {os.getloadavg()[0]:.1f}; above 2, others worked on it too.\n")


def write_into(path, section, text):
    begin, end = SECTIONS[section], "<!-- end -->\n"
    page = path.read_text()
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        sys.exit(f"bench: {path} has no place for the table")
    path.write_text(before + begin + "\n" + text + "\n" + end + rest.partition(end)[2])


def wanted(options, text):
    return not options.only or any(word in text for word in options.only)


def run_all(options, cases):
    """@return Whether a program failed."""
    rows = {}
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as directory:
        for case in cases:
            for place in case.places:
                if not wanted(options, f"{case.title} {case.program} {place}"):
                    continue
                for result in run_case(case, place, options, directory):
                    print(json.dumps(result, ensure_ascii=False), flush=True)
                    rows.setdefault(case.section, []).append(table_row(case, result))
    for section, its_rows in rows.items():
        text = machine() + "\n" + table_of(its_rows)
        print("\n" + text)
        if options.into:
            write_into(options.into, section, text)
    return any(row[-1] == "failed" for its_rows in rows.values() for row in its_rows)


def main():
    read = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    read.add_argument("--programs", type=Path, default=Path("build/release/bench"))
    read.add_argument("--seconds", default="5", help="of each measurement")
    read.add_argument("--only", action="append", default=[], metavar="WORD",
                      help="the cases whose title, program or place has one of these words")
    read.add_argument("--into", type=Path, help="a page to write the table into as well")
    options = read.parse_args()
    return 1 if run_all(options, all_cases(options.seconds)) else 0


if __name__ == "__main__":
    sys.exit(main())
