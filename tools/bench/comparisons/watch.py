"""Those who watch a broker whose groups change all the time, and what heartbeats notice of them."""

import json
import subprocess

from load import run_load
from processes import Process, cpu_seconds, find
from servers import broker


def one_run(context, watchers):
    """The p99 of paced heartbeats in ms, the broker's share of a core, and what the watchers were told."""
    seconds = context.pick(60, 1)
    load = {"connections": context.pick(100, 2), "pace": context.pick("1000/s", "20/s"), "warmup": context.pick("2s", "100ms"),
            "duration": "%ds" % seconds}
    changes = context.pick(100, 20)
    with broker() as server:
        # Longer than the load, which is then within it.
        command = [find("tools/bench/watch_probe"), "--watchers=%d" % watchers, "--changes=%d" % changes,
                   "--duration=%ds" % (seconds + context.pick(10, 2)), server.address]
        with Process(command, stdout=subprocess.PIPE) as probe:
            probe.wait_for("watching", 60)
            before = cpu_seconds(server.pid)
            report = run_load(server.address, load)
            used = cpu_seconds(server.pid) - before
            told = json.loads(probe.process.communicate(timeout=120)[0])
    return report["answers"]["p99_us"] / 1000, used / seconds, told


def run(context):
    """100 who watch 100 changes a second, beside 1,000 heartbeats a second"""
    more, cores, lost = [], [], []
    for nth in range(context.pick(3, 1)):
        p99 = {}
        for watchers in (0, context.pick(100, 5)):
            p99[watchers], used, told = one_run(context, watchers)
            print("  watch %d  %3d watch: p99 of heartbeats %.2f ms, the broker uses %.2f cores; %d changes, each told %d to %d, %d cut" %
                  (nth + 1, watchers, p99[watchers], used, told["changes"], told["least_events"], told["most_events"], told["cut"]), flush=True)
        cores.append(used)
        lost.append(told["cut"] + told["changes"] - told["least_events"])
        more.append(p99[watchers] - p99[0])
    context.results.row("100 watch 100 changes a second, p99 of heartbeats above that without", more, 10, unit=" ms")
    context.results.row("100 watch 100 changes a second, the broker's CPU", cores, unit=" cores")
    context.results.row("100 watch 100 changes a second, watches cut and events lost", lost, 0, unit="")
