#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the benchmarks on a Redis server of its own, and holds the figures against the goals.

    tools/bench.py [--programs DIR] [--seconds S] [--only WORD] [--repeats N] [--into PAGE]

Prints a JSON object for each case as it ends, and a table when all are done. `./dev bench` builds
the programs and calls this; bench/RESULTS.md tells what each figure means. Standard library only.
"""
import argparse
import datetime
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

# Where client and server run: on the same core, or on one each.
PLACES = {"one core": ({0}, {0}), "two cores": ({0}, {1})}


@dataclass
class Goal:
    figure: str
    bound: float
    at_least: bool = True

    def __str__(self):
        return f"{self.figure} {'≥' if self.at_least else '≤'} {self.bound:g}"

    def verdict(self, result):
        value = result.get(self.figure)
        if value is None:
            return "?"
        met = value >= self.bound if self.at_least else value <= self.bound
        return f"{value:g} {'met' if met else 'MISSED'}"


@dataclass
class Case:
    title: str
    program: str
    arguments: list
    places: tuple
    goals: list = field(default_factory=list)
    repeats: int = 1  # `uncontended` takes five slices itself.
    store: str = "redis"


def at_least(figure, bound):
    return Goal(figure, bound)


def at_most(figure, bound):
    return Goal(figure, bound, at_least=False)


def uncontended_cases(seconds):
    one, two, both = ("one core",), ("two cores",), tuple(PLACES)
    cases = []
    for fenced, lone, crowd in ((False, 0.95, 0.85), (True, 0.88, 0.65)):
        flags = ["--seconds", seconds] + ([] if fenced else ["--no-fence"])
        token = "with token" if fenced else "no token"

        def add(title, arguments, places, goals):
            cases.append(Case(f"{title}, {token}", "uncontended", arguments + flags, places, goals))

        add("1 thread", ["--threads", "1"], one, [at_least("ratio_to_raw", lone)])
        add("1 thread", ["--threads", "1"], two, [])
        add("16 threads", ["--threads", "16"], both, [at_least("ratio_to_raw", 1.3)])
        add("256 coroutines", ["--coroutines", "256"], one, [])
        add("256 coroutines", ["--coroutines", "256"], two,
            [at_least("ratio_to_raw", crowd), at_most("client_cpu_us_per_op", 1.2),
             at_most("allocations_per_op", 0)])
    return cases


def other_cases(seconds, repeats):
    both = tuple(PLACES)
    crowd = ["--contenders", "64", "--processes", "8", "--seconds", seconds]
    think = ["--think-ms", "1"]
    fair = [at_most("commands_per_handoff", 1.3), at_most("max_min_ratio", 1.2)]

    def contend(title, arguments, goals):
        return Case(title, "contend", arguments, both, goals, repeats)

    return [
        contend("64 contenders in 8 processes, hold 0, think 1 ms", crowd + think,
                [at_least("handoffs_per_s", 30000), at_most("commands_per_handoff", 0.5),
                 at_most("max_min_ratio", 1.3)]),
        contend("64 contenders in 8 processes, hold 0", crowd, [at_most("max_min_ratio", 1.3)]),
        contend("64 contenders in 8 processes, hold 5 ms", crowd + ["--hold-ms", "5"], []),
        contend("64 contenders in 8 processes, hold 0, fair", crowd + think + ["--fair"], fair),
        contend("2 contenders in 2 processes, hold 0, fair",
                ["--contenders", "2", "--processes", "2", "--seconds", seconds, "--fair"], fair),
        contend("500 contenders in 8 processes, hold 0, fair",
                ["--contenders", "500", "--processes", "8", "--seconds", seconds, "--fair"], fair),
        Case("held locks", "growth", ["--seconds", "20"], ("two cores",),
             [at_most("bytes_per_lock", 1024), at_most("renewal_cpu_percent", 2),
              at_most("lost", 0)]),
        Case("memory, 1 thread", "uncontended", ["--threads", "1", "--seconds", seconds],
             ("one core",), store="memory:"),
        Case("SQLite, 1 thread", "uncontended", ["--threads", "1", "--seconds", seconds],
             ("one core",), store="sqlite"),
    ]


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
        self.process.terminate()
        self.process.wait()


def cores_of(place):
    """@return The cores of client and server, or nothing where the machine has too few."""
    client, server = PLACES[place]
    have = sorted(os.sched_getaffinity(0))
    if len(have) <= max(client | server):
        return None
    return {have[i] for i in client}, {have[i] for i in server}


def store_of(case, server, directory):
    if case.store == "redis":
        return server.url
    return f"sqlite:{directory}/locks.db" if case.store == "sqlite" else case.store


def run_once(program, case, url, cores):
    command = [str(program), "--store", url, *case.arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or not lines:
        print(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}", file=sys.stderr)
    return lines


def medians(results):
    """@return One result with the medians of the numbers of several of the same kind."""
    merged = dict(results[0])
    for key, value in merged.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            merged[key] = statistics.median(result[key] for result in results)
    return merged


def run_case(case, place, options, server, directory):
    cores = cores_of(place)
    if not cores:
        print(f"{case.title}, {place}: this machine has too few cores", file=sys.stderr)
        return []
    server.ask("FLUSHALL")
    server.place(cores[1])
    program = options.programs / case.program
    url = store_of(case, server, directory)
    runs = [run_once(program, case, url, cores[0]) for _ in range(case.repeats)]
    if not all(runs):
        return [{"case": case.title, "place": place, "error": "failed"}]
    rows = [medians(list(step)) for step in zip(*runs)]
    return [{"case": case.title, "place": place, **row} for row in rows]


def table_row(case, result):
    rate = result.get("ops_per_s") or result.get("handoffs_per_s")
    shown = {"rate": f"{rate:.0f}" if rate else "", "raw": "", "ratio": ""}
    if result.get("raw_ops_per_s"):
        shown["raw"] = f"{result['raw_ops_per_s']:.0f}"
        shown["ratio"] = f"{result['ratio_to_raw']:.2f}"
    cpu = result.get("client_cpu_us_per_op")
    commands = result.get("commands_per_op", result.get("commands_per_handoff"))
    made = result.get("allocations_per_op")
    name = case.title + (f" {result['held']:.0f}" if "held" in result else "")
    numbers = [result.get("p50_us"), result.get("p99_us"), cpu, commands, made]
    verdicts = "; ".join(f"{goal}: {goal.verdict(result)}" for goal in case.goals)
    return [name, result["place"], shown["rate"], shown["raw"], shown["ratio"],
            *("" if number is None else f"{number:g}" for number in numbers),
            result.get("error") or verdicts]


def table_of(rows):
    head = ["case", "client, server", "ops/s", "raw", "ratio", "p50 µs", "p99 µs", "CPU µs", "cmds",
            "allocs", "goals"]
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
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as directory, \
            Server(directory) as server:
        for case in cases:
            for place in case.places:
                if not wanted(options, f"{case.title} {case.program} {place}"):
                    continue
                for result in run_case(case, place, options, server, directory):
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
    read.add_argument("--repeats", type=int, default=5, help="of what is contended")
    read.add_argument("--only", action="append", default=[], metavar="WORD",
                      help="the cases whose title, program or place has one of these words")
    read.add_argument("--into", type=Path, help="a page to write the table into as well")
    options = read.parse_args()
    cases = uncontended_cases(options.seconds) + other_cases(options.seconds, options.repeats)
    failed = run_all(options, cases)
    run_range_lock(options)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
