#!/usr/bin/python3
"""The hardened deployment of SECURITY.md: a broker behind HAProxy, both with the files beside this.

  haproxy_test.py BROKER SECURITY.md [TEST...]

Opt-in: most of it needs Debian's haproxy (tools/setup --haproxy), and says SKIPPED without.
"""

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
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ATTACKS = os.path.dirname(HERE)
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
sys.path.insert(0, ATTACKS)

import stubs  # noqa: E402

BROKER, SECURITY = (os.path.abspath(argument) for argument in sys.argv[1:3])
del sys.argv[1:3]
HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
MISSING = (stubs.missing() and stubs.missing() + " is not installed (tools/setup --all)" or
           not HAPROXY and "haproxy is not installed (tools/setup --haproxy)")
CONFIG = os.path.join(HERE, "haproxy.cfg")
BROKER_CONFIG = os.path.join(HERE, "broker.textproto")
# In place of the file's time, so that a test can see it pass.
IDLE = 3
# What a loaded machine may add.
PATIENCE = 30
VICTIMS = 20


def await_that(condition, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(0.05)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def accepts(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    except OSError:
        return False


class Process:
    """A child whose stderr goes to a file."""

    def __init__(self, command, environment=None):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log,
                                        env=dict(os.environ, **(environment or {})))

    def said(self):
        return os.pread(self.log.fileno(), 1 << 24, 0).decode("utf-8", "replace")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


class Broker(Process):
    def __init__(self, address="127.0.0.1:0"):
        super().__init__([BROKER, "--config=" + BROKER_CONFIG, "--address=" + address, "--metrics_address="])
        self.address = None
        await_that(self.listens, "the broker listens")

    def listens(self):
        found = re.search(r"listening address=(\S+)\s", self.said())
        self.address = found and found.group(1)
        return self.address

    def rss_mib(self, field="VmRSS"):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as status:
            return int(re.search(field + r":\s+(\d+) kB", status.read()).group(1)) / 1024


class Stream:
    """A Connect call that heartbeats when asked to."""

    def __init__(self, address, client_id):
        self.channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self.heartbeat = pb.HeartbeatRequest(client_id=client_id, language=pb.LANGUAGE_CODE_PYTHON)
        self.heartbeat.consumers.add(group="orders").subscriptions.add(topic="order-events")
        self.sent = 0
        self.ready = threading.Semaphore(0)
        self.call = pb_grpc.ClientManagerStub(self.channel).Connect(self.frames())

    def frames(self):
        while self.ready.acquire(timeout=10 * PATIENCE):
            self.sent += 1
            yield pb.ClientFrame(request_id=self.sent, heartbeat=self.heartbeat)

    def beat(self):
        """Sends a heartbeat; its answer. Raises grpc.RpcError if the stream is over."""
        self.ready.release()
        for frame in self.call:
            if frame.HasField("reply"):
                return frame.reply
        raise AssertionError("the stream ended with OK")

    def end(self):
        """The status of a stream that the other side ends."""
        try:
            for _ in self.call:
                pass
        except grpc.RpcError:
            pass
        return self.call.code()

    def close(self):
        self.call.cancel()
        self.channel.close()


class FilesTest(unittest.TestCase):
    """What holds without HAProxy too."""

    def test_the_files_agree_on_who_finds_a_silent_client_first(self):
        with open(CONFIG, encoding="utf-8") as config:
            idle = {int(found) for found in re.findall(r'timeout (?:client|server) "\$\{IDLE-(\d+)s\}"', config.read())}
        with open(BROKER_CONFIG, encoding="utf-8") as config:
            expiry = int(re.search(r'max_channel_expiry: "(\d+)s"', config.read()).group(1))
        self.assertEqual(len(idle), 1)
        # A silent client is found a second after its expiry.
        self.assertGreater(min(idle), expiry + 1)

    def test_the_listings_of_security_are_their_files(self):
        with open(SECURITY, encoding="utf-8") as text:
            listings = dict(re.findall(r"<!-- file: \S*/(\S+) -->\n```\w*\n(.*?)```", text.read(), re.S))
        self.assertEqual(sorted(listings), ["broker.textproto", "haproxy.cfg"])
        for name, listing in listings.items():
            with open(os.path.join(HERE, name), encoding="utf-8") as file:
                self.assertEqual(listing, file.read(), name)


@unittest.skipIf(MISSING, MISSING)
class HaproxyTest(unittest.TestCase):

    def setUp(self):
        self.port = free_port()
        self.address = "127.0.0.1:%d" % self.port

    def start(self, idle="%ds" % IDLE, broker=None):
        broker_port = free_port()
        # First HAProxy, then the broker: after a reboot either may be the first.
        self.haproxy = Process([HAPROXY, "-f", CONFIG], {
            "BIND": self.address, "BROKER": "127.0.0.1:%d" % broker_port, "IDLE": idle, "MAXCONN": "4000"})
        self.addCleanup(self.haproxy.stop)
        await_that(lambda: accepts(self.address), "HAProxy listens")
        self.broker = Broker("127.0.0.1:%d" % broker_port)
        self.addCleanup(self.broker_stop)
        await_that(self.is_served, "HAProxy has found the broker")

    def broker_stop(self):
        self.broker.stop()

    def list_orders(self, address=None):
        """The code of an unary call through HAProxy."""
        with grpc.insecure_channel(address or self.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            try:
                pb_grpc.ClientManagerStub(channel).GetConsumerListByGroup(
                    pb.GetConsumerListByGroupRequest(group="orders"), timeout=5)
                return grpc.StatusCode.OK
            except grpc.RpcError as error:
                return error.code()

    def is_served(self):
        return self.list_orders() in (grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND)

    def connect(self, client_id):
        stream = Stream(self.address, client_id)
        self.addCleanup(stream.close)
        self.assertEqual(stream.beat().status.code, 0)
        return stream

    def test_a_stream_that_heartbeats_outlives_the_idle_time_and_a_silent_one_does_not(self):
        self.start()
        alive, silent = self.connect("alive"), self.connect("silent")
        begin = time.monotonic()
        while time.monotonic() - begin < 3 * IDLE:
            time.sleep(IDLE / 4)
            self.assertEqual(alive.beat().status.code, 0)
        # HAProxy has reset it, which gRPC may name either way.
        self.assertIn(silent.end(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN,
                                     grpc.StatusCode.INTERNAL))

    def test_the_end_of_a_stream_comes_through_with_its_reason(self):
        self.start()
        stream = self.connect("c1")
        self.broker.signal(signal.SIGTERM)
        # HAProxy resets the stream after its trailers, which gRPC's own clients call CANCELLED.
        self.assertIn(stream.end(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED))
        trailers = dict(stream.call.trailing_metadata())
        self.assertEqual(trailers.get("rocketmq-end-reason"), "DRAINED")
        self.assertGreater(int(trailers.get("rocketmq-retry-after-ms")), 0)
        self.assertEqual(self.broker.process.wait(PATIENCE), 0)

    def test_clients_are_told_that_the_broker_is_away_and_come_back_with_it(self):
        self.start()
        self.broker.signal(signal.SIGKILL)
        await_that(lambda: self.list_orders() == grpc.StatusCode.UNAVAILABLE, "calls are UNAVAILABLE")
        address = self.broker.address
        self.broker.stop()
        self.broker = Broker(address)
        await_that(self.is_served, "calls are served again")
        self.connect("c1")

    def test_what_operators_call_stays_on_the_brokers_machine(self):
        self.start()
        for address, expected in (self.address, grpc.StatusCode.PERMISSION_DENIED), (self.broker.address, grpc.StatusCode.OK):
            with grpc.insecure_channel(address) as channel:
                call = channel.unary_unary("/rocketmq.clientmanager.v1.ClientManagerAdmin/GetPolicy")
                try:
                    call(b"", timeout=10)
                    code = grpc.StatusCode.OK
                except grpc.RpcError as error:
                    code = error.code()
                self.assertEqual(code, expected, address)

    def test_a_stream_goes_on_while_haproxy_is_told_to_go(self):
        self.start(idle="30s")
        stream = self.connect("c1")
        self.haproxy.signal(signal.SIGUSR1)
        await_that(lambda: not accepts(self.address), "HAProxy accepts no more")
        self.assertEqual(stream.beat().status.code, 0)
        stream.close()
        self.assertEqual(self.haproxy.process.wait(PATIENCE), 0)

    def attack(self, flood):
        """Clients beside a flood of four connections of another address for 5 s."""
        self.start(idle="30s")
        before = self.broker.rss_mib()
        victims = subprocess.Popen([sys.executable, os.path.join(ATTACKS, "victims.py"), self.address, str(VICTIMS), "0.1"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(victims.wait)
        self.addCleanup(victims.kill)
        self.assertEqual(victims.stdout.readline().strip(), "ready")

        def told(command):
            victims.stdin.write(command + "\n")
            victims.stdin.flush()
            return json.loads(victims.stdout.readline())

        told("begin")
        attackers = [subprocess.Popen([sys.executable, os.path.join(HERE, "flood.py"), self.address, flood, "5"])
                     for _ in range(4)]
        for attacker in attackers:
            self.addCleanup(attacker.wait)
            self.addCleanup(attacker.kill)
        for attacker in attackers:
            self.assertEqual(attacker.wait(PATIENCE), 0)
        meanwhile = told("end")
        output, _ = victims.communicate(timeout=PATIENCE)
        seen = json.loads(output)
        grown = self.broker.rss_mib("VmHWM") - before
        print("%s: %d answers, p99 %.2f s, at most %.2f s, memory +%.0f MiB" % (
            flood, meanwhile["answers"], meanwhile["p99_s"], meanwhile["max_s"], grown))
        self.assertEqual(seen["lost"], [])
        self.assertLess(grown, 100)
        self.assertTrue(self.is_served())

    def test_rapid_reset_harms_nobody(self):
        self.attack("rapid_reset")

    def test_calls_without_waiting_harm_nobody(self):
        self.attack("calls")

    def test_a_flood_of_window_updates_harms_nobody(self):
        self.attack("window_update")

    def test_hpack_zeros_without_end_harm_nobody(self):
        self.attack("hpack_zeros")


if __name__ == "__main__":
    if MISSING:
        print("SKIPPED: " + MISSING)
    else:
        stubs.generate()
        import grpc
        pb, pb_grpc = stubs.load()
    unittest.main(verbosity=2)
