"""Many connections: what one costs, how fast they come, and come back."""

import subprocess
import time

from load import load_command, read_report, run_load
from processes import Process
from servers import SERVERS, broker


# Groups of nine: who joins is told to all that are there, so that larger ones
# measure pushes.
CROWD, CROWD_GROUPS = 9000, 1000


def memory(context):
    """resident memory of a server for each idle connection with one stream"""
    flags = {"connections": context.pick(3000, 8), "pace": "silent", "warmup": "0s", "duration": context.pick("2s", "50ms")}
    found = {"broker": [], "echo": [], "callback echo": []}
    for nth in range(context.pick(5, 1)):
        for side, values in found.items():
            with SERVERS[side]() as server:  # A new one: memory is not given back.
                report = run_load(server.address, dict(flags, server_pid=server.pid))
            values.append(report["server"]["rss_bytes_per_client"])
            context.note("idle connections", nth, side, {"client_bytes": values[-1]})
    for other, goal in (("echo", 1.10), ("callback echo", None)):
        pairs = [a / b for a, b in zip(found["broker"], found[other]) if b > 0]
        context.results.row("memory of an idle connection / %s's" % ("bare echo" if other == "echo" else other), pairs, goal)


def crowd(context):
    """9,000 connections: how long until all are registered, and their cost at 30 s"""
    flags = {"connections": context.pick(CROWD, 20), "groups": context.pick(CROWD_GROUPS, 3), "pace": context.pick("30s", "500ms"), "warmup": "0s"}
    seconds = {"broker": [], "echo": []}
    cores = []
    for nth in range(context.pick(3, 1)):
        for side, values in seconds.items():
            with SERVERS[side]() as server:
                duration = context.pick("30s", "300ms") if side == "broker" else "100ms"
                report = run_load(server.address, dict(flags, server_pid=server.pid, duration=duration))
            values.append(report["registration_seconds"])
            print("  crowd %d  %-14s registered in %.2f s, %.0f pushes" % (nth + 1, side, values[-1], report["pushes"]), flush=True)
            if side == "broker":
                cores.append(report["server"]["cores"] * 100)
                print("  crowd %d  %-14s then %.1f %% of a core, p99 %.2f ms, %.0f errors" %
                      (nth + 1, side, cores[-1], report["answers"]["p99_us"] / 1000, report["errors"]), flush=True)
    context.results.row("9,000 connections registered, time / bare echo's",
                        [a / b for a, b in zip(seconds["broker"], seconds["echo"])], 1.2)
    context.results.row("9,000 connections at an interval of 30 s, of one core", cores, 10, unit=" %")


def busiest_second(steps):
    """The most registrations within one second."""
    most = 0
    for i, first in enumerate(steps):
        within = [step["registrations"] for step in steps[i:] if step["unix_seconds"] < first["unix_seconds"] + 1]
        most = max(most, sum(within))
    return most


def restart(context):
    """a broker that is killed under 9,000 clients and comes back a second later"""
    clients = context.pick(CROWD, 20)
    flags = {"connections": clients, "groups": context.pick(CROWD_GROUPS, 3), "pace": context.pick("30s", "500ms"), "warmup": "0s",
             "duration": context.pick("40s", "2500ms"), "reconnect": "true", "live": "100ms"}
    times, peaks, faults = [], [], []
    for nth in range(context.pick(3, 1)):
        with broker() as first:
            address = first.address
            command = load_command(address, flags)
            load = Process(command, stdout=subprocess.PIPE)
            with load:
                load.wait_for("%d/%d registered" % (clients, clients), 120)
                time.sleep(context.pick(5, 0.2))
                first.process.kill()
                first.process.wait()
                time.sleep(context.pick(1, 0.2))
                with broker(address=address) as second:
                    listening = time.time()
                    output = load.process.communicate(timeout=120)[0]
                    log = second.said()
        report = read_report(command, output, load.process.returncode)
        steps = [step for step in report["steps"] if step["unix_seconds"] > listening]
        back = [step["unix_seconds"] for step in steps if step["registered"] == clients]
        seconds = back[0] - listening if back else float("inf")
        mean = clients / max(seconds, 1)
        times.append(seconds)
        peaks.append(busiest_second(steps) / mean)
        faults.append(log.count("reason=EXPIRED") + clients - report["registered"])
        print("  restart %d  all back %.2f s after listening; busiest second %.2f of the mean; %d expired or missing" %
              (nth + 1, seconds, peaks[-1], faults[-1]), flush=True)
    context.results.row("restart under 9,000 clients, all registered after", times, 10, unit=" s")
    context.results.row("restart under 9,000 clients, busiest second / mean", peaks, 2)
    context.results.row("restart under 9,000 clients, expired or missing", faults, 0, unit=" clients")
