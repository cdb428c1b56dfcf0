#!/usr/bin/env python3
"""Twenty clients of unary calls register over kept connections. Then their network is cut, and no packet ever says so: a
NAT forgot them, a host lost its power.

Right: the broker closes the connections within BOUND seconds (330): each one is an open file, and those are bounded.
Wrong: they stay for hours, as gRPC's server by default asks for a sign of life every two hours only.

Needs root: the case makes two network namespaces and cuts the cable between them.
"""

import os
import subprocess
import sys
import time

from support.processes import Program, binary
from support.situations import CannotBeTried, parameter, run, situation
from support.wire import becomes

BOUND = parameter("BOUND", 330)
CLIENTS = 20
ADDRESS = "10.77.0.1:10911"  # In a namespace of its own, so no other case has it.

_CLIENTS = """
import sys; sys.path.insert(0, %r)
import signal
from support.wire import SERVICE, consumer, heartbeat, open_channel
channels = [open_channel("%s") for _ in range(%d)]
for i, channel in enumerate(channels):
    channel.unary_unary(SERVICE + "Heartbeat")(heartbeat("u%%d@1" %% i, [consumer("unary")]), timeout=3)
print("ready", flush=True)
signal.pause()
""" % (
    os.path.dirname(os.path.abspath(__file__)),
    ADDRESS,
    CLIENTS,
)


def ip(*words):
    try:
        return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def established(space):
    command = ["ip", "netns", "exec", space, "ss", "-Htn", "state", "established"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout.count(":10911")


@situation
def clients_of_unary_calls_are_cut_off():
    broker_space, client_space = "cmB%d" % os.getpid(), "cmC%d" % os.getpid()
    try:
        cable = ["link", "add", "cable", "netns", broker_space, "type", "veth", "peer", "name", "cable"]
        if os.geteuid() != 0 or not (
            ip("netns", "add", broker_space)
            and ip("netns", "add", client_space)
            and ip(*cable, "netns", client_space)
        ):
            raise CannotBeTried("needs root and network namespaces")
        for space, address in ((broker_space, "10.77.0.1/24"), (client_space, "10.77.0.2/24")):
            ip("-n", space, "addr", "add", address, "dev", "cable")
            ip("-n", space, "link", "set", "cable", "up")
            ip("-n", space, "link", "set", "lo", "up")
        inside = ["ip", "netns", "exec"]
        flags = ["--address=" + ADDRESS, "--allow_insecure_remote", "--metrics_address=", "--channel_expiry=20s"]
        with Program(*inside, broker_space, binary("BROKER"), *flags) as broker:
            broker.wait_for("listening")
            with Program(*inside, client_space, sys.executable, "-c", _CLIENTS) as clients:
                clients.wait_for("ready", 30)
                before = established(broker_space)
                ip("-n", client_space, "link", "set", "cable", "down")
            begin = time.monotonic()
            left = becomes(lambda: established(broker_space), 0, BOUND)
            return before == CLIENTS and left == 0, "of %d connections that were cut off, %d are open after %d s" % (
                before,
                left,
                time.monotonic() - begin,
            )
    finally:
        ip("netns", "del", broker_space)
        ip("netns", "del", client_space)


run()
