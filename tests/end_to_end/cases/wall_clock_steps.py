#!/usr/bin/env python3
"""The machine's wall clock is set back or forth by an hour while broker and client run: NTP steps it after a wrong start, a
virtual machine resumes.

Right: a client that falls silent is expired as ever, one that sends heartbeats stays, and a client goes on sending them.
Wrong: housekeeping, or a client's heartbeats, sleep for an hour; or everybody is expired at once.

support/wall_clock_step.c, preloaded, shows a program what the kernel would. It is built here, and needs gcc.
"""

import os
import subprocess
import tempfile
import time

from support.processes import Broker, Program, binary
from support.situations import CannotBeTried, run, situation
from support.wire import Stream, beat, becomes, consumer, heartbeat, members

AFTER = 4  # Seconds from the start of a program to the step.
HOUR = 3600
_FOLDER = tempfile.TemporaryDirectory()


def stepped(by):
    """The environment of a program whose wall clock is set forth by so many seconds, AFTER seconds after its start."""
    library = os.path.join(_FOLDER.name, "wall_clock_step.so")
    if not os.path.exists(library):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "support", "wall_clock_step.c")
        try:
            subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotBeTried("gcc does not build wall_clock_step.c: %s" % error) from None
    return {"LD_PRELOAD": library, "STEP": str(by), "AFTER": str(AFTER)}


def broker_of_a_stepped_clock(by):
    flags = ["--channel_expiry=3s", "--housekeeping_period=1s"]
    with Broker(*flags, env=stepped(by)) as broker:
        begin = time.monotonic()
        alive = Stream(broker.address)
        alive.state("alive@1", [consumer("orders")])

        def beat_and_list():
            alive.light()
            return sorted(members(broker.address, "orders"))

        def heartbeats_until(seconds):
            while time.monotonic() - begin < seconds:
                alive.light()
                time.sleep(0.3)

        heartbeats_until(AFTER - 1)  # A wait that began before the step is the one that may go wrong.
        beat(broker.address, heartbeat("silent@1", [consumer("orders")]))
        heartbeats_until(AFTER + 1)
        during = beat_and_list()
        silent_since = time.monotonic()
        after = becomes(beat_and_list, ["alive@1"], 15)
        right = during == ["alive@1", "silent@1"] and after == ["alive@1"] and not alive.ended.is_set()
        return right, "members after the step: %s, %.1f s later: %s; the live stream ended: %s" % (
            during,
            time.monotonic() - silent_since,
            after,
            alive.ended.is_set(),
        )


def client_of_a_stepped_clock(by):
    flags = ["--channel_expiry=3s", "--housekeeping_period=1s"]
    with Broker(*flags) as broker:
        command = ["--broker=" + broker.address, "--group=orders", "--client_id=c@1", "--heartbeat_interval=1s"]
        with Program(binary("CONSUMER"), *command, env=stepped(by)) as client:
            if not client.wait_for("online at"):
                raise CannotBeTried("the client does not come online: " + client.last_line())
            time.sleep(AFTER + 6)  # Longer than the expiry after the step.
            found = members(broker.address, "orders")
            expired = "reason=EXPIRED" in broker.text()
            return found == ["c@1"] and not expired, "members: %s; the client expired: %s" % (found, expired)


@situation
def broker_set_back():
    return broker_of_a_stepped_clock(-HOUR)


@situation
def broker_set_forth():
    return broker_of_a_stepped_clock(HOUR)


@situation
def client_set_back():
    return client_of_a_stepped_clock(-HOUR)


@situation
def client_set_forth():
    return client_of_a_stepped_clock(HOUR)


run()
