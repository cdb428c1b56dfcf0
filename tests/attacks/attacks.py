"""The attacks: what each does, for how long, and what it may cost at most.

An attack is a generator function of its target. What it yields is only to give time away
while it waits; what it returns are remarks, of which `wrong` are faults of the broker.
"""

import dataclasses
import gzip
import struct
import time
import typing
import zlib

from frames import Connection, message
import stubs

SERVICE = "/rocketmq.clientmanager.v1.ClientManager/"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
MIB = 2**20


@dataclasses.dataclass
class Attack:
    """Bounds are of the broker and its well-behaved clients while the attack lasts."""
    run: typing.Callable
    flags: tuple = ()
    p99_ms: float = 200
    rss_mib: float = 100
    cpu_after: float = 0.25  # Cores, when it is over.

    @property
    def name(self):
        return self.run.__name__

    @property
    def does(self):
        return self.run.__doc__.strip().splitlines()[0]


@dataclasses.dataclass
class Target:
    address: str
    pid: int
    seconds: float
    brief: bool

    def count(self, full):
        """As many as the attack has, or a tenth where it has to be short."""
        return full // 10 if self.brief else full

    def status(self, field):
        """A number of /proc/PID/status."""
        with open("/proc/%d/status" % self.pid, encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


class Outcome:
    """What an attack saw; `wrong` is what should not be."""

    def __init__(self):
        self.remarks = []
        self.wrong = []

    def expect(self, holds, remark):
        (self.remarks if holds else self.wrong).append(remark)


def gzip_of_zeros(size):
    """One gzip member, made of the same block again and again; `size` in MiB."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(MIB)
    first = deflater.compress(zeros) + deflater.flush(zlib.Z_FULL_FLUSH)
    block = deflater.compress(zeros) + deflater.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(size):
        checksum = zlib.crc32(zeros, checksum)
    return (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + first + block * (size - 1) + b"\x03\0" +
            struct.pack("<II", checksum, size * MIB & 0xffffffff))


def heartbeat(client_id, groups=("attackers",), topic="orders"):
    pb, _ = stubs.load()
    request = pb.HeartbeatRequest(client_id=client_id, language=pb.LANGUAGE_CODE_PYTHON)
    for group in groups:
        request.consumers.add(group=group).subscriptions.add(topic=topic)
    return request


def frame_of(request, request_id=1):
    pb, _ = stubs.load()
    return message(pb.ClientFrame(request_id=request_id, heartbeat=request).SerializeToString())


def newcomers(target, count):
    """How many well-behaved clients can join now."""
    joined = 0
    for i in range(count):
        connection = Connection(target.address)
        stream = connection.open(SERVICE + "Connect", frame_of(heartbeat("newcomer-%d" % i)), ends=False)
        connection.flush()
        deadline = time.monotonic() + 5
        while stream not in connection.answers and stream not in connection.trailers and time.monotonic() < deadline:
            connection.pump(0.05)
        joined += stream in connection.answers
        connection.close()
    return joined


def open_many(target, connections, calls, path, body=None, ends=False, **options):
    """So many calls on each of so many connections, which are returned."""
    opened = []
    for _ in range(connections):
        connection = Connection(target.address, **options)
        opened.append(connection)
        for i in range(calls):
            connection.open(path, body, ends)
            if i % 500 == 499 and not connection.flush():
                break
        connection.flush()
    return opened


def hold(connections, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for connection in connections:
            connection.pump()
        time.sleep(0.02)


def close(connections):
    for connection in connections:
        connection.close()


# --- Compression ---

def gzip_bomb(target, outcome):
    """one compressed message of 1 MB that is 976 MiB of zeros, as a call and as a frame"""
    bomb = message(gzip_of_zeros(target.count(976)), compressed=True)
    for method in "Heartbeat", "Connect":
        connection = Connection(target.address)
        stream = connection.open(SERVICE + method, encoding="gzip")
        connection.flush()
        connection.send_within_windows(stream, bomb)
        trailers = connection.await_end(stream, 30)
        code = (trailers or {}).get("grpc-status")
        outcome.expect(code == "8", "%s ended with %s" % (method, code))
        connection.close()


def gzip_many(target, outcome):
    """compressed messages of 64 KB that are 62 MiB of zeros, as fast as they are taken"""
    bomb = message(gzip_of_zeros(62), compressed=True)
    connections = [Connection(target.address) for _ in range(4)]
    deadline = time.monotonic() + target.seconds
    sent = 0
    while time.monotonic() < deadline and not all(connection.is_closed for connection in connections):
        for connection in connections:
            if sum(connection.over.values()) * 2 + 10 >= connection.next_stream:
                sent += connection.send_within_windows(connection.open(SERVICE + "Heartbeat", encoding="gzip"), bomb)
            connection.pump()
    outcome.remarks.append("%d a second" % (sent / target.seconds))
    close(connections)


def odd_encodings(target, outcome):
    """messages that are no gzip, more than one, or of encodings that nobody knows; to all services"""
    plain = heartbeat("odd").SerializeToString()
    packed = gzip.compress(plain)
    health = "/grpc.health.v1.Health/"
    for path, encoding, body, code in (
            (SERVICE + "Heartbeat", "gzip", packed, "0"),
            (SERVICE + "Heartbeat", "deflate", zlib.compress(plain), "0"),
            (SERVICE + "Heartbeat", "gzip", b"nonsense", "3"),
            (SERVICE + "Heartbeat", "gzip", packed[:-4], "3"),
            (SERVICE + "Heartbeat", "gzip", packed + packed, "3"),
            (SERVICE + "Heartbeat", "deflate", packed, "3"),
            (SERVICE + "Heartbeat", "br", plain, "12"),
            (SERVICE + "Heartbeat", None, plain, "12"),
            (SERVICE + "Connect", "br", plain, "12"),
            (SERVICE + "Connect", "gzip", b"nonsense", "3"),
            (SERVICE + "Connect", "gzip", b"", "0"),
            (health + "Check", "gzip", gzip.compress(b""), "0"),
            (health + "Watch", "gzip", gzip.compress(bytes(100_000)), "8"),
            # gRPC's own service: its parser refuses what is compressed, and the call ends without an answer.
            (REFLECTION, "gzip", gzip.compress(b"\x3a\x00"), "0")):
        connection = Connection(target.address)
        stream = connection.open(path, message(body, compressed=True), encoding=encoding)
        connection.flush()
        got = (connection.await_end(stream, 10) or {}).get("grpc-status")
        if got != code:
            outcome.wrong.append("%s, %s, %d bytes: %s instead of %s" % (path, encoding, len(body), got, code))
        connection.close()


# --- Calls that say nothing ---

def silent_streams(target, outcome):
    """twice --max_channels streams that send nothing; ten newcomers"""
    connections = open_many(target, 10, target.count(2000) // 10, SERVICE + "Connect")
    hold(connections, 0.5)
    joined = newcomers(target, 10)
    outcome.expect(joined == 10, "%d of 10 newcomers served" % joined)
    if not target.brief:
        hold(connections, 11)
        over = sum(sum(connection.over.values()) for connection in connections)
        outcome.expect(over >= 2000, "%d of 2,000 ended within 12 s" % over)
    close(connections)


def one_connection(target, outcome):
    """20,000 silent streams on one connection that never acknowledges the settings"""
    streams = 3_000 if target.brief else 20_000
    connections = open_many(target, 1, streams, SERVICE + "Connect", acknowledges=False)
    # All but the oldest, if the broker counts them.
    deadline = time.monotonic() + 8
    while connections[0].over["8"] < streams - 2048 and time.monotonic() < deadline:
        hold(connections, 0.5)
    refused = connections[0].over["8"]
    outcome.expect(refused == streams - 2048, "%d refused" % refused)
    close(connections)


def unary_without_message(target, outcome):
    """20,000 unary calls on ten connections whose message never comes"""
    connections = open_many(target, 10, target.count(20_000) // 10, SERVICE + "Heartbeat", acknowledges=False)
    hold(connections, 0.5 if target.brief else 14)
    over = sum(sum(connection.over.values()) for connection in connections)
    outcome.expect(target.brief or over >= 20_000, "%d ended by the broker" % over)
    close(connections)


def health_watches(target, outcome):
    """20,000 health watches on ten connections"""
    connections = open_many(target, 10, target.count(20_000) // 10, "/grpc.health.v1.Health/Watch", message(b""), ends=True,
                            acknowledges=False)
    hold(connections, 2)
    refused = sum(connection.over["8"] for connection in connections)
    outcome.expect(refused >= target.count(20_000) - 1000, "%d refused" % refused)
    close(connections)


def reflection_streams(target, outcome):
    """1,500 streams of server reflection; then somebody who needs it"""
    request = message(b"\x3a\x00")
    connections = open_many(target, 3, target.count(1500) // 3, REFLECTION, request, ends=False)
    hold(connections, 2)
    threads = target.status("Threads")
    outcome.expect(threads <= 40, "%d threads" % threads)
    close(connections)
    deadline = time.monotonic() + 10
    served = False
    while not served and time.monotonic() < deadline:
        connection = Connection(target.address)
        stream = connection.open(REFLECTION, request, ends=True)
        connection.flush()
        trailers = connection.await_end(stream, 2)
        served = bool(trailers) and trailers["grpc-status"] == "0"
        connection.close()
    outcome.expect(served, "served afterwards" if served else "not served afterwards")


# --- Answers that nobody reads ---

def fill_a_group(target, members):
    """A group of so many members with long client ids, by unary heartbeats."""
    connection = Connection(target.address)
    for i in range(members):
        stream = connection.open(SERVICE + "Heartbeat")
        connection.send_within_windows(stream, message(heartbeat("attacker-%0200d" % i).SerializeToString()))
    connection.await_end(stream, 10)
    connection.close()


def listing():
    pb, _ = stubs.load()
    return message(pb.GetConsumerListByGroupRequest(group="attackers").SerializeToString())


def unread_answers(target, outcome):
    """listings of 200 KB with a window of 0, 2,000 on one connection"""
    fill_a_group(target, 1000)
    connections = open_many(target, 1, target.count(2000), SERVICE + "GetConsumerListByGroup", listing(), ends=True,
                            settings={4: 0}, acknowledges=False)
    hold(connections, target.seconds)
    outcome.remarks.append("%d answered at once" % connections[0].over["8"])
    close(connections)


# --- Memory ---

def memory_after_streams(target, outcome):
    """20,000 streams that heartbeat and go; what memory is left"""
    before = target.status("VmRSS")
    connections = []
    for c in range(10):
        connection = Connection(target.address)
        connections.append(connection)
        for i in range(target.count(20_000) // 10):
            connection.open(SERVICE + "Connect", frame_of(heartbeat("flood-%d-%d" % (c, i), ["flood-%d" % (i % 100)])), ends=False)
            if i % 200 == 199:
                connection.flush()
                connection.pump()
        connection.flush()
    hold(connections, 1)
    during = target.status("VmRSS")
    close(connections)
    time.sleep(1 if target.brief else 25)
    after = target.status("VmRSS")
    mib = tuple(kib / 1024 for kib in (before, during, after))
    outcome.expect(target.brief or mib[2] < mib[0] + 50, "RSS %d, %d, then %d MiB" % mib)


# --- Work ---

def in_turn(target, path, bodies):
    """Calls on four connections, eight at a time on each. How many, and how many were refused."""
    connections = [Connection(target.address) for _ in range(4)]
    deadline = time.monotonic() + target.seconds
    sent = 0
    while time.monotonic() < deadline:
        for connection in connections:
            while connection.next_stream // 2 - sum(connection.over.values()) < 8:
                sent += connection.send_within_windows(connection.open(path), next(bodies))
            connection.pump()
    refused = sum(connection.over["8"] for connection in connections)
    close(connections)
    return sent, refused


def changed_statements(target, outcome):
    """unary heartbeats of 250 groups, each time others, as fast as they are answered"""
    def bodies():
        # Made before: the attacker is slower than the broker.
        made = [message(heartbeat("changer-%d" % i, ["changed-%d-%d" % (i % 40, g) for g in range(250)],
                                  "topic-%d" % i).SerializeToString()) for i in range(200)]
        while True:
            yield from made
    sent, refused = in_turn(target, SERVICE + "Heartbeat", bodies())
    outcome.remarks.append("%d a second, %d %% refused" % (sent / target.seconds, 100 * refused / max(sent, 1)))


def listings(target, outcome):
    """listings of 1,000 rows, as fast as they are answered"""
    fill_a_group(target, 1000)

    def bodies():
        while True:
            yield listing()
    sent, refused = in_turn(target, SERVICE + "GetConsumerListByGroup", bodies())
    outcome.remarks.append("%d a second, %d %% refused" % (sent / target.seconds, 100 * refused / max(sent, 1)))


# Who opens thousands of calls at once has others wait for as long as that takes the broker.
ATTACKS = [
    Attack(gzip_bomb, p99_ms=200, rss_mib=60),
    Attack(gzip_many, p99_ms=500, rss_mib=60),
    Attack(odd_encodings),
    Attack(silent_streams, flags=("--max_channels=1000",), p99_ms=500, rss_mib=100),
    Attack(one_connection, p99_ms=4000, rss_mib=250),
    Attack(unary_without_message, p99_ms=4000, rss_mib=250),
    Attack(health_watches, p99_ms=4000, rss_mib=150),
    Attack(unread_answers, p99_ms=2000, rss_mib=150),
    Attack(reflection_streams, p99_ms=500, rss_mib=80),
    Attack(memory_after_streams, flags=("--housekeeping_period=5s",), p99_ms=4000, rss_mib=300),
    Attack(changed_statements, p99_ms=3000, rss_mib=80),
    Attack(listings, p99_ms=500, rss_mib=80),
]
