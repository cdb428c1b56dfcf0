"""Connections: many, silent, slow, of other protocols, and those of the metrics port."""

import contextlib
import os
import socket
import struct
import time
import urllib.request

from attack import SOURCE, attack
from clients import SERVICE, frame_of, heartbeat, newcomers
from flood import Flood
from transport import dial, dial_plain, tls_hello
import wire

# By one of OpenSSL's clients, for a broker of any name.
TLS_HELLO = tls_hello()
# Within this time a connection must have said what it wants, a look more or less.
HANDSHAKE_S = 10
GRACE_S = 3


def dial_many(address, count, first=b"", sources=(SOURCE,), dial=dial):
    """So many connections, each with its first bytes; fewer if the broker takes no more."""
    opened = []
    for i in range(count):
        with contextlib.suppress(OSError):
            opened.append(dial(address, sources[i % len(sources)]))
            opened[-1].setblocking(False)
            if first:
                opened[-1].send(first)
    return opened


def is_open(connection):
    """Whether the other side has not ended it; drops what it said."""
    try:
        while connection.recv(1 << 16):
            pass
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def still_open(connections):
    return sum(is_open(connection) for connection in connections)


def shut(connections):
    for connection in connections:
        connection.close()


def held(target, outcome, count, first, dial=dial):
    """Connections that say no more than `first`: all must be ended in time."""
    connections = dial_many(target.address, count, first, dial=dial)
    time.sleep(HANDSHAKE_S + GRACE_S)
    left = still_open(connections)
    outcome.expect(left == 0, "%d of %d still open after %d s" % (left, len(connections), HANDSHAKE_S + GRACE_S))
    shut(connections)


@attack()
def connect_and_close(target, outcome):
    """connections opened and closed as fast as possible"""
    deadline = time.monotonic() + target.seconds
    opened = 0
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            dial(target.address, target.source, 1).close()
            opened += 1
    outcome.remarks.append("%.0f a second" % (opened / target.seconds))


@attack()
def connect_and_abort(target, outcome):
    """the same with an abort (SO_LINGER 0), so that the broker accepts what is gone"""
    deadline = time.monotonic() + target.seconds
    opened = 0
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            connection = dial(target.address, target.source, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            opened += 1
    outcome.remarks.append("%.0f a second" % (opened / target.seconds))


@attack()
def connect_greet_and_close(target, outcome):
    """connections that greet as HTTP/2 has it, join, and go"""
    greeting = wire.prelude(SERVICE + "Connect") + wire.call(3, frame_of(heartbeat("passer-by")), ends=False)
    deadline = time.monotonic() + target.seconds
    opened = 0
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), dial(target.address, target.source, 1) as connection:
            connection.sendall(greeting)
            opened += 1
    outcome.remarks.append("%.0f a second" % (opened / target.seconds))


@attack()
def silent_connections(target, outcome):
    """3,000 connections that say nothing"""
    held(target, outcome, 3000, b"")


@attack()
def silent_tcp_connections(target, outcome):
    """3,000 connections that say nothing, also no TLS where the broker has it"""
    held(target, outcome, 3000, b"", dial_plain)


@attack()
def half_tls_hellos(target, outcome):
    """1,000 connections that say half of a TLS hello"""
    held(target, outcome, 1000, TLS_HELLO[:100], dial_plain)


@attack()
def half_tls_handshakes(target, outcome):
    """1,000 connections that say a TLS hello, and nothing else"""
    held(target, outcome, 1000, TLS_HELLO, dial_plain)


@attack()
def half_prefaces(target, outcome):
    """1,000 connections that say half of HTTP/2's preface"""
    held(target, outcome, 1000, wire.PREFACE[:12])


@attack()
def half_handshakes(target, outcome):
    """1,000 connections that say the preface, and never their settings"""
    held(target, outcome, 1000, wire.PREFACE)


@attack()
def half_settings(target, outcome):
    """1,000 connections that say the preface and half a frame of settings"""
    held(target, outcome, 1000, wire.PREFACE + wire.settings({1: 0, 4: 65535})[:14])


def trickle(target, begin, rest):
    """200 connections with a byte a second of `rest`; how many are open at the end."""
    connections = dial_many(target.address, 200, begin)
    for i in range(HANDSHAKE_S + GRACE_S):
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.send(rest[i:i + 1])
        time.sleep(1)
    left = still_open(connections)
    shut(connections)
    return left


@attack()
def slow_prefaces(target, outcome):
    """200 connections that say the preface a byte a second"""
    left = trickle(target, b"", wire.PREFACE)
    outcome.expect(left == 0, "%d of 200 still open after %d s" % (left, HANDSHAKE_S + GRACE_S))


@attack()
def slow_headers(target, outcome):
    """200 connections that say a call's headers a byte a second"""
    left = trickle(target, wire.prelude(), wire.frame(wire.HEADERS, 4, 3, wire.call_headers(SERVICE + "Heartbeat")))
    outcome.remarks.append("%d of 200 still open" % left)


@attack()
def slow_messages(target, outcome):
    """200 connections that say a call's message a byte a second"""
    body = wire.frame(wire.DATA, 1, 3, frame_of(heartbeat("slow")))
    left = trickle(target, wire.prelude() + wire.frame(wire.HEADERS, 4, 3, wire.call_headers(SERVICE + "Connect")), body)
    outcome.remarks.append("%d of 200 still open" % left)


@attack(open_files=400)
def connections_of_one_address(target, outcome):
    """as many connections as the broker may have files, of one address, each with a greeting"""
    connections = dial_many(target.address, 500, wire.prelude())
    time.sleep(target.seconds)
    outcome.remarks.append("%d of 500 open" % still_open(connections))
    shut(connections)


@attack(open_files=400, newcomer_s=None, why="Who comes while all connections are taken waits until some are free.")
def out_of_open_files(target, outcome):
    """more connections than the broker may have files, of sixteen addresses; then ten newcomers"""
    connections = dial_many(target.address, 500, wire.prelude(), ["127.0.1.%d" % i for i in range(1, 17)])
    time.sleep(target.seconds)
    outcome.remarks.append("%d of 500 open" % still_open(connections))
    shut(connections)
    time.sleep(0.5)
    joined = newcomers(target, 10)
    outcome.expect(joined == 10, "%d of 10 newcomers served" % joined)


OTHERS = (
    b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n",
    b"POST /rocketmq.clientmanager.v1.ClientManager/Heartbeat HTTP/1.1\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0",
    b"CONNECT broker:443 HTTP/1.1\r\n\r\n",
    bytes.fromhex("16030100fa010000f60303") + bytes(240),  # A TLS hello of nothing.
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x00\x00\x00\x5a\x00\x00\x00\x56" + b'{"code":34,"language":"JAVA"}',  # RocketMQ's own protocol.
    b"*1\r\n$4\r\nPING\r\n",
    b"EHLO attacker\r\n",
    wire.PREFACE.lower(),
    wire.PREFACE + wire.frame(wire.HEADERS, 4, 1, b"\x83"),
)


@attack()
def tls_alerts(target, outcome):
    """TLS hellos that are followed by warnings, by records that are too long, or by another hello"""
    deadline = time.monotonic() + target.seconds
    opened = 0
    while time.monotonic() < deadline:
        for rest in b"\x15\x03\x01\x00\x02\x01\x5a" * 2000, b"\x16\x03\x01\xff\xff" + bytes(65535), TLS_HELLO:
            with contextlib.suppress(OSError), dial_plain(target.address, target.source, 1) as connection:
                opened += 1
                connection.sendall(TLS_HELLO + rest)
    outcome.remarks.append("%d connections" % opened)


@attack()
def other_protocols(target, outcome):
    """HTTP/1.1, TLS, SSH, RocketMQ's own, Redis, SMTP and almost HTTP/2: greetings, and 64 KiB of what may follow"""
    deadline = time.monotonic() + target.seconds
    opened = 0
    while time.monotonic() < deadline:
        for greeting in OTHERS:
            with contextlib.suppress(OSError), dial(target.address, target.source, 1) as connection:
                opened += 1
                connection.sendall(greeting + bytes(65536) if opened % 2 else greeting)
        time.sleep(0.01)
    outcome.remarks.append("%d connections" % opened)


@attack()
def garbage(target, outcome):
    """random bytes, with and without a preface, on four connections"""
    noise = os.urandom(1 << 20)
    Flood(target, wire.PREFACE + wire.settings(), lambda: wire.blocks_of(noise), 2).run(outcome, target.seconds / 2)
    Flood(target, b"", lambda: wire.blocks_of(noise), 2).run(outcome, target.seconds / 2)


@attack()
def mutated_frames(target, outcome):
    """good connections of which one byte in fifty is another"""
    good = wire.prelude(SERVICE + "Connect") + b"".join(
        wire.call(stream, frame_of(heartbeat("mutant-%d" % stream)), ends=False) for stream in range(3, 203, 2))
    deadline = time.monotonic() + target.seconds
    opened = 0
    while time.monotonic() < deadline:
        noise = os.urandom(3 * (len(good) // 50))
        bad = bytearray(good)
        for i in range(0, len(noise), 3):
            bad[24 + (noise[i] << 8 | noise[i + 1]) % (len(bad) - 24)] = noise[i + 2]
        with contextlib.suppress(OSError), dial(target.address, target.source, 1) as connection:
            connection.sendall(bad)
            opened += 1
            time.sleep(0.005)
    outcome.remarks.append("%d connections" % opened)


@attack(neighbours=True)
def bad_neighbour(target, outcome):
    """a connection of rapid reset, and another five seconds after it was ended: the address must not be shut out"""
    Flood(target, wire.prelude(SERVICE + "Connect"),
          lambda: wire.blocks_of_calls(lambda stream: wire.call(stream) + wire.reset(stream)), pause_s=5).run(outcome, max(target.seconds, 7))


# --- The port that Prometheus reads ---

def scrape_seconds(target):
    begin = time.monotonic()
    with urllib.request.urlopen("http://%s/metrics" % target.metrics, timeout=10) as answer:
        answer.read()
    return time.monotonic() - begin


@attack()
def silent_metrics_connections(target, outcome):
    """100 silent connections to the metrics port; then a scrape"""
    connections = dial_many(target.metrics, 100)
    took = scrape_seconds(target)
    outcome.expect(took < 3, "a scrape took %.1f s" % took)
    shut(connections)


@attack()
def metrics_headers(target, outcome):
    """requests to the metrics port with headers without end, paths up the tree, and nonsense"""
    deadline = time.monotonic() + target.seconds
    while time.monotonic() < deadline:
        for request in (b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 100_000,
                        b"GET /" + b"a" * 100_000, b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", os.urandom(65536)):
            with contextlib.suppress(OSError), dial_plain(target.metrics, target.source, 1) as connection:
                connection.sendall(request)
                answer = connection.recv(1 << 16)
                if b"root:" in answer or b"200 OK" in answer:
                    outcome.wrong.append("answered %r" % request[:40])
    took = scrape_seconds(target)
    outcome.expect(took < 3, "a scrape took %.1f s" % took)
