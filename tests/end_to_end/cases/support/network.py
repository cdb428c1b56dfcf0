"""What stands between a client and a broker: proxies that hold back, cut and refuse."""

import re
import socket
import struct
import threading
import time


def free_port(host="127.0.0.1", family=socket.AF_INET):
    """A port that was free a moment ago."""
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class _Connection:
    def __init__(self, client, broker):
        self.client, self.broker = client, broker
        self.held = []  # (time, bytes)
        self.holding = False
        self.sent = 0  # Bytes from the client.

    def pass_on(self, data):
        try:
            if data:
                self.broker.sendall(data)
            else:
                self.broker.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        """Resets both sides: neither hears a farewell."""
        for side in (self.client, self.broker):
            try:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Proxy:
    """A TCP proxy on a port of its own.

    `hold(number of the connection, bytes that its client has sent so far)` may be set: once it is true, what the client
    sends from then on stays here until release().
    `refusal`, if set, is the HTTP/2 header block that new connections get as the answer to every request, instead of the
    broker's: see HTTP_403 and GRPC_ABORTED.
    """

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self._target = host, int(port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._server.getsockname()[1]
        self.connections = []
        self.accepted = 0
        self.hold = lambda number, sent: False
        self.refusal = None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            if self.refusal is not None:
                threading.Thread(target=_refuse, args=(client, self.refusal), daemon=True).start()
                continue
            try:
                broker = socket.create_connection(self._target, 5)
            except OSError:
                client.close()
                continue
            connection = _Connection(client, broker)
            self.connections.append(connection)
            number = len(self.connections) - 1
            threading.Thread(target=self._up, args=(number, connection), daemon=True).start()
            threading.Thread(target=self._down, args=(connection,), daemon=True).start()

    def _up(self, number, connection):
        while True:
            try:
                data = connection.client.recv(65536)
            except OSError:
                data = b""
            if data and self.hold(number, connection.sent):
                connection.holding = True
            connection.sent += len(data)
            if connection.holding:
                connection.held.append((time.monotonic(), data))
            else:
                connection.pass_on(data)
            if not data:
                return

    @staticmethod
    def _down(connection):
        while True:
            try:
                data = connection.broker.recv(65536)
                if not data:
                    connection.client.shutdown(socket.SHUT_WR)
                    return
                connection.client.sendall(data)
            except OSError:
                return

    def release(self, number, until=None):
        """Lets through what a connection has held back, or what came before the time `until` of it."""
        connection = self.connections[number]
        rest = []
        for at, data in connection.held:
            if until is None or at <= until:
                connection.pass_on(data)
            else:
                rest.append((at, data))
        connection.held = rest

    def cut(self):
        """Ends the connections that there are."""
        for connection in self.connections:
            connection.cut()

    def close(self):
        """No way leads through here any more."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def carries(self, remote_port):
        """Whether a connection of this proxy is the one that the broker sees from `remote_port`."""
        for connection in self.connections:
            try:
                if connection.broker.getsockname()[1] == remote_port:
                    return True
            except OSError:
                pass
        return False


def joined_from(broker_log):
    """The port from which the latest member joined, by the broker's log."""
    return int(re.findall(r"joined.* remote=127\.0\.0\.1:(\d+)", broker_log)[-1])


def _literal(name, value):
    """A header field by HPACK, without any table."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


HTTP_403 = _literal(b":status", b"403")
# A page, such as one to log in.
HTTP_200 = _literal(b":status", b"200") + _literal(b"content-type", b"text/html")


def grpc_status(code):
    """Trailers alone, as gRPC has them."""
    return (
        _literal(b":status", b"200")
        + _literal(b"content-type", b"application/grpc")
        + _literal(b"grpc-status", str(code).encode())
    )


GRPC_OK, GRPC_CANCELLED, GRPC_DEADLINE_EXCEEDED, GRPC_ABORTED, GRPC_UNAUTHENTICATED = (
    grpc_status(code) for code in (0, 1, 4, 10, 16)
)


def _refuse(client, headers):
    """Speaks as much HTTP/2 as is needed to end every request with `headers`."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    headers_frame, settings_frame = 1, 4
    end_stream_and_headers, acknowledgment = 5, 1

    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    data = b""
    try:
        client.sendall(frame(settings_frame, 0, 0))
        while True:
            received = client.recv(65536)
            if not received:
                return
            data += received
            if data.startswith(preface):
                data = data[len(preface) :]
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                size, kind, flags = int.from_bytes(data[:3], "big"), data[3], data[4]
                stream = int.from_bytes(data[5:9], "big")
                data = data[9 + size :]
                if kind == settings_frame and not flags & acknowledgment:
                    client.sendall(frame(settings_frame, acknowledgment, 0))
                if kind == headers_frame:
                    client.sendall(frame(headers_frame, end_stream_and_headers, stream, headers))
    except OSError:
        pass
