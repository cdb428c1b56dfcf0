"""What a broker costs that has nothing to do, and how fast it is when it has."""

import json
import subprocess
import time
from contextlib import ExitStack

from load import load_command, read_report
from processes import Process, cpu_seconds, find
from servers import SERVERS


def cpu(context):
    """CPU of a server with 1,000 connected clients that are silent"""
    seconds = context.pick(10, 0.2)
    clients = context.pick(1000, 4)
    flags = {"connections": clients, "pace": "silent", "duration": "600s", "live": "100ms"}
    for side in ("broker", "echo", "callback echo"):
        values = []
        for nth in range(context.pick(3, 1)):
            with SERVERS[side]() as server, Process(load_command(server.address, flags)) as load:
                load.wait_for("%d/%d registered" % (clients, clients), 120)
                time.sleep(context.pick(2, 0.1))  # To come to rest.
                before = cpu_seconds(server.pid)
                time.sleep(seconds)
                values.append((cpu_seconds(server.pid) - before) / seconds * 1000)
                print("  idle_cpu %d  %-14s %.3f ms of CPU a second" % (nth + 1, side, values[-1]), flush=True)
        context.results.row("idle CPU a second, %s" % side, values, 1 if side == "broker" else None, unit=" ms")


def latency(context):
    """a heartbeat each 3 s, and a push, of brokers that do nothing else"""
    # Many idle servers side by side do not disturb each other, and give more samples in the time.
    count = context.pick(20, 1)
    duration = context.pick(60, 0.3)
    flags = {"connections": 1, "pace": context.pick("3s", "100ms"), "warmup": "0s", "duration": "%dms" % (duration * 1000)}
    for side in ("broker", "callback echo"):
        with ExitStack() as stack:
            servers = [stack.enter_context(SERVERS[side]()) for _ in range(count)]
            commands = [load_command(server.address, dict(flags, seed=seed + 1)) for seed, server in enumerate(servers)]
            loads = [stack.enter_context(Process(command, stdout=subprocess.PIPE)) for command in commands]
            reports = []
            for command, load in zip(commands, loads):
                output = load.process.communicate(timeout=duration + 60)[0]
                reports.append(read_report(command, output, load.process.returncode))
        worst = sorted((report["answers"]["max_us"] / 1000 for report in reports), reverse=True)
        heartbeats = sum(report["heartbeats"] for report in reports)
        print("  idle_latency  %-14s %d heartbeats, worst of each server: %s ms" %
              (side, heartbeats, " ".join("%.2f" % value for value in worst)), flush=True)
        # Of n heartbeats, n / 100 are slower than the p99: the worst servers' worst are among them.
        p99 = worst[min(len(worst) - 1, int(heartbeats // 100))]
        context.results.row("idle %s, a heartbeat each 3 s, p99" % side, [p99], 10 if side == "broker" else None, unit=" ms")

    with ExitStack() as stack:
        servers = [stack.enter_context(SERVERS["broker"]()) for _ in range(count)]
        command = [find("tools/bench/push_probe"), "--pushes=%d" % context.pick(15, 2),
                   "--interval=%s" % context.pick("3s", "50ms"), *(server.address for server in servers)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
    pushes = sorted(json.loads(done.stdout)["push_ms"])
    p99 = pushes[max(0, -(-len(pushes) * 99 // 100) - 1)]
    print("  idle_latency  broker         %d pushes, p50 %.2f ms, max %.2f ms" %
          (len(pushes), pushes[len(pushes) // 2], pushes[-1]), flush=True)
    context.results.row("idle broker, a push each 3 s, p99", [p99], 10, unit=" ms")
