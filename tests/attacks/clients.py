"""What clients say, and whether somebody is let in: used by attacks and by who judges them."""

import contextlib
import time

from frames import Connection, message
import stubs

SERVICE = "/rocketmq.clientmanager.v1.ClientManager/"
ADMIN = "/rocketmq.clientmanager.v1.ClientManagerAdmin/"
MESSAGING = "/apache.rocketmq.v2.MessagingService/"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
HEALTH = "/grpc.health.v1.Health/"


def heartbeat(client_id, groups=("attackers",), topic="orders"):
    pb, _ = stubs.load()
    request = pb.HeartbeatRequest(client_id=client_id, language=pb.LANGUAGE_CODE_PYTHON)
    for group in groups:
        request.consumers.add(group=group).subscriptions.add(topic=topic)
    return request


def heartbeat_message(client_id, *groups_and_topic):
    """Of a unary call."""
    return message(heartbeat(client_id, *groups_and_topic).SerializeToString())


def frame_of(request, request_id=1):
    """Of a stream."""
    pb, _ = stubs.load()
    return message(pb.ClientFrame(request_id=request_id, heartbeat=request).SerializeToString())


def listing(group="attackers"):
    pb, _ = stubs.load()
    return message(pb.GetConsumerListByGroupRequest(group=group).SerializeToString())


def join(address, name, source, deadline):
    """Whether one try to join succeeds before the deadline."""
    left = deadline - time.monotonic()
    if left <= 0:
        return False
    try:
        connection = Connection(address, source=source, seconds=left)
    except OSError:
        return False
    stream = connection.open(SERVICE + "Connect", frame_of(heartbeat(name, ["newcomers"])), ends=False)
    connection.flush(max(0, deadline - time.monotonic()))
    while not connection.is_closed and time.monotonic() < deadline:
        connection.pump(0.05)
        if stream in connection.answers or stream in connection.trailers:
            break
    joined = stream in connection.answers
    connection.close()
    return joined


def newcomer(address, source, seconds):
    """How long a client that tries again and again takes to join; None if longer than that."""
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        if join(address, "newcomer-%s-%d" % (source, time.monotonic_ns()), source, begin + seconds):
            return time.monotonic() - begin
        time.sleep(0.1)
    return None


def newcomers(target, count, source="127.0.0.3"):
    """How many well-behaved clients can join now, one after the other."""
    return sum(newcomer(target.address, source, 5) is not None for _ in range(count))


def ask(address, path, body, seconds, source="127.0.0.1"):
    """The status and the answer of one unary call; None, and what there was of it, if it takes longer."""
    try:
        connection = Connection(address, source=source, seconds=seconds)
    except OSError:
        return None, b""
    stream = connection.open(path, body)
    connection.flush(seconds)
    trailers = connection.await_end(stream, seconds) or {}
    answer = connection.answers[stream]
    connection.close()
    return trailers.get("grpc-status"), answer


def unhealthy(address, seconds):
    """What health or a listing of clients says that it should not; None if all is well."""
    code, answer = ask(address, HEALTH + "Check", message(b""), seconds)
    if code != "0" or answer[5:] != b"\x08\x01":  # SERVING
        return "health: status %s, answer %r" % (code, answer)
    code, answer = ask(address, ADMIN + "ListClients", message(b""), seconds)
    if code != "0" or b"victim-" not in answer:
        return "ListClients: status %s, %d bytes" % (code, len(answer))
    return None


def open_many(target, connections, calls, path, body=None, ends=False, **options):
    """So many calls on each of so many connections; returns those that were let in."""
    opened = []
    for _ in range(connections):
        try:
            connection = target.connect(**options)
        except OSError:  # Others of the address were ended.
            break
        opened.append(connection)
        for i in range(calls):
            connection.open(path, body, ends)
            if i % 500 == 499 and not connection.flush():
                break
        connection.flush()
    return opened


def hold(connections, seconds, done=lambda: False):
    """Reads what comes for that long, or until all is done."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not done():
        for connection in connections:
            connection.pump()
        time.sleep(0.02)


def close(connections):
    for connection in connections:
        connection.close()


def fill_a_group(target, members):
    """A group of so many members with long client ids, by unary heartbeats."""
    connection = target.connect()
    for i in range(members):
        stream = connection.open(SERVICE + "Heartbeat")
        connection.send_within_windows(stream, heartbeat_message("attacker-%0200d" % i))
    connection.await_end(stream, 10)
    connection.close()


def in_turn(target, path, bodies):
    """Calls on four connections, eight at a time on each. How many, and how many were refused."""
    connections = [target.connect() for _ in range(4)]
    deadline = time.monotonic() + target.seconds
    sent = refused = 0
    while time.monotonic() < deadline:
        for i, connection in enumerate(connections):
            if connection.is_closed:
                refused += connection.over["8"]
                time.sleep(0.02)
                with contextlib.suppress(OSError):
                    connections[i] = target.connect(seconds=1)
                continue
            while (not connection.is_closed and connection.next_stream // 2 - sum(connection.over.values()) < 8
                   and time.monotonic() < deadline):
                sent += connection.send_within_windows(connection.open(path), next(bodies), 1)
            connection.pump()
    refused += sum(connection.over["8"] for connection in connections)
    close(connections)
    return sent, refused
