"""Many connections: what one costs, how fast they come, and come back."""

import signal
import subprocess
import time

from context import OTHER_BROKER
from load import load_command, read_report, run_load, to_sample
from processes import Process
from results import show
from servers import SERVERS, MeasuredBroker, broker, echo


# Groups of nine: who joins is told to all that are there, so that larger ones
# measure pushes.
CROWD, CROWD_GROUPS = 9000, 1000


def memory(context):
    """resident memory of a server for each idle connection with one stream"""
    flags = {"connections": context.pick(3000, 8), "pace": "silent", "warmup": "0s", "duration": context.pick("2s", "50ms")}
    found = {side: [] for side in context.with_other_broker(["broker", "echo", "callback echo"])}
    for nth in range(context.pick(5, 1)):
        for side, values in found.items():
            with context.servers[side]() as server:  # A new one: memory is not given back.
                report = run_load(server.address, dict(flags, server_pid=server.pid))
            values.append(report["server"]["rss_bytes_per_client"])
            context.note("idle connections", nth, side, {"client_bytes": values[-1]})
    for other, goal in (("echo", 1.10), ("callback echo", None), (OTHER_BROKER, None)):
        if other not in found:
            continue
        pairs = [a / b for a, b in zip(found["broker"], found[other]) if b > 0]
        context.results.row("memory of an idle connection / %s's" % ({"echo": "bare echo", OTHER_BROKER: "the other broker"}.get(other, other)), pairs, goal)


def crowd(context):
    """9,000 connections: how long until all are registered, and their cost at 30 s"""
    clients, groups = context.pick((CROWD, CROWD_GROUPS), (20, 3))
    flags = {"connections": clients, "pace": context.pick("30s", "500ms"), "warmup": "0s"}
    # In groups of nine whose members come half a second apart each gets five pushes on average. Where the members of a
    # group come one right after the other, the first is told at once and the rest together; the echo's clients get none.
    together = "broker, groups together"
    alone = "broker, no groups shared"
    seconds = {"broker": [], "echo": [], together: [], alone: []}
    cores = []
    for nth in range(context.pick(9, 1)):
        for side, values in seconds.items():
            stays = side == "broker" and nth < 3
            with SERVERS["echo" if side == "echo" else "broker"]() as server:
                duration = context.pick("30s", "300ms") if stays else "100ms"
                more = {"fill_groups": "true"} if side == together else {}
                report = run_load(server.address, dict(flags, groups=clients if side == alone else groups,
                                                       server_pid=server.pid, duration=duration, **more))
            values.append(report["registration_seconds"])
            print("  crowd %d  %-14s registered in %.2f s, %.0f pushes" % (nth + 1, side, values[-1], report["pushes"]), flush=True)
            if stays:
                cores.append(report["server"]["cores"] * 100)
                print("  crowd %d  %-14s then %.1f %% of a core, p99 %.2f ms, %.0f errors" %
                      (nth + 1, side, cores[-1], report["answers"]["p99_us"] / 1000, report["errors"]), flush=True)
    context.results.row("9,000 connections registered, time / bare echo's",
                        [a / b for a, b in zip(seconds["broker"], seconds["echo"])], 1.2)
    context.results.row("9,000 connections registered, members of a group together, time / bare echo's",
                        [a / b for a, b in zip(seconds[together], seconds["echo"])], 1.1)
    context.results.row("9,000 connections registered, no groups shared, time / bare echo's",
                        [a / b for a, b in zip(seconds[alone], seconds["echo"])])
    context.results.row("9,000 connections at an interval of 30 s, of one core", cores, 10, unit=" %")


def flat(context):
    """light heartbeats in a closed loop on 100 connections, beside 20,000 idle streams and without"""
    idle = context.pick(20_000, 20)
    idle_flags = {"connections": context.pick(20, 2), "streams": idle, "pace": "silent", "client_prefix": "idle", "consumer_groups": 0,
                  "warmup": "0s", "duration": "3600s", "live": "100ms"}
    flags = {"pace": "closed", "connections": context.pick(100, 4), "warmup": context.pick("500ms", "20ms"), "duration": context.pick("2s", "50ms")}
    sides = {"broker": lambda: broker("--channel_expiry=1h"), "echo": echo, "callback echo": SERVERS["callback echo"]}
    for side, start in sides.items():
        ratios = []
        with start() as alone, start() as crowded, Process(load_command(crowded.address, idle_flags)) as load:
            load.wait_for("%d/%d registered" % (idle, idle), 120)
            for nth in range(context.pick(5, 1)):
                pair = [to_sample(server.run(flags)) for server in (crowded, alone)]
                for what, sample in zip(("beside idle streams", "alone"), pair):
                    del sample["client_bytes"]
                    context.note(what, nth, side, sample)
                ratios.append(pair[0]["cpu_us"] / pair[1]["cpu_us"] if pair[1]["cpu_us"] > 0 else None)
        context.results.row("light heartbeat beside 20,000 idle streams / alone, CPU, %s" % side, ratios)


def busiest_second(steps):
    """The most registrations within one second."""
    most = 0
    for i, first in enumerate(steps):
        within = [step["registrations"] for step in steps[i:] if step["unix_seconds"] < first["unix_seconds"] + 1]
        most = max(most, sum(within))
    return most


def one_restart(context, start, expiry):
    """Seconds until all are back, the busiest second's part of the mean, and how many are
    expired or missing after `expiry` more."""
    clients = context.pick(CROWD, 20)
    command = load_command("%s", {"connections": clients, "groups": context.pick(CROWD_GROUPS, 3), "pace": context.pick("30s", "500ms"),
                                  "warmup": "0s", "duration": "600s", "reconnect": "true", "live": "100ms"})
    all_registered = "%d/%d registered" % (clients, clients)
    with start("127.0.0.1:0") as first:
        command = [argument.replace("%s", first.address) for argument in command]
        load = Process(command, stdout=subprocess.PIPE)
        with load:
            load.wait_for(all_registered, 120)
            time.sleep(context.pick(5, 0.2))
            first.process.kill()
            first.process.wait()
            time.sleep(context.pick(1, 0.2))
            lines = len(load.said())
            with start(first.address) as second:
                listening = time.time()
                while all_registered not in load.said()[lines:] and time.time() < listening + 60:
                    time.sleep(0.1)
                time.sleep(expiry)
                load.process.send_signal(signal.SIGINT)
                output = load.process.communicate(timeout=120)[0]
                expired = second.expired()
    report = read_report(command, output, load.process.returncode)
    steps = [step for step in report["steps"] if step["unix_seconds"] > listening]
    seconds = next((step["unix_seconds"] - listening for step in steps if step["registered"] == clients), None)
    peak = seconds and busiest_second(steps) / (clients / max(seconds, 1))
    return seconds, peak, expired + clients - report["registered"]


def restart(context):
    """a server that is killed under 9,000 clients and comes back a second later"""
    expiry = context.pick(45, 2)
    found = []
    echo_seconds = []
    for nth in range(context.pick(3, 1)):
        found.append(one_restart(context, lambda address: MeasuredBroker("--channel_expiry=%ds" % expiry, address=address), expiry))
        echo_seconds.append(one_restart(context, lambda address: echo(address=address), 0)[0])
        seconds, peak, faults = found[-1]
        print("  restart %d  broker: all back %s s after listening, busiest second %s of the mean, %d expired or missing; "
              "bare echo: all back after %s s" % (nth + 1, show(seconds), show(peak), faults, show(echo_seconds[-1])), flush=True)
    seconds, peaks, faults = zip(*found)
    context.results.row("restart under 9,000 clients, all registered after", seconds, 10, unit=" s")
    # Clients and server share this machine: what it takes them to connect at all.
    context.results.row("restart of the bare echo under 9,000 clients, all registered after", echo_seconds, unit=" s")
    context.results.row("restart under 9,000 clients, busiest second / mean", peaks, 2)
    context.results.row("restart under 9,000 clients, expired or missing", faults, 0, unit=" clients")
