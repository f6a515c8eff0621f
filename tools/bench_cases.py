# SPDX-License-Identifier: BSL-1.0
"""What tools/bench.py measures, and the goals of each case. Data, and what reads it."""
from dataclasses import dataclass, field

ONE, TWO, BOTH = ("one core",), ("two cores",), ("one core", "two cores")
ANY = ("any core",)


@dataclass
class Goal:
    figure: str
    bound: float
    at_least: bool = True
    instead: "Goal" = None  # It is enough if this one is met.

    def __str__(self):
        own = f"{self.figure} {'≥' if self.at_least else '≤'} {self.bound:g}"
        return f"{own} or {self.instead}" if self.instead else own

    def is_met(self, result):
        value = result.get(self.figure)
        met = value is not None and (
            value >= self.bound if self.at_least else value <= self.bound)
        return met or bool(self.instead and self.instead.is_met(result))

    def values(self, result):
        own = result.get(self.figure)
        shown = "?" if own is None else f"{own:g}"
        return f"{shown}, {self.instead.values(result)}" if self.instead else shown

    def verdict(self, result):
        if self.figure not in result:
            return "not measured"
        return f"{self.values(result)} {'met' if self.is_met(result) else 'MISSED'}"


@dataclass
class Case:
    title: str
    program: str
    arguments: list
    places: tuple
    goals: list = field(default_factory=list)
    store: str = "redis"  # Also "quorum", "mariadb", "sqlite", "sqlite on tmpfs", or an URL.
    fault: str = ""       # What happens to the last server of a quorum meanwhile.
    small: bool = False   # Beside it a second store of the kind, for the program's --small.
    section: str = "locks"  # The table that it stands in.


def at_least(figure, bound, instead=None):
    return Goal(figure, bound, instead=instead)


def at_most(figure, bound):
    return Goal(figure, bound, at_least=False)


def uncontended_cases(seconds):
    cases = []
    for fenced, lone, crowd in ((False, 0.95, 0.85), (True, 0.88, 0.65)):
        flags = ["--seconds", seconds] + ([] if fenced else ["--no-fence"])
        token = "with token" if fenced else "no token"

        def add(title, arguments, places, goals=()):
            cases.append(
                Case(f"{title}, {token}", "uncontended", arguments + flags, places, list(goals)))

        add("1 thread", ["--threads", "1"], ONE, [at_least("ratio_to_raw", lone)])
        add("1 thread", ["--threads", "1"], TWO)
        add("16 threads", ["--threads", "16"], BOTH, [at_least("ratio_to_raw", 1.3)])
        for count in ("64", "256", "1024"):
            goals = [at_least("ratio_to_raw", crowd), at_most("client_cpu_us_per_op", 1.2),
                     at_most("allocations_per_op", 0)] if count == "256" else []
            add(f"{count} coroutines", ["--coroutines", count], ONE)
            add(f"{count} coroutines", ["--coroutines", count], TWO, goals)
    return cases


def contended_cases(seconds):
    cases = []

    def add(contenders, processes, how, arguments, goals):
        title = f"{contenders} contenders in {processes} processes, {how}"
        crowd = ["--contenders", contenders, "--processes", processes, "--seconds", seconds]
        cases.append(Case(title, "contend", crowd + arguments, BOTH, goals))

    rate = at_least("handoffs_per_s", 30000, at_least("ratio_to_bare", 0.8))
    default = [rate, at_most("commands_per_handoff", 0.5), at_most("max_min_ratio", 1.3)]
    fair = [at_least("ratio_to_bare", 0.85), at_most("commands_per_handoff", 1.3),
            at_most("max_min_ratio", 1.2)]
    held = [at_most("p50_to_queue", 1.3), at_most("between_p50_to_bare", 1.3)]
    think, hold = ["--think-ms", "1"], ["--hold-ms", "5"]
    add("64", "8", "hold 0, think 1 ms", think, default)
    add("64", "8", "hold 0", [], default)
    add("8", "8", "hold 0", [], [at_most("max_min_ratio", 1.3)])
    add("64", "8", "hold 0, think 1 ms, fair", think + ["--fair"], fair)
    add("64", "8", "hold 0, fair", ["--fair"], fair)
    add("2", "2", "hold 0, fair", ["--fair"], fair)
    add("500", "8", "hold 0, fair", ["--fair"], fair)
    add("2", "2", "hold 5 ms", hold, held)
    add("8", "8", "hold 5 ms", hold, held)
    add("64", "8", "hold 5 ms", hold, held)
    add("500", "8", "hold 5 ms, fair", hold + ["--fair"], [at_most("between_to_round_trip", 2)])
    return cases


def quorum_cases(seconds):
    well = [at_most("latency_to_raw", 1.1)]
    ill = [at_most("fault_to_none", 1.1)]

    def case(title, fault, goals):
        return Case(f"quorum of 3, {title}", "quorum", ["--seconds", seconds], BOTH, goals,
                    store="quorum", fault=fault)

    return [case("all well", "", well), case("one killed", "kill", ill),
            case("one frozen", "freeze", ill)]


def peer_cases(seconds):
    flags = ["--seconds", seconds, "--no-fence"]
    return [
        Case("peers, 1 caller", "peers", ["--threads", "1"] + flags, ONE,
             [at_least("ratio_to_best_node", 2.2)]),
        Case("peers, 256 at once", "peers", ["--coroutines", "256"] + flags, TWO,
             [at_least("ratio_to_best_node", 4)]),
    ]


def other_cases(seconds):
    lone = ["--threads", "1", "--seconds", seconds]
    return [
        Case("held locks", "growth", ["--seconds", "20"], TWO,
             [at_most("bytes_per_lock", 1024), at_most("renewal_cpu_percent", 2),
              at_most("lost", 0)]),
        Case("memory, 1 thread", "uncontended", lone, ONE, store="memory:"),
        # The memory store is the fastest: of any other counting takes a smaller part.
        Case("metrics, memory, 1 thread", "metrics", ["--seconds", seconds], ONE,
             [at_most("counting_share", 0.02)], store="memory:"),
        # On a disk, syncing makes up much of the time, for ours and the limit alike. On tmpfs, CPU
        # is all there is, and tells the ratio on a busy machine too.
        Case("SQLite on a disk, 1 thread", "uncontended", lone, ONE,
             [at_least("ratio_to_raw", 0.8)], store="sqlite"),
        Case("SQLite on tmpfs, 1 thread", "uncontended", lone, ONE,
             [at_least("ratio_to_raw", 0.8), at_least("raw_cpu_to_ours", 0.8)],
             store="sqlite on tmpfs"),
    ]


def range_cases(seconds):
    cases = []

    def add(name, store, clients, live, places, goals):
        grown = live > 1000
        cases.append(Case(
            f"ranges, {name}, {clients} at once, {live:,} holds", "ranges",
            ["--clients", str(clients), "--live", str(live), "--seconds", seconds], places,
            goals + ([at_most("time_to_small", 1.25)] if grown else [])
            + ([at_most("overlaps", 0)] if clients > 1 else []), store=store,
            small=grown, section="ranges"))

    near = [at_least("ratio_to_bare", 0.9)]
    size = [at_most("bytes_per_hold", 400)]
    for live in (1_000, 1_000_000):
        grown = live > 1000
        add("Redis", "redis", 1, live, ONE, near + (size if grown else []))
        add("Redis", "redis", 16, live, TWO, near)
        # The goal is that of 16; one alone is told beside it.
        add("MariaDB", "mariadb", 1, live, ANY, [])
        add("MariaDB", "mariadb", 16, live, ANY, near + [at_most("deadlocks", 0)])
        add("SQLite", "sqlite", 1, live, ANY, [at_least("ratio_to_bare", 0.8)])
        add("SQLite", "sqlite", 16, live, ANY, [at_most("max_ms", 100)])
        add("memory", "memory:", 1, live, ANY, [])
        add("memory", "memory:", 16, live, ANY, [])
    cases.append(Case("ranges of the original's table", "bench_range_lock", [], ANY,
                      [at_least("times_the_original", 100)], section="original"))
    return cases


def all_cases(seconds):
    return [*uncontended_cases(seconds), *contended_cases(seconds), *quorum_cases(seconds),
            *peer_cases(seconds), *other_cases(seconds), *range_cases(seconds)]
