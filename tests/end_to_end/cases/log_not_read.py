#!/usr/bin/env python3
"""Nobody takes the broker's log: a container's log driver whose sink is away, a pager, a full disk, a service that is
started with its standard descriptors closed.

Right: heartbeats are answered, streams go on, queries answer, and a stop takes no longer than it may. Log lines may be
lost (and are counted).
Wrong: a thread blocks in write(2) with the broker's loop behind it, or a signal or a failed write ends the broker.
"""

import fcntl
import os
import queue
import signal
import time

import grpc

from support.network import free_port
from support.processes import Broker
from support.situations import CannotBeTried, run, situation
from support.wire import Stream, beat, becomes, consumer, heartbeat, members

HEARTBEATS = 200
F_SETPIPE_SZ = 1031


class SmallPipe:
    """A pipe that 4 KiB fill."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, F_SETPIPE_SZ, 4096)


def serves(broker):
    """Whether many clients come and one stays, and a line about it. Each client makes a line of the log."""

    def answers():
        try:
            members(broker.address, "base", timeout=1)
            return True
        except grpc.RpcError:
            return False

    if not becomes(answers, True, 15):
        return None, False, "the broker does not answer (%s)" % ("runs" if broker.runs() else "has ended")
    stream = Stream(broker.address)
    answered = 0
    try:
        stream.state("base@1", [consumer("base")])
        for i in range(HEARTBEATS):
            beat(broker.address, heartbeat("c%d@1" % i, [consumer("g%d" % i)]), timeout=3)
            answered += 1
        stream.light(timeout=3)
        right = True
    except (grpc.RpcError, queue.Empty):
        right = False
    return (
        stream,
        right and broker.runs(),
        "%d of %d heartbeats were answered; the broker %s"
        % (answered, HEARTBEATS, "runs" if broker.runs() else "has ended with %s" % broker.process.poll()),
    )


@situation
def its_reader_stalls():
    pipe = SmallPipe()
    with Broker(port=free_port(), stderr=pipe.writer) as broker:
        return serves(broker)[1:]


@situation
def its_reader_stalls_and_the_broker_is_stopped():
    pipe = SmallPipe()
    with Broker("--drain_timeout=2s", port=free_port(), stderr=pipe.writer) as broker:
        stream, right, line = serves(broker)
        if stream is None:
            return False, line
        begin = time.monotonic()
        broker.signal(signal.SIGTERM)
        code = broker.exit_code(within=10)
        seconds = time.monotonic() - begin
        ended = stream.ended.wait(2)
        return right and code == 0 and ended, "%s; %.1f s after SIGTERM its exit code is %s, its stream ended: %s" % (
            line,
            seconds,
            code,
            ended,
        )


@situation
def its_reader_goes():
    pipe = SmallPipe()
    with Broker(port=free_port(), stderr=pipe.writer) as broker:
        os.close(pipe.writer)
        os.close(pipe.reader)
        return serves(broker)[1:]


@situation
def its_reader_goes_later():
    pipe = SmallPipe()
    with Broker(port=free_port(), stderr=pipe.writer) as broker:
        os.close(pipe.writer)
        becomes(lambda: b"listening" in os.read(pipe.reader, 4096), True, 10)
        os.close(pipe.reader)
        return serves(broker)[1:]


@situation
def its_disk_is_full():
    if not os.path.exists("/dev/full"):
        raise CannotBeTried("no /dev/full here")
    with open("/dev/full", "w") as full, Broker(port=free_port(), stderr=full) as broker:
        return serves(broker)[1:]


@situation
def standard_descriptors_are_closed():
    with Broker(port=free_port(), descriptors_closed=True) as broker:
        _, right, line = serves(broker)
        files = []
        for descriptor in (0, 1, 2):
            try:
                files.append(os.readlink("/proc/%d/fd/%d" % (broker.process.pid, descriptor)))
            except OSError:
                files.append("closed")
        # The log's lines would go into whatever else has the number 2: a connection, or gRPC's own event queue.
        return right and files == ["/dev/null"] * 3, "%s; descriptors 0 to 2 are %s" % (line, files)


run()
