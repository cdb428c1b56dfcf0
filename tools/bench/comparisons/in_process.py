"""The core without gRPC, from the benchmarks that stand beside it."""

import json
import subprocess

from processes import find

REGISTRY = "broker/registry/client_table_benchmark"
PROCESSOR = "broker/processor/client_manage_processor_benchmark"
NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}

SIZES = (("1 Ki", 1 << 10), ("64 Ki", 1 << 16), ("1 Mi", 1 << 20))


def each_size(name, benchmark, unit, per, goals):
    """Its rows at all sizes, from one thread, which `goals` are about, and from two."""
    return [("%s, %s clients%s" % (name, size, "" if threads == 1 else ", 2 threads"), PROCESSOR,
             "%s/%d/threads:%d" % (benchmark, count, threads), unit, per, goals.get(size) if threads == 1 else None)
            for threads in (1, 2) for size, count in SIZES]


# Row, binary, benchmark, unit of the goal, the benchmark's nanoseconds (or counter) in it, goal.
ROWS = [
    *each_size("light heartbeat in process", "BM_LightHeartbeat", "ns", 1, {"1 Ki": 100, "1 Mi": 250}),
    *each_size("bare touch of as many objects", "BM_BareTouch", "ns", 1, {}),
    *each_size("full unchanged heartbeat in process", "BM_FullUnchangedHeartbeat", "us", 1e3, {"1 Ki": 1.5, "1 Mi": 3}),
    ("a channel's close, 1 Mi clients", REGISTRY, "BM_CloseChannel/1048576", "us", 1e3, 10),
    *(("a channel's close with %d consumer groups, 1 Mi clients" % groups, REGISTRY,
       "BM_CloseChannelInGroups/1048576/%d" % groups, "us", 1e3, None) for groups in (1, 4, 16, 64)),
    # Its iteration is ten seconds of housekeeping.
    ("housekeeping, 1 Mi clients at 30 s, CPU a second", REGISTRY, "BM_ScanSteadyState/1048576", "ms", 1e7, 2),
    ("longest lock of a scan, 1 Mi clients live", REGISTRY, "BM_PiecesOfALivingScan/1048576/iterations:1", "us", "longest_us", 200),
    ("p99.9 lock of a scan, 1 Mi clients live", REGISTRY, "BM_PiecesOfALivingScan/1048576/iterations:1", "us", "p999_us", None),
    ("longest lock of a scan, 1 Mi clients expire", REGISTRY, "BM_PiecesOfAnExpiringScan/1048576/iterations:1", "us",
     "longest_us", None),
    ("p99.9 lock of a scan, 1 Mi clients expire", REGISTRY, "BM_PiecesOfAnExpiringScan/1048576/iterations:1", "us", "p999_us", None),
    ("registry memory a client, 1 Mi clients", REGISTRY, "BM_MemoryPerClient/1048576/iterations:1", "bytes",
     "bytes_per_client", 361),
    ("registry memory a client, 1 Mi clients of distinct sub versions", REGISTRY,
     "BM_MemoryPerClientOfDistinctVersions/1048576/iterations:1", "bytes", "bytes_per_client", 391),
]


def measure(context, binary):
    """Benchmark -> what it found in each of its runs."""
    flags = ["--benchmark_format=json"]
    if context.quick:
        flags += ["--benchmark_min_time=0.001", "--benchmark_filter=/1024(/|$)"]
    else:
        wanted = "|".join("^%s$" % benchmark for _, where, benchmark, *_ in ROWS if where == binary)
        flags += ["--benchmark_filter=" + wanted, "--benchmark_repetitions=5", "--benchmark_enable_random_interleaving=true"]
    done = subprocess.run([find(binary), *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    found = {}
    for benchmark in json.loads(done.stdout)["benchmarks"]:
        if benchmark.get("error_occurred"):
            raise RuntimeError("%s: %s" % (benchmark["run_name"], benchmark["error_message"]))
        if benchmark.get("run_type") != "aggregate":
            found.setdefault(benchmark["run_name"], []).append(benchmark)
    return found


def run(context):
    """the core alone, CPU an operation at 1 Ki, 64 Ki and 1 Mi clients"""
    found = {binary: measure(context, binary) for binary in (REGISTRY, PROCESSOR)}
    for name, binary, benchmark, unit, what, goal in ROWS:
        runs = found[binary].get(benchmark, [])
        if isinstance(what, str):
            values = [run[what] for run in runs if what in run]
        else:
            values = [run["cpu_time"] * NS[run["time_unit"]] / what for run in runs]
        if values:
            context.results.row(name, values, goal, unit=" " + unit)
        else:
            context.results.absent(name, goal, "not run by " + binary, unit=" " + unit)
