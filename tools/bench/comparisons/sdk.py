"""Clients of RocketMQ 5's SDKs: what their heartbeats cost, and their memory."""

import json
import subprocess

from context import ratios
from load import run_load
from processes import find, rss_bytes
from servers import SERVERS


def probe(server, flags):
    """The report of sdk_probe. An error of its clients is an error here."""
    command = [find("tools/bench/sdk_probe"), "--server_pid=%d" % server.pid, *flags, server.address]
    done = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False, timeout=600)
    report = json.loads(done.stdout) if done.stdout else {"errors": "no report"}
    if done.returncode != 0 or report["errors"]:
        raise RuntimeError("%s ended with %d: %s errors" % (" ".join(command), done.returncode, report["errors"]))
    return report


def heartbeats(context):
    """heartbeats of SDKs, which are unary calls, in a closed loop on 100 connections"""
    flags = ["--clients=%d" % context.pick(100, 4), "--warmup=%s" % context.pick("300ms", "20ms"),
             "--duration=%s" % context.pick("1s", "50ms")]
    samples = {"broker": [], "echo": []}
    with SERVERS["broker"]() as broker, SERVERS["echo"]() as echo:
        for nth in range(context.pick(31, 1)):
            for side, server in (("broker", broker), ("echo", echo)):
                report = probe(server, flags + ["--settings"] if side == "broker" else flags)
                samples[side].append({"cpu_us": report["cpu_us_per_call"], "ops": report["calls_per_second"]})
                context.note("SDK heartbeats, closed loop", nth, side, samples[side][-1])
    context.results.row("SDK heartbeat, CPU / a unary echo's", ratios(samples, "broker", "echo"), 1.15)


def memory(context):
    """resident memory for each SDK client, and for each native one, with one silent stream"""
    clients = context.pick(3000, 8)
    found = []
    for nth in range(context.pick(5, 1)):
        with SERVERS["broker"]() as server:  # A new one: memory is not given back.
            probe(server, ["--streams", "--clients=%d" % clients, "--duration=%s" % context.pick("2s", "50ms")])
            sdk = (rss_bytes(server.pid) - server.rss_at_start) / clients
        context.note("silent clients", nth, "broker, SDKs", {"client_bytes": sdk})
        with SERVERS["broker"]() as server:
            report = run_load(server.address, {
                "connections": clients, "pace": "silent", "warmup": "0s", "duration": context.pick("2s", "50ms"),
                "groups": max(1, clients // 10), "server_pid": server.pid})
            native = (report["server"]["rss_bytes"] - server.rss_at_start) / clients
        context.note("silent clients", nth, "broker, native", {"client_bytes": native})
        if native > 0:
            found.append(sdk / native)
    context.results.row("memory of an SDK client / a native one's", found, 1.10)
