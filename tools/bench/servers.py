"""The servers under test, as child processes on ports that the system chooses."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from load import run_load
from processes import Process, find, rss_bytes

LISTENING = re.compile(r"listening address=(\S+)\s")
START_TIMEOUT = 60
# Loads are no clients that behave well.
UNLIMITED = ["--max_frame_rate=0", "--max_streams_per_connection=1000000", "--max_unary_bytes_rate=0",
             "--max_unary_groups_rate=0", "--max_listed_rows_rate=0",
             "--max_channels_per_address=0", "--max_auto_created_groups_per_address=0",
             "--max_statement_changes_per_address=0",
             "--max_connections=10000000", "--max_connections_per_address=10000000", "--max_wasted_calls_rate=0",
             "--max_wasted_bytes_rate=0"]


class Server(Process):
    """A child that says where it listens: `listening` finds HOST:PORT in what it says."""

    def __init__(self, command, listening=LISTENING):
        super().__init__(command)
        deadline = time.monotonic() + START_TIMEOUT
        found = None
        while not found:
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.said()
                self.__exit__()
                raise RuntimeError("%s does not listen: %s" % (command[0], said))
            time.sleep(0.005)
            found = listening.search(self.said())
        self.address = found.group(1)
        self.rss_at_start = rss_bytes(self.pid)

    def run(self, flags):
        """The report of a load with these flags of loadgen."""
        report = run_load(self.address, dict(flags, server_pid=self.pid))
        # Its clients come into memory that those of earlier runs have left.
        server = report["server"]
        server["rss_bytes_per_client"] = (server["rss_bytes"] - self.rss_at_start) / report["clients"]
        return report

    def expired(self):
        """How many consumers it has taken out since they were silent."""
        return 0


def broker(*flags, address="127.0.0.1:0", binary=None):
    """Ours, or another build of it, with those limits that it knows. Its log goes to a file."""
    unlimited = UNLIMITED
    if binary:
        known = subprocess.run([binary, "--help"], stdout=subprocess.PIPE, text=True, check=False).stdout
        unlimited = [flag for flag in UNLIMITED if flag.split("=")[0] + " " in known]
    return Server([binary or find("broker/broker"), "--address=" + address, "--metrics_address=", *unlimited, *flags])


class MeasuredBroker(Server):
    """Ours with its metrics: of very many clients that leave at once the log names only some."""

    LISTENING = re.compile(r"listening address=(\S+) metrics_address=(\S+)\s")

    def __init__(self, *flags, address="127.0.0.1:0"):
        super().__init__([find("broker/broker"), "--address=" + address, "--metrics_address=127.0.0.1:0", *UNLIMITED, *flags],
                         self.LISTENING)
        self.metrics_address = self.LISTENING.search(self.said()).group(2)

    def expired(self):
        connection = http.client.HTTPConnection(self.metrics_address, timeout=60)
        try:
            connection.request("GET", "/metrics")
            metrics = connection.getresponse().read().decode()
        finally:
            connection.close()
        return int(float(re.search(r'^rocketmq_client_manager_removals_total\{.*kind="consumer",reason="expired"\} (\S+)', metrics, re.M).group(1)))


def echo(api="loop", address="127.0.0.1:0", flags=()):
    """Bare gRPC: on the broker's completion loop, or through the callback API."""
    return Server([find("tools/bench/echo/echo"), "--address=" + address, "--api=" + api, *flags])


class EpollEcho:
    """The machine's own price of a message and its answer, without gRPC. A program for each
    run: it drives itself, at a pace."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, flags):
        command = [find("tools/bench/echo/epoll_echo"), "--rate=" + flags["pace"].removesuffix("/s"),
                   *("--%s=%s" % (name, flags[name]) for name in ("connections", "warmup", "duration"))]
        done = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError("%s ended with %d" % (" ".join(command), done.returncode))
        return json.loads(done.stdout)


ETCD_LISTENING = re.compile(r"serving insecure client requests on (\S+?),?\s")


class Etcd(Server):
    """Alone, in a folder of its own, in memory where that is known, as no renewal writes."""

    def __init__(self, leases):
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        # Not 0: its gateway to JSON calls the port that was given.
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            client_url = "http://127.0.0.1:%d" % free.getsockname()[1]
        super().__init__([Etcd.program(), "--data-dir=" + self.folder.name, "--listen-client-urls=" + client_url,
                          "--advertise-client-urls=" + client_url, "--listen-peer-urls=http://127.0.0.1:0"],
                         ETCD_LISTENING)
        connection = http.client.HTTPConnection(self.address, timeout=60)
        for lease in range(1, leases + 1):
            connection.request("POST", "/v3/lease/grant", json.dumps({"TTL": 3600, "ID": lease}))
            response = connection.getresponse()
            if response.status != 200:
                raise RuntimeError("etcd granted no lease: %s" % response.read())
            response.read()
        connection.close()

    def run(self, flags):
        return super().run(dict(flags, protocol="etcd"))

    def __exit__(self, *_):
        super().__exit__()
        self.folder.cleanup()

    @staticmethod
    def program():
        """Where it is installed; None if it is not."""
        return shutil.which("etcd")


class Java(Process):
    """RocketMQ's own broker with its own driver, warm: tools/bench/java/run, whose contract is
    in tools/bench/README.md."""

    def __init__(self, warm):
        super().__init__([Java.program(), "--warm=" + warm], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline().strip() != b"ready":
            said = self.said()
            self.__exit__()
            raise RuntimeError("RocketMQ's broker did not start: " + said)

    def run(self, flags):
        self.process.stdin.write(json.dumps(flags).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("RocketMQ's broker or its driver ended: " + self.said())
        return json.loads(line)

    @staticmethod
    def program():
        """In the source tree; None if it could not run."""
        if not shutil.which("java") or not shutil.which("mvn"):
            return None
        here = os.path.dirname(os.path.realpath(__file__))
        path = os.path.join(os.environ.get("BUILD_WORKSPACE_DIRECTORY", os.path.join(here, "../..")), "tools/bench/java/run")
        return path if os.access(path, os.X_OK) else None


# What comparisons name.
SERVERS = {
    "broker": broker,
    "echo": echo,
    "callback echo": lambda: echo("callback"),
    "epoll echo": EpollEcho,
}
