#!/usr/bin/env python3
"""Measures the broker against bare gRPC and against others, and prints one table.

Every comparison runs its servers in turn, A B A B ..., on this machine; each run is
printed, and at the end medians with their 95 % interval. What costs CPU is told as the
server process's CPU time, since wall time is noise where others share the machine.

  bazel run -c opt //tools/bench -- [--json=FILE] [--only=NAME,...] [--quick]
"""

import argparse
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from comparisons import auth, capacity, connections, heartbeats, idle, in_process, joins, others, sdk, storm, tls, watch  # noqa: E402
from context import Context  # noqa: E402
from processes import find  # noqa: E402

# Name -> what runs it, in the order of running.
COMPARISONS = {
    "light": heartbeats.light,
    "full": heartbeats.full,
    "paced": heartbeats.paced,
    "java": others.java,
    "etcd": others.etcd,
    "in_process": in_process.run,
    "idle_cpu": idle.cpu,
    "idle_latency": idle.latency,
    "memory": connections.memory,
    "flat": connections.flat,
    "capacity": capacity.run,
    "crowd": connections.crowd,
    "join": joins.run,
    "restart": connections.restart,
    "storm": storm.run,
    "tls": tls.tls,
    "auth": auth.auth,
    "watch": watch.run,
    "sdk": sdk.heartbeats,
    "sdk_memory": sdk.memory,
}


# What is between them in a document is this program's.
MARKS = "<!-- bench: begin", "<!-- bench: end"


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="comparisons: " + ", ".join(COMPARISONS))
    parser.add_argument("--json", metavar="FILE", help="also write rows and runs there")
    parser.add_argument("--markdown", metavar="FILE",
                        help="also write the table there, between the lines that begin with %s and %s if it has them" % MARKS)
    parser.add_argument("--only", metavar="NAME,...", help="only these comparisons")
    parser.add_argument("--quick", action="store_true",
                        help="a moment each, to see that all works; its numbers mean nothing")
    parser.add_argument("--java", action="store_true",
                        help="also RocketMQ's own broker (needs Java and Maven; tools/bench/java)")
    parser.add_argument("--etcd", action="store_true", help="also etcd's LeaseKeepAlive (needs the package etcd-server)")
    parser.add_argument("--against", metavar="BINARY",
                        help="also another build of the broker, in turn with this one: light, full, paced, java, etcd and memory")
    options = parser.parse_args(arguments)
    if options.against:
        options.against = os.path.abspath(where(options.against))
        if not os.access(options.against, os.X_OK):
            parser.error("--against: %s is no program that can be run" % options.against)
    options.only = options.only.split(",") if options.only else list(COMPARISONS)
    for name in options.only:
        if name not in COMPARISONS:
            parser.error("--only: %s is not one of %s" % (name, ", ".join(COMPARISONS)))
    return options


def about():
    """Of the machine and the build; no names of hosts or users."""
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        models = [line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")]
    source = os.environ.get("BUILD_WORKSPACE_DIRECTORY", os.path.dirname(os.path.realpath(__file__)))
    commit = None
    if shutil.which("git"):
        commit = subprocess.run(["git", "-C", source, "describe", "--always", "--dirty", "--exclude=*"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    return {
        "cores": os.cpu_count(),
        "cpu": models[0] if models else platform.machine(),
        "memory": "%.0f GiB" % (os.sysconf("SC_PAGESIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release(),
        "commit": commit or "unknown",
        "optimised": "-opt" in os.path.realpath(find("broker/broker")),
    }


def where(path):
    """Relative to where the user stands; `bazel run` changes it."""
    return os.path.join(os.environ.get("BUILD_WORKING_DIRECTORY", "."), path)


def put_between_marks(document, text):
    """`document` with `text` between its marks; `text` if it has none."""
    begin, end = (document.find(mark) for mark in MARKS)
    if begin < 0 or end < begin:
        return text + "\n"
    begin = document.index("\n", begin) + 1
    return document[:begin] + "\n" + text + "\n\n" + document[end:]


def write_markdown(path, text):
    document = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            document = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(put_between_marks(document, text))


def main():
    options = parse(sys.argv[1:])
    # As Ctrl-C does, which ends the children.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Servers and drivers of many connections inherit it.
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    machine = about()
    print("# " + ", ".join("%s: %s" % pair for pair in machine.items()))
    if not machine["optimised"] and not options.quick:
        print("# NOT AN OPTIMISED BUILD: use bazel run -c opt //tools/bench", flush=True)
    context = Context(options)
    failed = []
    for name, run in COMPARISONS.items():
        if name in options.only:
            print("\n# %s: %s" % (name, (run.__doc__ or "").strip().split("\n")[0]), flush=True)
            try:
                run(context)
            except RuntimeError as error:  # The others may work all the same.
                print("  FAILED: %s" % error, flush=True)
                context.results.absent(name, None, "failed: %s" % str(error).split("\n")[0])
                failed.append(name)
    print("\n" + context.results.table())
    if options.json:
        with open(where(options.json), "w", encoding="utf-8") as file:
            file.write(context.results.json(machine) + "\n")
    if options.markdown:
        asked = [argument for argument in sys.argv[1:] if not argument.startswith(("--json", "--markdown"))]
        command = " ".join(["bazel run -c opt //tools/bench --", *asked]).removesuffix(" --")
        write_markdown(where(options.markdown), context.results.markdown(machine, command))
    if failed:
        sys.exit("bench: failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
