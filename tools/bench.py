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
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import bench_peers
from bench_cases import all_cases

# Where client and server run: on the same core, or on one each.
PLACES = {"one core": ({0}, {0}), "two cores": ({0}, {1})}


class Server:
    """A redis-server that nobody else knows of, in a directory of its own."""

    def __init__(self, directory):
        program = shutil.which("redis-server")
        if not program:
            sys.exit("bench: no redis-server on this machine")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", directory],
            stdout=subprocess.DEVNULL)
        self.url = f"redis://127.0.0.1:{self.port}"
        for _ in range(100):
            try:
                self.ask("PING")
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("bench: redis-server does not answer")

    def ask(self, command):
        with socket.create_connection(("127.0.0.1", self.port), 1) as line:
            line.sendall(command.encode() + b"\r\n")
            return line.recv(65536)

    def place(self, cores):
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)  # Whoever is frozen does not end.
        self.process.terminate()
        self.process.wait()


def cores_of(place):
    """@return The cores of client and server, or nothing where the machine has too few."""
    client, server = PLACES[place]
    have = sorted(os.sched_getaffinity(0))
    if len(have) <= max(client | server):
        return None
    return {have[i] for i in client}, {have[i] for i in server}


def address_of(case, servers, running):
    if case.store == "redis":
        return servers[0].url
    if case.store == "quorum":
        return ",".join(server.url for server in servers)
    if not case.store.startswith("sqlite"):
        return case.store
    place = "/dev/shm" if case.store == "sqlite on tmpfs" and Path("/dev/shm").is_dir() else None
    directory = tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=place)
    return f"sqlite:{running.enter_context(directory)}/locks.db"


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
    """On servers of its own: one, or three."""
    cores = cores_of(place)
    if not cores:
        print(f"{case.title}, {place}: this machine has too few cores", file=sys.stderr)
        return []
    with ExitStack() as running:
        count = 3 if case.store == "quorum" else 1
        servers = [running.enter_context(Server(directory)) for _ in range(count)]
        for server in servers:
            server.place(cores[1])
        url = address_of(case, servers, running)
        if case.program == "peers":
            results = bench_peers.compare(options, case, url, cores[0], run_program)
        else:
            fault = ["--fault", case.fault, "--victim", servers[-1].process.pid] \
                if case.fault else []
            results = run_program([options.programs / case.program, "--store", url,
                                   *case.arguments, *fault], cores[0])
    told = {"case": case.title, "place": place}
    return [{**told, **row} for row in results] or [{**told, "error": "failed"}]


# What stands in each column: of the first of these figures that a result has.
COLUMNS = {
    "ops/s": (("ops_per_s", "handoffs_per_s", "fault_pairs_per_s", "pairs_per_s"), ".0f"),
    "limit": (("raw_ops_per_s", "bare_handoffs_per_s"), ".0f"),
    "ratio": (("ratio_to_raw", "ratio_to_bare"), ".2f"),
    "p50 µs": (("fault_p50_us", "p50_us"), "g"),
    "p99 µs": (("fault_p99_us", "p99_us"), "g"),
    "limit p50": (("fault_raw_p50_us", "raw_p50_us", "bare_between_p50_us"), "g"),
    "CPU µs": (("client_cpu_us_per_op",), "g"),
    "cmds": (("commands_per_op", "commands_per_handoff"), "g"),
    "allocs": (("allocations_per_op",), "g"),
}


def table_row(case, result):
    def shown(figures, style):
        values = [result[figure] for figure in figures if figure in result]
        return format(values[0], style) if values else ""

    name = case.title + (f" {result['held']:.0f}" if "held" in result else "")
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


def write_into(path, text):
    begin, end = "<!-- written by ./dev bench -->\n", "<!-- end -->\n"
    page = path.read_text()
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        sys.exit(f"bench: {path} has no place for the table")
    path.write_text(before + begin + "\n" + text + "\n" + end + rest.partition(end)[2])


def wanted(options, text):
    return not options.only or any(word in text for word in options.only)


def run_all(options, cases):
    rows = []
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as directory:
        for case in cases:
            for place in case.places:
                if not wanted(options, f"{case.title} {case.program} {place}"):
                    continue
                for result in run_case(case, place, options, directory):
                    print(json.dumps(result, ensure_ascii=False), flush=True)
                    rows.append(table_row(case, result))
    text = machine() + "\n" + table_of(rows)
    print("\n" + text)
    if options.into:
        write_into(options.into, text)
    return any("failed" == row[-1] for row in rows)


def run_range_lock(options):
    """Its program starts its own servers and prints its own limits."""
    program = options.programs / "bench_range_lock"
    if wanted(options, "range_lock") and program.exists() and shutil.which("mariadbd"):
        subprocess.run([program], check=False)


def main():
    read = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    read.add_argument("--programs", type=Path, default=Path("build/release/bench"))
    read.add_argument("--seconds", default="5", help="of each measurement")
    read.add_argument("--only", action="append", default=[], metavar="WORD",
                      help="the cases whose title, program or place has one of these words")
    read.add_argument("--into", type=Path, help="a page to write the table into as well")
    options = read.parse_args()
    failed = run_all(options, all_cases(options.seconds))
    run_range_lock(options)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
