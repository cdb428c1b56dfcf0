"""A great many clients that fall silent at once, beside others that live."""

import json
import signal
import subprocess
import time

from load import load_command
from processes import Process
from servers import MeasuredBroker


def one_storm(context, nth, groups, notify_window):
    """The live clients' p99 in the storm over that before it, and how many of them were lost."""
    dying, living, rate = context.pick((100_000, 10_000, 1000), (40, 10, 100))
    # Longer than it takes all to come, or the first expire before the last are there.
    expiry = context.pick(180, 1)
    # Joined in turn, 1,000 groups would be told of each other's members 5 million times.
    flags = {"groups": groups, "fill_groups": "true", "warmup": "0s", "duration": "3600s", "opening_timeout": "300s"}
    live_flags = dict(flags, connections=context.pick(100, 2), streams=living, pace="%d/s" % rate, client_prefix="live",
                      live=context.pick("1s", "100ms"))
    dying_flags = dict(flags, connections=context.pick(100, 2), streams=dying, pace="once", client_prefix="dying", answer_timeout="120s",
                       live=context.pick("250ms", "50ms"))
    with MeasuredBroker("--channel_expiry=%ds" % expiry, "--notify_window=" + notify_window,
                        "--housekeeping_period=%s" % context.pick("10s", "100ms")) as server:
        live_command = load_command(server.address, live_flags)
        live = Process(live_command, stdout=subprocess.PIPE)
        with live, Process(load_command(server.address, dying_flags)) as dead:
            live.wait_for("%d/%d registered" % (living, living), 120)
            dead.wait_for("%d/%d registered" % (dying, dying), 300)
            # Until the one heartbeat of each is answered; then all fall silent, as when a site is cut off.
            time.sleep(context.pick(40, 0.3))
            dead.process.send_signal(signal.SIGSTOP)
            calm_begins = time.time()
            deadline = time.monotonic() + expiry + 60
            # Seldom: both cores are the servers'. The storm begins after the last look that saw none of it.
            expired = 0
            begins = ends = calm_begins
            while expired < dying and time.monotonic() < deadline:
                time.sleep(context.pick(0.5, 0.05))
                looked = time.time()
                expired = server.expired()
                if expired == 0:
                    begins = looked
                ends = looked
            time.sleep(context.pick(5, 0.3))
            live.process.send_signal(signal.SIGINT)
            output = live.process.communicate(timeout=120)[0]
            expired = server.expired()
    report = json.loads(output)  # Its errors are among the lost.
    step = context.pick(1, 0.1)
    storm = [s["answers"]["p99_us"] for s in report["steps"] if begins < s["unix_seconds"] <= ends + 2 * step]
    calm = [s["answers"]["p99_us"] for s in report["steps"] if calm_begins + step < s["unix_seconds"] <= begins]
    # As many seconds of the calm as the storm has, the last ones.
    calm = calm[-len(storm):]
    lost = expired - dying + report["errors"] + living - report["registered"] + report["full_statements_needed"]
    ratio = max(storm) / max(calm) if storm and calm else None
    print("  storm %d  %d groups: %d expired within %.2f s; live p99 of the worst second %.2f ms, before %.2f ms; %d pushes; %d lost" %
          (nth + 1, groups, expired, ends - begins, max(storm, default=0) / 1000, max(calm, default=0) / 1000,
           report["pushes"], lost), flush=True)
    return ratio, lost


def run(context):
    """100,000 clients on 100 connections that expire at once, beside 10,000 live ones"""
    # Each window of a group that changes is a push to all in it: 100,000 of them each 100 ms are more than two cores can.
    for groups, window, goal in ((context.pick(1000, 5), "100ms", 2), (1, context.pick("10s", "100ms"), None)):
        found = [one_storm(context, nth, groups, window) for nth in range(context.pick(2, 1) if goal else 1)]
        name = "storm of 100,000 in %s" % ("1,000 groups" if goal else "one group, window 10 s")
        context.results.row(name + ", live p99 / undisturbed", [ratio for ratio, _ in found], goal)
        context.results.row(name + ", live clients lost", [lost for _, lost in found], 0, unit=" clients")
