"""Headers that are long, many, or dear to read."""

import itertools
import struct
import time

from attack import MIB, attack
from clients import SERVICE, heartbeat_message
from flood import Flood
import wire

HEARTBEAT = SERVICE + "Heartbeat"


def begun(stream, block):
    """A block of headers that is not over."""
    return wire.frame(wire.HEADERS, 0, stream, block)


def continued(block):
    return wire.frame(wire.CONTINUATION, 0, 3, block)


@attack()
def continuations(target, outcome):
    """a block of headers that never ends, in CONTINUATION frames"""
    header = wire.literal(b"x", b"y" * 100)
    Flood(target, wire.prelude() + begun(3, wire.call_headers(HEARTBEAT)),
          lambda: wire.blocks_of(continued(header * 50))).run(outcome)


@attack()
def small_continuations(target, outcome):
    """the same in frames of one small header, on four connections"""
    Flood(target, wire.prelude() + begun(3, wire.call_headers(HEARTBEAT)),
          lambda: wire.blocks_of(continued(wire.literal(b"x", b"y"))), 4).run(outcome)


@attack()
def empty_continuations(target, outcome):
    """the same in frames without a byte"""
    Flood(target, wire.prelude() + begun(3, wire.call_headers(HEARTBEAT)), lambda: wire.blocks_of(continued(b""))).run(outcome)


@attack()
def long_headers(target, outcome):
    """calls with 12 KiB of headers each: more than is taken"""
    headers = wire.REPEATED_HEADERS + wire.literal(b"x", b"y" * 12288)
    Flood(target, wire.prelude(HEARTBEAT), lambda: wire.blocks_of_calls(
        lambda stream: wire.call(stream, headers=headers), calls=100)).run(outcome)


@attack()
def hpack_zeros(target, outcome):
    """CVE-2023-33953: zeros without end before an integer, each frame of which has all read anew"""
    Flood(target, wire.prelude() + begun(3, b"\x83\x86\x7f\x80"), lambda: wire.blocks_of(continued(b"\x80" * 1000))).run(outcome)


@attack()
def hpack_long_string(target, outcome):
    """a header's text that is said to have 1 GiB, in frames of 16 KiB"""
    Flood(target, wire.prelude() + begun(3, b"\x83\x86\x00\x01x" + wire.integer(1 << 30, 7)),
          lambda: wire.blocks_of(continued(b"y" * 16384))).run(outcome)


@attack()
def hpack_resizing(target, outcome):
    """calls whose headers have the table emptied, made large and filled again"""
    resized = b"\x20\x3f\xe1\x1f" + wire.call_headers(HEARTBEAT, indexed=True)
    Flood(target, wire.prelude(HEARTBEAT), lambda: wire.blocks_of_calls(
        lambda stream: wire.call(stream, headers=resized) + wire.reset(stream))).run(outcome)


@attack()
def hpack_bomb(target, outcome):
    """calls whose 2,000 bytes of headers are 7 MB: one entry of the table again and again"""
    entry = wire.call(3, headers=wire.REPEATED_HEADERS + wire.literal(b"x", b"y" * 3500, indexed=True)) + wire.reset(3)
    Flood(target, wire.prelude(HEARTBEAT) + entry, lambda: wire.blocks_of_calls(
        lambda stream: wire.call(stream, headers=b"\xbe" * 2000), first=5, calls=500)).run(outcome)


@attack()
def hpack_nonsense(target, outcome):
    """headers that no table has, Huffman's code with errors, names with capitals and line feeds"""
    bad = (b"\xff\x80\x80\x01", b"\x00\x81\xff\x01y", wire.literal(b"X-Y", b"z"), wire.literal(b"x", b"a\r\nb"),
           wire.literal(b"x-bin", b"*!"), wire.literal(b"", b""), wire.literal(b":x", b"y"))
    # Each connection has another kind: most do not outlive one.
    kinds = itertools.cycle(bad)

    def blocks():
        headers = wire.REPEATED_HEADERS + next(kinds)
        return wire.blocks_of_calls(lambda stream: wire.call(stream, headers=headers) + wire.reset(stream), calls=100)
    Flood(target, wire.prelude(HEARTBEAT), blocks, 4).run(outcome)


@attack()
def four_mib_of_headers(target, outcome):
    """calls with 4 MiB of headers each, in CONTINUATION frames, the last of which says so"""
    header = wire.literal(b"x", b"y" * 4000)
    call = begun(3, wire.call_headers(HEARTBEAT)) + continued(header * 4) * 262 + wire.frame(wire.CONTINUATION, wire.END_HEADERS, 3)
    Flood(target, wire.prelude(), lambda: iter([call]), 4).run(outcome)


@attack()
def padded_headers(target, outcome):
    """calls whose headers have 255 bytes of padding, and a priority, opened and reset at once"""
    padded = b"\xff" + struct.pack(">IB", 0, 15) + wire.REPEATED_HEADERS + bytes(255)
    flags = wire.END_HEADERS | wire.PADDED | wire.HAS_PRIORITY
    Flood(target, wire.prelude(HEARTBEAT), lambda: wire.blocks_of_calls(
        lambda stream: wire.frame(wire.HEADERS, flags, stream, padded) + wire.reset(stream))).run(outcome)


@attack()
def long_paths(target, outcome):
    """calls of methods that do not exist, with names of 7,000 bytes, whose ends nobody reads, on ten connections"""
    body = heartbeat_message("lost")
    path = b"/no.Such/" + b"%" * 7000

    def calls():
        yield b"".join(wire.call(stream, body, headers=wire.call_headers(path.decode())) for stream in range(3, 4003, 2))
        while True:
            yield wire.frame(wire.PING, wire.ACK, 0, bytes(8))
            time.sleep(0.01)
    Flood(target, wire.prelude(values={4: 0}), calls, 10, reads=False).run(outcome)


@attack()
def odd_calls(target, outcome):
    """calls that are none of gRPC's: other methods, content types, schemes and encodings, without te, with odd timeouts"""
    post, http, te = b"\x83", b"\x86", wire.literal(b"te", b"trailers")
    path, kind = wire.literal(b":path", HEARTBEAT.encode()), wire.literal(b"content-type", b"application/grpc")
    body = heartbeat_message("odd")
    odd = [b"\x82" + http + path + te + kind, wire.literal(b":method", b"BREW") + http + path + te + kind, post + http + path + te,
           post + http + path + te + wire.literal(b"content-type", b"text/html"), post + http + path + kind,
           post + wire.literal(b":scheme", b"ftp") + path + te + kind, post + http + wire.literal(b":path", b"") + te + kind,
           post + http + path + path + te + kind, post + http + path + te + kind + wire.literal(b"connection", b"close"),
           post + http + path + te + kind + wire.literal(b"grpc-encoding", b"identity,gzip"),
           *(post + http + path + te + kind + wire.literal(b"grpc-timeout", timeout) for timeout in (b"99999999H", b"-1S", b"1", b"x" * 100))]
    Flood(target, wire.prelude(), lambda: wire.blocks_of_calls(
        lambda stream: wire.call(stream, body, headers=odd[stream // 2 % len(odd)]), calls=1000)).run(outcome)


@attack()
def trailers_without_end(target, outcome):
    """calls whose message is followed by headers, three times, none of which ends the call"""
    body, more = heartbeat_message("wordy"), wire.literal(b"x", b"y" * 100)
    Flood(target, wire.prelude(HEARTBEAT), lambda: wire.blocks_of_calls(
        lambda stream: wire.call(stream, body, ends=False) + 3 * wire.frame(wire.HEADERS, wire.END_HEADERS, stream, more))).run(outcome)


@attack()
def stream_numbers(target, outcome):
    """calls on streams with even numbers, and with numbers that fall; what is logged of it"""
    before = target.log_bytes()
    call = wire.frame(wire.HEADERS, wire.END_HEADERS, 0, wire.REPEATED_HEADERS)

    def blocks():
        for first in range(1_000_001, 10_001, -10_000):
            yield b"".join(call[:5] + struct.pack(">I", stream) + call[9:] for stream in range(first, first - 10_000, -1))
    Flood(target, wire.prelude(HEARTBEAT), blocks).run(outcome)
    logged = target.log_bytes() - before
    outcome.expect(logged < MIB, "%d KiB logged" % (logged / 1024))
