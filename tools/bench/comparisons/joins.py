"""Consumers that come into one group, each told of the others."""

import tempfile
import time

from load import run_load
from processes import cpu_seconds
from servers import broker

# The group that loadgen's clients are in with --groups=1.
UNNOTIFIED = 'subscription_groups { group: "consumer-group-00000" notify_consumer_ids_changed_enable: false }\n'


def one_join(context, *flags):
    """The report of the load, and the broker's CPU seconds from the first connection to a second after the last."""
    clients = context.pick(1000, 20)
    load = {"connections": clients, "groups": 1, "producer_groups": 0, "open_rate": clients, "hold_lists": "true", "pace": "30s",
            "warmup": "0s", "duration": context.pick("2s", "300ms")}
    with broker(*flags) as server:
        before = cpu_seconds(server.pid)
        report = run_load(server.address, load)
        return report, cpu_seconds(server.pid) - before


def run(context):
    """1,000 consumers that join one group within a second: pushes of each, and what they cost"""
    ratios, most, rocketmq = [], [], []
    with tempfile.NamedTemporaryFile("w", suffix=".textproto") as config:
        config.write(UNNOTIFIED)
        config.flush()
        sides = {"notified": (), "not notified": ("--config=" + config.name,), "window 0, as RocketMQ": ("--notify_window=0",)}
        for nth in range(context.pick(5, 1)):
            seconds = {}
            for side, flags in sides.items():
                report, seconds[side] = one_join(context, *flags)
                print("  join %d  %-22s %.2f s of CPU, %.0f pushes, at most %.0f a client, registered in %.2f s" %
                      (nth + 1, side, seconds[side], report["pushes"], report["most_pushes"], report["registration_seconds"]), flush=True)
                if side == "notified":
                    most.append(report["most_pushes"])
            ratios.append(seconds["notified"] / seconds["not notified"])
            rocketmq.append(seconds["window 0, as RocketMQ"] / seconds["not notified"])
            time.sleep(context.pick(0.5, 0))
    context.results.row("1,000 consumers join one group within a second, pushes of a client", most, 20, unit=" pushes")
    context.results.row("1,000 consumers join one group within a second, CPU / not notified", ratios, 3)
    context.results.row("1,000 consumers join one group within a second, window 0 as RocketMQ, CPU / not notified", rocketmq)
