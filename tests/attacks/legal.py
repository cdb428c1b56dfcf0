"""What clients, proxies and probes may do: none of it may be punished."""

import contextlib
import multiprocessing
import random
import time

from attack import attack, codes
from clients import (ADMIN, SERVICE, ask, close, fill_a_group, frame_of, heartbeat, heartbeat_message, hold, join, listing)
from transport import dial
from frames import message
import stubs
import wire


# Many clients share an address.
NO_RATE = ("--max_unary_groups_rate=0",)


def whole(target, connection, calls, bodies):
    """Opens calls at once and sends their messages as the windows let it; how many ended."""
    streams = [connection.open(SERVICE + "Heartbeat") for _ in range(calls)]
    connection.flush()
    for stream in streams:
        if not connection.send_within_windows(stream, next(bodies)) and connection.is_closed:
            break
    deadline = time.monotonic() + 10
    while not connection.is_closed and sum(connection.over.values()) < calls and time.monotonic() < deadline:
        connection.pump(0.05)
    return sum(connection.over.values())


def expect_answers(outcome, connection, ended, calls):
    others = set(connection.over) - {"0", "8"}
    outcome.expect(ended == calls and not connection.is_closed and not others,
                   "%d of %d answered (%s)%s" % (ended, calls, dict(connection.over), ", connection ended" * connection.is_closed))


@attack()
def calls_at_once(target, outcome):
    """2,000 unary calls opened at once on one connection, each with a small message"""
    connection = target.connect()
    bodies = (heartbeat_message("small-%d" % i) for i in range(2000))
    expect_answers(outcome, connection, whole(target, connection, 2000, bodies), 2000)
    connection.close()


@attack(flags=NO_RATE)
def calls_on_two_connections(target, outcome):
    """4,000 unary calls opened at once on two connections, 2,000 each, each with a small message"""
    connections = [target.connect() for _ in range(2)]
    streams = [[connection.open(SERVICE + "Heartbeat") for _ in range(2000)] for connection in connections]
    for connection in connections:
        connection.flush()
    for i in range(2000):
        for c, connection in enumerate(connections):
            connection.send_within_windows(streams[c][i], heartbeat_message("two-%d-%d" % (c, i)))
    hold(connections, 5, lambda: sum(codes(connections).values()) == 4000)
    for connection in connections:
        expect_answers(outcome, connection, sum(connection.over.values()), 2000)
    close(connections)


def connection_of_calls(arguments):
    """2,000 calls on a connection, each with its message right behind its headers; what came of them."""
    target, number = arguments
    connection = target.connect()
    for i in range(2000):
        connection.send_within_windows(connection.open(SERVICE + "Heartbeat"), heartbeat_message("five-%d-%d" % (number, i)))
    hold([connection], 10, lambda: sum(connection.over.values()) == 2000)
    over = dict(connection.over)
    connection.close()
    return over


@attack(flags=NO_RATE, memory_mib=200, left_mib=80, why="10,000 calls that are taken have their memory, and 10,000 clients stay until they expire.")
def calls_on_five_connections(target, outcome):
    """10,000 unary calls on five connections, of a process each, as fast as the windows let them"""
    with multiprocessing.get_context("fork").Pool(5) as pool:
        for over in pool.map(connection_of_calls, [(target, number) for number in range(5)]):
            outcome.expect(over == {"0": 2000}, "%s" % over)


@attack()
def late_messages(target, outcome):
    """2,000 unary calls opened at once on one connection, whose messages come a second later"""
    connection = target.connect()
    streams = [connection.open(SERVICE + "Heartbeat") for _ in range(2000)]
    connection.flush()
    hold([connection], 1)
    for i, stream in enumerate(streams):
        connection.send_within_windows(stream, heartbeat_message("late-%d" % i))
    hold([connection], 5, lambda: sum(connection.over.values()) == 2000)
    expect_answers(outcome, connection, sum(connection.over.values()), 2000)
    connection.close()


@attack()
def large_messages_at_once(target, outcome):
    """2,000 unary calls at once on one connection, each with a message of 64 KB: answered, or refused by their rate"""
    connection = target.connect()
    # Field 1000: newer clients may send what this broker does not know.
    body = message(heartbeat("large").SerializeToString() + b"\xc2\x3e" + b"\x80\x80\x04" + bytes(65536))
    streams = [connection.open(SERVICE + "Heartbeat") for _ in range(2000)]
    connection.flush()
    for stream in streams:
        connection.send_within_windows(stream, body)
    hold([connection], 10, lambda: sum(connection.over.values()) == 2000)
    expect_answers(outcome, connection, sum(connection.over.values()), 2000)
    connection.close()


@attack(flags=NO_RATE)
def quick_calls(target, outcome):
    """20,000 unary calls on one connection, as fast as they are answered, 1,000 at a time"""
    connection = target.connect()
    for i in range(20_000):
        if not connection.send_within_windows(connection.open(SERVICE + "Heartbeat"), heartbeat_message("quick-%d" % (i % 1000))):
            break
        while not connection.is_closed and i - sum(connection.over.values()) >= 1000:
            connection.pump(0.05)
    hold([connection], 5, lambda: sum(connection.over.values()) == 20_000)
    expect_answers(outcome, connection, sum(connection.over.values()), 20_000)
    connection.close()


@attack()
def large_calls_at_once(target, outcome):
    """2,000 unary calls opened at once on one connection, each with a statement of 600 bytes"""
    connection = target.connect()
    bodies = (heartbeat_message("large-%d" % i, ["group-%s-%d" % ("g" * 30, g) for g in range(12)]) for i in range(2000))
    expect_answers(outcome, connection, whole(target, connection, 2000, bodies), 2000)
    connection.close()


@attack()
def cancelled_calls(target, outcome):
    """500 calls that their client cancels after their message; then one that it does not"""
    connection = target.connect()
    for i in range(500):
        connection.reset(connection.open(SERVICE + "Heartbeat", heartbeat_message("hasty-%d" % i)))
        if i % 50 == 49:
            connection.flush()
            connection.pump()
    last = connection.open(SERVICE + "Heartbeat", heartbeat_message("patient"))
    connection.flush()
    code = (connection.await_end(last, 5) or {}).get("grpc-status")
    outcome.expect(code == "0", "the last one: %s" % code)
    connection.close()


@attack(neighbours=True)
def reconnect_storm(target, outcome):
    """300 clients of one address that join within 3 s, are cut off, and join again, three times"""
    for _ in range(3):
        connections = []
        begin = time.monotonic()
        for i in range(300):
            with contextlib.suppress(OSError):
                connection = target.connect(seconds=3)
                connection.open(SERVICE + "Connect", frame_of(heartbeat("storm-%d" % i, ["storm"])), ends=False)
                connection.flush()
                connections.append(connection)
        while time.monotonic() < begin + 6 and not all(connection.answers for connection in connections):
            for connection in connections:
                connection.pump()
        joined = sum(bool(connection.answers) for connection in connections)
        outcome.expect(joined == 300, "%d of 300 in %.1f s" % (joined, time.monotonic() - begin))
        close(connections)


@attack()
def slow_large_frames(target, outcome):
    """a frame of 1,000,000 bytes at 64 KiB a second"""
    connection = target.connect()
    stream = connection.open(SERVICE + "Connect", frame_of(heartbeat("slow-and-large")), ends=False)
    connection.flush()
    # Most of it is field 1000, of 991,792 bytes: newer clients may send what this broker does not know.
    body = message(frame_of(heartbeat("slow-and-large"), 2)[5:] + b"\xc2\x3e" + b"\xb0\xc4\x3c" + bytes(991_792))
    begin = time.monotonic()
    for piece in range(0, len(body), 6554):
        if not connection.send_within_windows(stream, body[piece:piece + 6554], 5, ends=False):
            break
        connection.pump()
        time.sleep(max(0, begin + (piece + 6554) / 65536 - time.monotonic()))
    hold([connection], 0.5)
    replies = connection.answers[stream].count(b"\x0a")  # Both have a reply.
    outcome.expect(not connection.is_closed and len(connection.answers[stream]) > 10 and replies >= 2,
                   "%.0f s, %s" % (time.monotonic() - begin, "ended: %s" % connection.trailers if connection.trailers else "alive"))
    connection.close()


@attack()
def proxy_connection(target, outcome):
    """a proxy's connection: 2,000 streams on it join, and heartbeat twice again"""
    connection = target.connect()
    streams = [connection.open(SERVICE + "Connect") for _ in range(2000)]
    connection.flush()
    for turn in range(3):
        before = {stream: len(connection.answers[stream]) for stream in streams}
        begin = time.monotonic()
        for i, stream in enumerate(streams):
            body = frame_of(heartbeat("behind-%d" % i, ["behind-%d" % (i % 200)]), turn + 1)
            connection.send_within_windows(stream, body, begin + 10 - time.monotonic(), ends=False)
        while not connection.is_closed and time.monotonic() < begin + 10:
            connection.pump(0.05)
            answered = sum(len(connection.answers[stream]) > before[stream] for stream in streams)
            if answered == 2000:
                break
        outcome.expect(answered == 2000 and not connection.is_closed,
                       "%d of 2,000 answered in %.1f s%s" % (answered, time.monotonic() - begin, ", ended" * connection.is_closed))
    connection.close()


def read_slowly(connections, seconds, done):
    """Lets 8 KiB more come to each of the connections each 0.1 s."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        for connection in connections:
            for stream in 0, 1:
                connection.raw(wire.window_update(stream, 8192))
            connection.flush()
            connection.pump()
        time.sleep(0.1)


@attack()
def slow_reading(target, outcome):
    """listings of 200 KB and watches that are read at 80 KiB a second"""
    fill_a_group(target, 1000)
    pb = stubs.load_admin()
    listers, watchers = [], []
    for _ in range(10):
        listers.append(target.connect(settings={4: 8192}, acknowledges=False))
        listers[-1].open(SERVICE + "GetConsumerListByGroup", listing())
        watchers.append(target.connect(settings={4: 8192}, acknowledges=False))
        watchers[-1].open(ADMIN + "Watch", message(pb.WatchRequest().SerializeToString()))
    for connection in listers + watchers:
        connection.raw(wire.frame(wire.SETTINGS, wire.ACK, 0))
        connection.flush()
    read_slowly(listers + watchers, 10, lambda: sum(codes(listers).values()) == 10)
    outcome.expect(codes(listers)["0"] == 10, "listings: %s" % dict(codes(listers)))
    watched = [len(connection.answers[1]) for connection in watchers]
    outcome.expect(not codes(watchers) and min(watched) > 100_000 and not any(w.is_closed for w in watchers),
                   "watches: %s ended, %d KB at least" % (dict(codes(watchers)), min(watched) / 1000))
    close(listers + watchers)


@attack(neighbours=True)
def probes(target, outcome):
    """probes that connect and close, greet as HTTP/1.1, or ask health: five of each a second"""
    deadline = time.monotonic() + max(target.seconds, 6)
    bad = 0
    while time.monotonic() < deadline:
        try:
            dial(target.address, target.source).close()
            with dial(target.address, target.source) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n")
                with contextlib.suppress(OSError):
                    connection.recv(4096)
            code, _ = ask(target.address, "/grpc.health.v1.Health/Check", message(b""), 3, target.source)
            bad += code != "0"
        except OSError:
            bad += 1
        time.sleep(0.2)
    outcome.expect(bad == 0, "%d probes failed" % bad)


@attack(neighbours=True)
def short_connections(target, outcome):
    """20 connections a second that each make one call, as cmctl and grpcurl do"""
    begin = time.monotonic()
    failed = 0
    for i in range(int(20 * max(target.seconds, 6))):
        code, _ = ask(target.address, SERVICE + "Heartbeat", heartbeat_message("short-%d" % (i % 50)), 3, target.source)
        failed += code != "0"
        time.sleep(max(0, begin + i / 20 - time.monotonic()))
    outcome.expect(failed == 0, "%d of %d failed" % (failed, i + 1))


@attack()
def long_metadata(target, outcome):
    """100 calls a second, each with a token of 4 KiB in its headers, on one connection"""
    connection = target.connect()
    begin = time.monotonic()
    calls = int(100 * max(target.seconds, 6))
    for i in range(calls):
        token = "%x" % random.getrandbits(16_384)
        connection.open(SERVICE + "Heartbeat", heartbeat_message("bearer"), extra=[("authorization", "Bearer " + token[:4000])])
        if not connection.flush():
            break
        connection.pump()
        time.sleep(max(0, begin + i / 100 - time.monotonic()))
    hold([connection], 0.5)
    expect_answers(outcome, connection, sum(connection.over.values()), calls)
    connection.close()


@attack()
def small_segments(target, outcome):
    """a client that writes its messages in DATA frames of one byte, ten heartbeats a second"""
    connection = target.connect()
    stream = connection.open(SERVICE + "Connect", ends=False)
    beats = int(10 * target.seconds)
    for i in range(beats):
        for byte in frame_of(heartbeat("typist"), i + 1):
            connection.raw(wire.frame(wire.DATA, 0, stream, bytes((byte,))))
        connection.flush()
        connection.pump(0.05)
        time.sleep(0.05)
    hold([connection], 0.5)
    outcome.expect(not connection.is_closed and stream not in connection.trailers and len(connection.answers[stream]) >= 7 * beats,
                   "%d heartbeats, %d bytes of answers" % (beats, len(connection.answers[stream])))
    connection.close()


@attack()
def idle_connections(target, outcome):
    """50 connections that greet, say nothing for 15 s, and then call"""
    connections = [target.connect() for _ in range(50)]
    hold(connections, 15)
    for i, connection in enumerate(connections):
        connection.open(SERVICE + "Heartbeat", heartbeat_message("idle-%d" % i))
        connection.flush()
    hold(connections, 1)
    answered = codes(connections)["0"]
    outcome.expect(answered == 50, "%d of 50 answered" % answered)
    close(connections)


@attack(neighbours=True)
def crash_loops(target, outcome):
    """ten clients of one address that join and die without a word, each again and again, twice a second"""
    deadline = time.monotonic() + max(target.seconds, 6)
    tries = joined = 0
    while time.monotonic() < deadline:
        for i in range(10):
            tries += 1
            joined += join(target.address, "crashing-%d" % i, target.source, time.monotonic() + 3)
        time.sleep(0.4)
    outcome.expect(joined == tries, "%d of %d joined" % (joined, tries))
