#!/usr/bin/env python3
"""Signals that a supervisor, a terminal that closes, or a log rotation sends to the broker.

Right: SIGHUP, SIGUSR1 and SIGUSR2 do not end it, and its streams go on; SIGQUIT, SIGTERM and SIGINT end it gracefully,
with exit code 0 and streams that end UNAVAILABLE. --help says so.
Wrong: a signal kills it, and all clients lose their connections at once.
"""

import os
import signal
import subprocess
import tempfile

import grpc

from support.processes import Broker, binary
from support.situations import run, situation
from support.wire import Stream, consumer, members


def lives_through(number):
    with Broker() as broker:
        stream = Stream(broker.address)
        stream.state("c@1", [consumer("orders")])
        for _ in range(3):
            broker.signal(number)
            try:
                stream.light()
            except Exception:  # No answer: the verdict follows.
                break
        if not broker.runs():
            return False, "the broker ended with %s" % broker.process.poll()
        return members(broker.address, "orders") == ["c@1"], "the broker runs, members: %s" % (
            members(broker.address, "orders"),
        )


def drains_at(number):
    with Broker("--drain_timeout=5s") as broker:
        stream = Stream(broker.address)
        stream.state("c@1", [consumer("orders")])
        broker.signal(number)
        code = broker.exit_code(within=10)
        stream.ended.wait(5)
        status = stream.status[0] if stream.status else None
        return code == 0 and status == grpc.StatusCode.UNAVAILABLE, "exit code %s, the stream ended with %s" % (
            code,
            status,
        )


@situation
def hangup():
    return lives_through(signal.SIGHUP)


@situation
def user_1():
    return lives_through(signal.SIGUSR1)


@situation
def user_2():
    return lives_through(signal.SIGUSR2)


@situation
def terminate_while_the_configuration_has_no_end():
    with tempfile.TemporaryDirectory() as folder:
        pipe = os.path.join(folder, "pipe")
        os.mkfifo(pipe)
        command = [binary("BROKER"), "--config=" + pipe]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as broker, open(pipe, "wb"):  # Once the broker reads.
            broker.send_signal(signal.SIGTERM)
            try:
                code = broker.wait(10)
            except subprocess.TimeoutExpired:
                broker.kill()
                return False, "it goes on reading"
            return code == -signal.SIGTERM, "it ended with %s" % code


@situation
def broken_pipe():
    return lives_through(signal.SIGPIPE)


@situation
def quit_signal():
    return drains_at(signal.SIGQUIT)


@situation
def termination():
    return drains_at(signal.SIGTERM)


@situation
def interrupt():
    return drains_at(signal.SIGINT)


@situation
def help_names_them():
    text = subprocess.run([binary("BROKER"), "--help"], capture_output=True, encoding="utf-8", check=False).stdout
    missing = [name for name in ("SIGHUP", "SIGQUIT", "SIGTERM") if name not in text]
    return not missing, "--help does not name %s" % missing if missing else "--help names them"


run()
