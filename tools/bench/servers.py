"""The servers under test, as child processes on ports that the system chooses."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

LISTENING = re.compile(r"listening address=(\S+)\s")
START_TIMEOUT = 60


def find(path):
    """A program of this workspace: among this program's runfiles, or built."""
    for root in (".", "bazel-bin", os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../bazel-bin")):
        if os.path.exists(os.path.join(root, path)):
            return os.path.join(root, path)
    sys.exit("bench: %s is not built; use bazel run -c opt //tools/bench" % path)


def cpu_seconds(pid):
    """What all threads of a process have used; clock_getcpuclockid(3) in Python."""
    return time.clock_gettime(((-pid - 1) << 3) | 2)


def rss_bytes(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Process:
    """A child with its stderr in a file. Killed at the end of the `with`, if it is not over."""

    def __init__(self, command, stdout=None):
        self.log = tempfile.NamedTemporaryFile("r", errors="replace")
        with open(self.log.name, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.log.close()

    def said(self):
        self.log.seek(0)
        return self.log.read()


class Server(Process):
    """A child that says "listening address=HOST:PORT" on stderr."""

    def __init__(self, command):
        super().__init__(command)
        deadline = time.monotonic() + START_TIMEOUT
        found = None
        while not found:
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.said()
                self.__exit__()
                raise RuntimeError("%s does not listen: %s" % (command[0], said))
            time.sleep(0.005)
            found = LISTENING.search(self.said())
        self.address = found.group(1)

    def stop(self):
        """As an operator does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


def broker(*flags, address="127.0.0.1:0"):
    """Ours. Its logs go to a file, as they are by default."""
    return Server([find("broker/broker"), "--address=" + address, "--metrics_address=", "--max_frame_rate=0", *flags])


def echo(api="loop"):
    """Bare gRPC: on the broker's completion loop, or through the callback API."""
    return Server([find("tools/bench/echo/echo"), "--api=" + api])


# What comparisons name. java and etcd are opt-in.
SERVERS = {
    "broker": broker,
    "echo": echo,
    "callback echo": lambda: echo("callback"),
}
