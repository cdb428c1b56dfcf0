"""Messages: compressed, malformed, half, too long, too rich, too often."""

import gzip
import itertools
import struct
import time
import zlib

from attack import MIB, attack, codes
from clients import (ADMIN, HEALTH, MESSAGING, REFLECTION, SERVICE, close, fill_a_group, frame_of, heartbeat, heartbeat_message, hold,
                     in_turn, listing)
from frames import message
import stubs


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


@attack()
def gzip_bomb(target, outcome):
    """one compressed message of 1 MB that is 976 MiB of zeros, as a call and as a frame"""
    bomb = message(gzip_of_zeros(976), compressed=True)
    for method in "Heartbeat", "Connect":
        connection = target.connect()
        stream = connection.open(SERVICE + method, encoding="gzip")
        connection.flush()
        connection.send_within_windows(stream, bomb)
        code = (connection.await_end(stream, 30) or {}).get("grpc-status")
        outcome.expect(code == "8", "%s ended with %s" % (method, code))
        connection.close()


@attack()
def gzip_bombs_everywhere(target, outcome):
    """compressed messages of 64 KB that are 62 MiB of zeros, to one method of each kind"""
    bomb = message(gzip_of_zeros(62), compressed=True)
    for path in (ADMIN + "ListClients", ADMIN + "Watch", ADMIN + "Drain", HEALTH + "Check", HEALTH + "Watch", REFLECTION,
                 MESSAGING + "QueryRoute", MESSAGING + "Telemetry", MESSAGING + "ReceiveMessage", "/no.Such/Method"):
        connection = target.connect()
        stream = connection.open(path, encoding="gzip", extra=[("x-mq-client-id", "bomber")])
        connection.flush()
        connection.send_within_windows(stream, bomb, 5)
        trailers = connection.await_end(stream, 5)
        outcome.expect(trailers is not None, "%s: %s" % (path.rsplit(".", 1)[-1], (trailers or {}).get("grpc-status", "not ended")))
        connection.close()


@attack()
def gzip_many(target, outcome):
    """compressed messages of 64 KB that are 62 MiB of zeros, as fast as they are taken"""
    bomb = message(gzip_of_zeros(62), compressed=True)
    connections = [target.connect() for _ in range(4)]
    deadline = time.monotonic() + target.seconds
    sent = 0
    while time.monotonic() < deadline and not all(connection.is_closed for connection in connections):
        for connection in connections:
            if sum(connection.over.values()) * 2 + 10 >= connection.next_stream:
                sent += connection.send_within_windows(connection.open(SERVICE + "Heartbeat", encoding="gzip"), bomb)
            connection.pump()
    outcome.remarks.append("%d a second" % (sent / target.seconds))
    close(connections)


@attack()
def odd_encodings(target, outcome):
    """messages that are no gzip, more than one, or of encodings that nobody knows; to all services"""
    plain = heartbeat("odd").SerializeToString()
    packed = gzip.compress(plain)
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
            (HEALTH + "Check", "gzip", gzip.compress(b""), "0"),
            (HEALTH + "Watch", "gzip", gzip.compress(bytes(100_000)), "8"),
            # gRPC's own service: its parser refuses what is compressed, and the call ends without an answer.
            (REFLECTION, "gzip", gzip.compress(b"\x3a\x00"), "0")):
        connection = target.connect()
        stream = connection.open(path, message(body, compressed=True), encoding=encoding)
        connection.flush()
        got = (connection.await_end(stream, 10) or {}).get("grpc-status")
        if got != code:
            outcome.wrong.append("%s, %s, %d bytes: %s instead of %s" % (path, encoding, len(body), got, code))
        connection.close()


@attack()
def half_messages(target, outcome):
    """2,000 calls on ten connections that announce 1 MB and send ten bytes"""
    connections = [target.connect() for _ in range(10)]
    for connection in connections:
        for i in range(200):
            connection.open(SERVICE + ("Heartbeat" if i % 2 else "Connect"), struct.pack(">BI", 0, 1_000_000) + bytes(10), ends=False)
        connection.flush()
    hold(connections, 13)
    over = sum(codes(connections).values())
    outcome.expect(over == 2000, "%d of 2,000 ended within 13 s" % over)
    close(connections)


@attack()
def almost_whole_messages(target, outcome):
    """500 calls on one connection that each send 900 KB of a message of 1 MB, and no more"""
    connection = target.connect()
    body = struct.pack(">BI", 0, 1_000_000) + bytes(900_000)
    deadline = time.monotonic() + 2 * target.seconds
    sent = 0
    for _ in range(500):
        stream = connection.open(SERVICE + "Heartbeat")
        sent += connection.send_within_windows(stream, body, min(2, deadline - time.monotonic()), ends=False)
        if connection.is_closed or time.monotonic() > deadline:
            break
    outcome.remarks.append("%d calls%s" % (sent, ", ended" * connection.is_closed))
    hold([connection], 1)
    connection.close()


@attack()
def huge_lengths(target, outcome):
    """messages that are said to have 4 GiB"""
    def bodies():
        while True:
            yield b"\0\xff\xff\xff\xff" + bytes(100)
    sent, refused = in_turn(target, SERVICE + "Heartbeat", bodies())
    outcome.remarks.append("%d a second, %d refused" % (sent / target.seconds, refused))


@attack()
def invalid_utf8(target, outcome):
    """heartbeats whose names are no UTF-8, on streams and as calls; what is logged of it"""
    before = target.log_bytes()
    bad = message(b"\x0a\x08\xff\xfe\xc0\x80abcd" * 100)
    sent, _ = in_turn(target, SERVICE + "Heartbeat", itertools.repeat(bad))
    logged = target.log_bytes() - before
    outcome.expect(logged < MIB, "%d a second, %d KiB logged" % (sent / target.seconds, logged / 1024))


@attack()
def empty_fields(target, outcome):
    """heartbeats of 1 MB that are 500,000 empty groups"""
    body = message(b"\x0a\x01x" + b"\x42\x00" * 500_000)
    sent, refused = in_turn(target, SERVICE + "Heartbeat", itertools.repeat(body))
    outcome.remarks.append("%d a second, %d refused" % (sent / target.seconds, refused))


@attack()
def nested_messages(target, outcome):
    """messages of unknown fields, one in the other 10,000 deep"""
    body = b"\xfb\x07" * 10_000 + b"\xfc\x07" * 10_000
    sent, _ = in_turn(target, SERVICE + "Heartbeat", itertools.repeat(message(body)))
    outcome.remarks.append("%d a second" % (sent / target.seconds))


def on_streams(target, outcome, streams, body):
    """The same whole frame on so many joined streams of one connection, as fast as the windows let it."""
    connection = target.connect()
    opened = [connection.open(SERVICE + "Connect") for _ in range(streams)]
    for i, stream in enumerate(opened):
        connection.send_within_windows(stream, frame_of(heartbeat("talker-%d" % i)), 5, ends=False)
    frames = body * max(1, 2000 // len(body))
    deadline = time.monotonic() + target.seconds
    sent = 0
    while time.monotonic() < deadline and not connection.is_closed:
        for stream in opened:
            sent += connection.send_within_windows(stream, frames, deadline - time.monotonic(), ends=False)
        connection.pump()
    outcome.remarks.append("%.0f a second%s" % (sent * (len(frames) // len(body)) / target.seconds, ", ended" * connection.is_closed))
    connection.close()


@attack()
def frames_over_rate(target, outcome):
    """heartbeats on 50 streams of one connection, as fast as they are taken"""
    on_streams(target, outcome, 50, frame_of(heartbeat("", [], ""), 7))


@attack()
def empty_messages(target, outcome):
    """messages without a byte on 50 streams of one connection"""
    on_streams(target, outcome, 50, message(b""))


@attack()
def acknowledgments(target, outcome):
    """acknowledgments, which have no reply and no limit of those that wait, on 50 streams of one connection"""
    pb, _ = stubs.load()
    frame = pb.ClientFrame()
    frame.acknowledge.group, frame.acknowledge.epoch = "attackers", 1
    on_streams(target, outcome, 50, message(frame.SerializeToString()))


@attack()
def listings_on_streams(target, outcome):
    """listings of 1,000 rows on 50 streams of one connection"""
    fill_a_group(target, 1000)
    pb, _ = stubs.load()
    frame = pb.ClientFrame(request_id=7)
    frame.get_consumer_list_by_group.group = "attackers"
    on_streams(target, outcome, 50, message(frame.SerializeToString()))


@attack()
def many_groups(target, outcome):
    """20 streams that leave 256 groups for 256 others with each heartbeat"""
    connection = target.connect()
    bodies = [[frame_of(heartbeat("rich-%d" % s, ["rich-%d-%d-%d" % (s, turn, g) for g in range(256)])) for turn in range(2)]
              for s in range(20)]
    streams = [connection.open(SERVICE + "Connect", ends=False) for _ in range(20)]
    deadline = time.monotonic() + target.seconds
    turn = 0
    while time.monotonic() < deadline and not connection.is_closed:
        for stream, both in zip(streams, bodies):
            connection.send_within_windows(stream, both[turn % 2], deadline - time.monotonic(), ends=False)
        connection.pump()
        turn += 1
    outcome.remarks.append("%d heartbeats a second" % (20 * turn / target.seconds))
    connection.close()


@attack()
def changed_statements(target, outcome):
    """unary heartbeats of 250 groups, each time others, as fast as they are answered"""
    # Made before: the attacker is slower than the broker.
    made = [heartbeat_message("changer-%d" % i, ["changed-%d-%d" % (i % 40, g) for g in range(250)], "topic-%d" % i) for i in range(200)]
    sent, refused = in_turn(target, SERVICE + "Heartbeat", itertools.cycle(made))
    outcome.remarks.append("%d a second, %d %% refused" % (sent / target.seconds, 100 * refused / max(sent, 1)))


@attack()
def changed_subscriptions(target, outcome):
    """a member of all groups of the well-behaved that states another topic each 10 ms"""
    connection = target.connect()
    stream = connection.open(SERVICE + "Connect", ends=False)
    deadline = time.monotonic() + target.seconds
    turn = 0
    while time.monotonic() < deadline and not connection.is_closed:
        turn += 1
        connection.write(stream, frame_of(heartbeat("changer", ["victims-%d" % g for g in range(10)], "topic-%d" % turn)))
        connection.flush()
        connection.pump(0.01)
        time.sleep(0.01)
    outcome.remarks.append("%d changes" % turn)
    connection.close()


@attack()
def listings(target, outcome):
    """listings of 1,000 rows, as fast as they are answered"""
    fill_a_group(target, 1000)
    sent, refused = in_turn(target, SERVICE + "GetConsumerListByGroup", itertools.repeat(listing()))
    outcome.remarks.append("%d a second, %d %% refused" % (sent / target.seconds, 100 * refused / max(sent, 1)))
