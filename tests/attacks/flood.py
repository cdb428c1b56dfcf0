"""Sends bytes as fast as the broker takes them, on some connections, again and again."""

import select
import time

from transport import dial

# What is written to one connection before the next has its turn.
TURN = 256 * 1024
# How long whose connection was ended waits before it connects again.
PAUSE_S = 0.02


class Flooder:
    """One connection at a time, the next once the broker has ended it."""

    def __init__(self, flood, source):
        self.flood, self.source = flood, source
        self.socket = None
        self.again = 0

    def connect(self, now):
        self.again = now + self.flood.pause_s
        try:
            self.socket = dial(self.flood.address, self.source, 1)
        except OSError:
            self.flood.refused += 1
            return
        self.socket.setblocking(False)
        self.flood.connected += 1
        self.blocks = self.flood.blocks()
        self.pending = memoryview(self.flood.begin)

    def end(self, now):
        self.socket.close()
        self.socket = None
        self.flood.ended += 1
        self.again = now + self.flood.pause_s

    def read(self):
        """Whether the connection still is."""
        try:
            while self.flood.reads:
                data = self.socket.recv(1 << 18)
                if not data:
                    return False
                self.flood.received += len(data)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def write(self):
        """Whether the connection still is."""
        left = TURN
        try:
            while left > 0:
                if not self.pending:
                    block = next(self.blocks, None)
                    if block is None:
                        return False
                    self.pending = memoryview(block)
                written = self.socket.send(self.pending[:left])
                self.pending = self.pending[written:]
                self.flood.sent += written
                left -= written
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


class Flood:
    """`begin` once on each connection, then what `blocks()` yields."""

    def __init__(self, target, begin, blocks, connections=1, reads=True, pause_s=PAUSE_S, sources=None):
        self.address, self.begin, self.blocks = target.address, begin, blocks
        self.reads, self.pause_s = reads, pause_s
        self.seconds = target.seconds
        sources = sources or [target.source]
        self.flooders = [Flooder(self, sources[i % len(sources)]) for i in range(connections)]
        self.sent = self.received = self.connected = self.ended = self.refused = 0

    def run(self, outcome, seconds=None):
        deadline = time.monotonic() + (seconds or self.seconds)
        now = 0
        while now < deadline:
            now = time.monotonic()
            for flooder in self.flooders:
                if not flooder.socket and now >= flooder.again:
                    flooder.connect(now)
            by_socket = {flooder.socket: flooder for flooder in self.flooders if flooder.socket}
            if not by_socket:
                time.sleep(PAUSE_S)
                continue
            readable, writable, _ = select.select(by_socket if self.reads else [], by_socket, [], 0.1)
            for ready in set(readable) | set(writable):
                flooder = by_socket[ready]
                if not flooder.read() or (ready in writable and not flooder.write()):
                    flooder.end(now)
        for flooder in self.flooders:
            if flooder.socket:
                flooder.socket.close()
        outcome.remarks.append("%.0f MB sent, %d connections, %d of them ended" % (self.sent / 1e6, self.connected, self.ended))
