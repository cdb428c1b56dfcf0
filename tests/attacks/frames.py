"""A client that speaks HTTP/2 frame by frame, and keeps no rule that is not asked of it.

gRPC's own clients would not do what attackers do. Frames and headers are those of the
libraries hyperframe and hpack.
"""

import collections
import select
import struct
import time

import hpack
import hyperframe.frame as h2

from transport import dial, signature
from wire import PREFACE

LARGEST_FRAME = 16384
# What is written before answers are looked at again.
PIECE = 64 * 1024


def message(payload, compressed=False):
    """A message as gRPC frames it."""
    return struct.pack(">BI", compressed, len(payload)) + payload


class Connection:
    """One connection. Acknowledges settings and answers pings unless told not to."""

    def __init__(self, address, settings=None, acknowledges=True, source="", seconds=30):
        """From the address `source`; within so many seconds."""
        self.socket = dial(address, source, seconds)
        self.socket.setblocking(False)
        self.acknowledges = acknowledges
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.next_stream = 1
        # Stream -> what its trailers say; and how many of them have each status.
        self.trailers = {}
        self.over = collections.Counter()
        # Stream -> the bytes of its answer.
        self.answers = collections.defaultdict(bytes)
        self.is_closed = False
        self.received = b""
        # What the broker still takes, of the connection and of each stream.
        self.window = 65535
        self.first_window = 65535
        self.windows = {}
        self.waiting = [PREFACE, h2.SettingsFrame(0, settings=settings or {}).serialize()]
        self.flush()

    def open(self, path, body=None, ends=True, encoding=None, extra=()):
        """Queues a call: its headers, and `body` if it has one. Returns its stream."""
        stream = self.next_stream
        self.next_stream += 2
        headers = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "attacker"),
                   ("te", "trailers"), ("content-type", "application/grpc"), *signature("attacker"), *extra]
        if encoding:
            headers.append(("grpc-encoding", encoding))
        frame = h2.HeadersFrame(stream, self.encoder.encode(headers))
        frame.flags.add("END_HEADERS")
        self.waiting.append(frame.serialize())
        if body is not None:
            self.write(stream, body, ends)
        return stream

    def write(self, stream, body, ends=False):
        """Queues bytes of a call, whatever the windows are."""
        for begin in range(0, len(body), LARGEST_FRAME):
            frame = h2.DataFrame(stream, body[begin:begin + LARGEST_FRAME])
            if ends and begin + LARGEST_FRAME >= len(body):
                frame.flags.add("END_STREAM")
            self.waiting.append(frame.serialize())

    def send_within_windows(self, stream, body, seconds=30, ends=True):
        """Writes a body, which ends its call, as much at a time as the broker takes. False if it does not."""
        deadline = time.monotonic() + seconds
        while body and not self.is_closed and stream not in self.trailers and time.monotonic() < deadline:
            window = min(self.window, self.first_window + self.windows.get(stream, 0), LARGEST_FRAME)
            if window <= 0:
                self.pump(0.01)
                continue
            piece, body = body[:window], body[window:]
            self.window -= len(piece)
            self.windows[stream] = self.windows.get(stream, 0) - len(piece)
            self.write(stream, piece, ends and not body)
            self.flush()
        return not body

    def reset(self, stream):
        self.waiting.append(h2.RstStreamFrame(stream, error_code=8).serialize())

    def raw(self, frames):
        """Queues bytes as they are."""
        self.waiting.append(frames)

    def flush(self, seconds=30):
        """Writes what is queued, reading what comes meanwhile. False if the connection is over, or takes nothing."""
        pending = b"".join(self.waiting)
        self.waiting = []
        while pending and not self.is_closed:
            readable, writable, _ = select.select([self.socket], [self.socket], [], seconds)
            if readable:
                self.receive()
            if writable and not self.is_closed:
                try:
                    pending = pending[self.socket.send(pending[:PIECE]):]
                except BlockingIOError:
                    pass
                except OSError:
                    self.is_closed = True
            if not readable and not writable:
                return False
            if self.waiting:  # Acknowledgments.
                pending += b"".join(self.waiting)
                self.waiting = []
        return not self.is_closed

    def pump(self, seconds=0):
        """Reads what comes, for that long at most if nothing does."""
        while not self.is_closed and select.select([self.socket], [], [], seconds)[0]:
            self.receive()
            seconds = 0
        if self.waiting:
            self.flush()

    def receive(self):
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.is_closed = True
            return
        self.received += data
        begin = 0
        while len(self.received) - begin >= 9:
            frame, length = h2.Frame.parse_frame_header(memoryview(self.received)[begin:begin + 9])
            if len(self.received) - begin < 9 + length:
                break
            frame.parse_body(memoryview(self.received)[begin + 9:begin + 9 + length])
            begin += 9 + length
            self.handle(frame)
        self.received = self.received[begin:]

    def handle(self, frame):
        if isinstance(frame, h2.HeadersFrame):
            headers = dict(self.decoder.decode(bytes(frame.data)))
            if "grpc-status" in headers:
                self.trailers[frame.stream_id] = headers
                self.over[headers["grpc-status"]] += 1
        elif isinstance(frame, h2.DataFrame):
            self.answers[frame.stream_id] += bytes(frame.data)
            if self.acknowledges and frame.data:
                for stream in 0, frame.stream_id:
                    self.waiting.append(h2.WindowUpdateFrame(stream, window_increment=len(frame.data)).serialize())
        elif isinstance(frame, h2.WindowUpdateFrame):
            if frame.stream_id == 0:
                self.window += frame.window_increment
            else:
                self.windows[frame.stream_id] = self.windows.get(frame.stream_id, 0) + frame.window_increment
        elif isinstance(frame, h2.SettingsFrame) and h2.SettingsFrame.INITIAL_WINDOW_SIZE in frame.settings:
            self.first_window = frame.settings[h2.SettingsFrame.INITIAL_WINDOW_SIZE]
            if self.acknowledges:
                self.waiting.append(h2.SettingsFrame(0, flags=["ACK"]).serialize())
        elif not self.acknowledges:
            pass
        elif isinstance(frame, h2.SettingsFrame) and "ACK" not in frame.flags:
            self.waiting.append(h2.SettingsFrame(0, flags=["ACK"]).serialize())
        elif isinstance(frame, h2.PingFrame) and "ACK" not in frame.flags:
            self.waiting.append(h2.PingFrame(0, bytes(frame.opaque_data), flags=["ACK"]).serialize())

    def await_end(self, stream, seconds):
        """The trailers of a call; None if they do not come in time."""
        deadline = time.monotonic() + seconds
        while stream not in self.trailers and not self.is_closed and time.monotonic() < deadline:
            self.pump(0.05)
        return self.trailers.get(stream)

    def close(self):
        self.socket.close()
        self.is_closed = True
