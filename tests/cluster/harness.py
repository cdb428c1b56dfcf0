"""What the tests of this folder share: a cluster of tools/cluster, and clients that find it."""

import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))


def load(path):
    loader = importlib.machinery.SourceFileLoader("cluster_tool", path)
    sys.dont_write_bytecode = True
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


tool = load(os.path.join(FOLDER, "..", "..", "tools", "cluster"))

MISSING = next(("%s is not installed (tools/setup --etcd)" % program for program in ("etcd", "etcdctl") if not shutil.which(program)), None)

GROUP = "g"
# How soon each client is on each living broker, by the order's words; and what a slow machine gets on top.
SETTLED_SECONDS = 15
# etcd looks for ended leases twice a second, and a member that has just become the leader gives each one its whole time again.
ENDED_SECONDS = tool.LEASE_SECONDS + 3
# How soon a broker knows what etcd lists: it asks each 2 s.
LISTED_SECONDS = 3


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


class Cluster(tool.Cluster):
    """A cluster in a folder of its own, which ends with the test."""

    def __init__(self, binaries, brokers=3, etcds=1, tls=False):
        super().__init__(tempfile.mkdtemp(prefix="cluster"), binaries["broker"])
        self.cmctl = binaries["cmctl"]
        self.create(brokers, etcds, tls)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            for name in sorted(os.listdir(self.folder)):
                if name.endswith(".log"):
                    say("the end of %s:\n%s" % (name, "".join(self.log(name[: -len(".log")])[-15:])))
        for child in self.children:
            child.kill()
            child.wait()
        shutil.rmtree(self.folder)

    def log(self, name):
        with open(self.path(name + ".log"), encoding="utf-8", errors="replace") as log:
            return log.readlines()

    def wait_for_log(self, name, text, seconds=20):
        tool.wait_for("%r in the log of %s" % (text, name), lambda: any(text in line for line in self.log(name)), seconds)

    def living(self):
        return {name for name in self.broker_names() if self.running(name)}

    def ask(self, name, *command):
        """What cmctl says of the broker; None if that fails."""
        security = []
        if self.state["tls"]:
            ca, cert, key = self.security("client")
            security = ["--tls_ca=" + ca, "--tls_cert=" + cert, "--tls_key=" + key]
        asked = subprocess.run(
            [self.cmctl, *command, "--broker=" + self.address(name), *security],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, env=dict(os.environ, HOME=self.folder),
        )
        return asked.stdout if asked.returncode == 0 else None

    def channels(self, name):
        """How many clients of the group the broker has, also while it drains and answers no client."""
        return len(set(re.findall(r"\bclient-\d+\b", self.ask(name, "connections", GROUP) or "")))

    def members(self, name):
        """The client ids of the group at the broker, each as often as it is listed."""
        return sorted((self.ask(name, "ids", GROUP) or "").split())


class Clients:
    """Clients in a process of their own."""

    def __init__(self, binary, cluster, count, group=GROUP):
        prefix = "client-" if group == GROUP else group + "-"
        self.ids = sorted(prefix + str(i) for i in range(count))
        command = [binary, "--resolver=" + cluster.resolver(), "--clients=%d" % count, "--group=" + group, "--id_prefix=" + prefix]
        if cluster.state["tls"]:
            ca, cert, key = cluster.security("client")
            command += ["--tls_ca=" + ca, "--tls_cert=" + cert, "--tls_key=" + key]
        self.log = open(cluster.path("clients.log" if group == GROUP else group + ".log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)
        cluster.children.append(self.process)

    def leave(self):
        self.process.stdin.close()
        if self.process.wait(timeout=30) != 0:
            raise tool.Error("the clients ended with %d" % self.process.returncode)


class Watch:
    """`cmctl watch` of the cluster, in a process of its own: what it has told of each broker."""

    def __init__(self, cluster):
        command = [cluster.cmctl, "watch", "-o", "json", "--cluster=" + cluster.resolver()]
        if cluster.state["tls"]:
            ca, cert, key = cluster.security("client")
            for prefix in ("--", "--etcd_"):
                command += [prefix + "tls_ca=" + ca, prefix + "tls_cert=" + cert, prefix + "tls_key=" + key]
        self.path = cluster.path("watch.json")
        with open(self.path, "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=dict(os.environ, HOME=cluster.folder))
        cluster.children.append(self.process)

    def told(self):
        """The objects that have been told so far, by the broker's label."""
        told = {}
        with open(self.path, encoding="utf-8") as output:
            for line in output:
                if line.endswith("\n"):  # The last one may be half written.
                    one = json.loads(line)
                    told.setdefault(one.get("broker"), []).append(one)
        return told

    def end(self):
        self.process.terminate()
        code = self.process.wait(timeout=30)
        if code != 128 + signal.SIGTERM:
            raise tool.Error("the watch ended with %d" % code)


class Forwarder:
    """A way to an address that can be cut."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.is_cut = False
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                if self.is_cut:
                    raise OSError("cut")
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            self.sockets += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.is_cut = True
        for end in self.sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets = []

    def mend(self):
        self.is_cut = False


class Proof:
    """Events, after each of which each client is on each living broker exactly once."""

    def __init__(self, cluster, clients):
        self.cluster = cluster
        self.clients = clients

    def settled(self, event, seconds=SETTLED_SECONDS):
        began = time.monotonic()
        wrong = {}
        while True:
            living = self.cluster.living()
            wrong = {name: len(self.cluster.members(name)) for name in living if self.cluster.members(name) != self.clients.ids}
            if not wrong or time.monotonic() > began + seconds:
                break
            time.sleep(0.2)
        if wrong:
            raise tool.Error("%s: after %d s these brokers have so many of %d clients: %s" % (event, seconds, len(self.clients.ids), wrong))
        say("%-50s each of %d clients on each of %d brokers after %.1f s" % (event, len(self.clients.ids), len(living), time.monotonic() - began))

    def entries_are(self, names, seconds):
        tool.wait_for("the entries of %s and of no others" % sorted(names), lambda: set(self.cluster.entries() or {}) == set(names), seconds)


def unexpected(lines, allowed):
    """The warnings and errors of a log that match none of the expressions."""
    return [line for line in lines if re.match(r"[WEF]\d{8} ", line) and not any(re.search(pattern, line) for pattern in allowed)]
