"""A small client of the client manager.

It needs Python's grpcio and nothing else. Messages are encoded and decoded by hand, with the field numbers of
client_manager.proto, so that no generated code is needed and a case can send what no library would.
"""

import queue
import threading
import time

import grpc

SERVICE = "/rocketmq.clientmanager.v1.ClientManager/"
ADMIN = "/rocketmq.clientmanager.v1.ClientManagerAdmin/"

BROADCASTING, CLUSTERING = 1, 2  # MessageModel


def _varint(value):
    value &= (1 << 64) - 1
    out = b""
    while True:
        byte, value = value & 0x7F, value >> 7
        out += bytes([byte | (0x80 if value else 0)])
        if not value:
            return out


def _number(field, value):
    return _varint(field << 3) + _varint(value) if value else b""


def _fixed64(field, value):
    return _varint(field << 3 | 1) + value.to_bytes(8, "little") if value else b""


def _bytes(field, value):
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field, value):
    return _bytes(field, value.encode()) if value else b""


def decode(data):
    """A message as {field: [value, ...]}. Strings and messages stay bytes."""
    fields, at = {}, 0

    def read_varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = read_varint()
        kind = tag & 7
        if kind == 0:
            value = read_varint()
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value = int.from_bytes(data[at : at + size], "little")
            at += size
        else:
            size = read_varint()
            value = bytes(data[at : at + size])
            at += size
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def first(fields, number, default=None):
    return fields.get(number, [default])[0]


def subscription(topic, expression="*", version=0):
    return _text(1, topic) + _text(2, expression) + _text(3, "TAG") + _number(4, version)


def consumer(group, subscriptions=(), model=CLUSTERING):
    return (
        _text(1, group)
        + _number(2, 2)  # CONSUME_PASSIVELY
        + _number(3, model)
        + _number(4, 1)  # CONSUME_FROM_LAST_OFFSET
        + b"".join(_bytes(5, s) for s in subscriptions)
    )


def heartbeat(client_id="", consumers=(), token=0, incarnation=0, stream_number=0):
    return (
        _text(1, client_id)
        + _fixed64(2, incarnation)
        + _fixed64(6, token)
        + b"".join(_bytes(8, c) for c in consumers)
        + _number(10, stream_number)
    )


def open_channel(address, credentials=None):
    """A connection of its own. `credentials` of grpcio, for TLS to a broker that is called localhost."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    if credentials is None:
        return grpc.insecure_channel(address, options=options)
    return grpc.secure_channel(address, credentials, options + [("grpc.ssl_target_name_override", "localhost")])


def call(address, path, request, timeout=5, credentials=None):
    with open_channel(address, credentials) as channel:
        return decode(channel.unary_unary(path, lambda b: b, lambda b: b)(request, timeout=timeout))


def beat(address, request, timeout=5, credentials=None):
    """A heartbeat by a unary call."""
    return call(address, SERVICE + "Heartbeat", request, timeout, credentials)


def _found(address, path, request, timeout=5):
    """The answer, or None if it is NOT_FOUND."""
    try:
        return call(address, path, request, timeout)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.NOT_FOUND:
            return None
        raise


def members(address, group, timeout=5):
    answer = _found(address, SERVICE + "GetConsumerListByGroup", _text(1, group), timeout)
    return [m.decode() for m in (answer or {}).get(1, [])]


def find_subscription(address, group, topic):
    """What the group subscribes to of the topic, as (expression, sub version); None if nothing."""
    answer = _found(address, ADMIN + "FindSubscription", _text(1, group) + _text(2, topic))
    if answer is None:
        return None
    found = decode(first(answer, 1, b""))
    return first(found, 2, b"").decode(), first(found, 4, 0)


def message_model(address, group):
    """The group's message model, or None if nobody is in the group."""
    answer = _found(address, ADMIN + "GetConsumerConnectionList", _text(1, group))
    return None if answer is None else first(answer, 2, 0)


class Stream:
    """One Connect stream. `pushes` gets the group of each push; `status` is (code, details) once it has ended."""

    def __init__(self, address, credentials=None):
        self.status = None
        self.ended = threading.Event()
        self.pushes = queue.Queue()
        self._replies, self._frames = queue.Queue(), queue.Queue()
        self._requests = 0
        self._channel = open_channel(address, credentials)
        connect = self._channel.stream_stream(SERVICE + "Connect", lambda b: b, lambda b: b)
        self._call = connect(iter(self._frames.get, None))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for data in self._call:
                fields = decode(data)
                if 1 in fields:
                    self._replies.put(decode(fields[1][0]))
                else:
                    self.pushes.put(decode(fields[2][0])[1][0].decode())
            self.status = self._call.code(), self._call.details()
        except grpc.RpcError as error:
            self.status = error.code(), error.details()
        self.ended.set()

    def ask(self, request, timeout=5):
        """Sends a heartbeat; returns the reply."""
        self._requests += 1
        self._frames.put(_number(1, self._requests) + _bytes(2, request))
        return self._replies.get(timeout=timeout)

    def state(self, client_id, consumers, incarnation=0, stream_number=0, timeout=5):
        """A full heartbeat."""
        self._statement = heartbeat(client_id, consumers, 0, incarnation, stream_number)
        reply = self.ask(self._statement, timeout)
        if 2 in reply:
            raise RuntimeError("a heartbeat was refused: %s" % decode(reply[2][0]))
        self._token = first(decode(reply[3][0]), 6, 0)

    def light(self, timeout=5):
        """A light heartbeat, and the full one if the broker wants it then, as the client library does."""
        answer = decode(self.ask(heartbeat(token=self._token), timeout).get(3, [b""])[0])
        if first(answer, 8, 0):
            reply = self.ask(self._statement, timeout)
            self._token = first(decode(reply[3][0]), 6, 0)

    def leave(self):
        """Half-closes, as a client that shuts down, and waits for the end."""
        self._frames.put(None)
        self.ended.wait(5)
        self._channel.close()

    def pushed(self, within=3):
        """The group of the next push, or None."""
        try:
            return self.pushes.get(timeout=within)
        except queue.Empty:
            return None

    def forget_pushes(self, quiet=0.3):
        """Reads pushes until none comes for `quiet` seconds."""
        while self.pushed(quiet) is not None:
            pass


def becomes(read, expected, within):
    """Reads until it gets `expected`, for at most `within` seconds. Returns what it read last."""
    deadline = time.monotonic() + within
    while True:
        last = read()
        if last == expected or time.monotonic() >= deadline:
            return last
        time.sleep(0.1)
