"""Calls that say nothing, are not read, or are those of operators."""

import itertools
import time

from attack import attack, codes
from clients import (ADMIN, HEALTH, MESSAGING, REFLECTION, SERVICE, ask, close, fill_a_group, frame_of, heartbeat, heartbeat_message, hold,
                     in_turn, listing, newcomers, open_many)
from flood import Flood
from frames import message
import stubs
import wire


@attack(flags=("--max_channels=1000",))
def silent_streams(target, outcome):
    """twice --max_channels streams that send nothing; ten newcomers"""
    connections = open_many(target, 10, 200, SERVICE + "Connect")
    hold(connections, 0.5)
    joined = newcomers(target, 10)
    outcome.expect(joined == 10, "%d of 10 newcomers served" % joined)
    hold(connections, 11)
    over = sum(codes(connections).values())
    outcome.expect(over >= 2000, "%d of 2,000 ended within 12 s" % over)
    close(connections)


@attack()
def one_connection(target, outcome):
    """20,000 silent streams on one connection that never acknowledges the settings"""
    connections = open_many(target, 1, 20_000, SERVICE + "Connect", acknowledges=False)
    # All but the oldest, if the broker counts them.
    deadline = time.monotonic() + 8
    while not connections[0].is_closed and connections[0].over["8"] < 20_000 - 2048 and time.monotonic() < deadline:
        hold(connections, 0.5)
    refused = connections[0].over["8"]
    outcome.expect(refused == 20_000 - 2048 or connections[0].is_closed,
                   "%d refused%s" % (refused, ", then ended" * connections[0].is_closed))
    close(connections)


@attack()
def unary_without_message(target, outcome):
    """20,000 unary calls on ten connections whose message never comes"""
    connections = open_many(target, 10, 2000, SERVICE + "Heartbeat", acknowledges=False)
    hold(connections, 14)
    over = sum(codes(connections).values())
    ended = sum(connection.is_closed for connection in connections)
    outcome.expect(over >= 20_000 or ended == len(connections),
                   "%d calls ended by the broker, and %d of %d connections" % (over, ended, len(connections)))
    close(connections)


@attack()
def health_watches(target, outcome):
    """20,000 health watches on ten connections"""
    connections = open_many(target, 10, 2000, HEALTH + "Watch", message(b""), ends=True, acknowledges=False)
    hold(connections, 2)
    refused = codes(connections)["8"]
    ended = sum(connection.is_closed for connection in connections)
    outcome.expect(refused >= 19_000 or ended >= len(connections) - 1,
                   "%d refused, %d of %d connections ended" % (refused, ended, len(connections)))
    close(connections)


@attack()
def reflection_streams(target, outcome):
    """1,500 streams of server reflection; then somebody who needs it"""
    request = message(b"\x3a\x00")
    connections = open_many(target, 3, 500, REFLECTION, request, ends=False)
    hold(connections, 2)
    threads = target.status("Threads")
    outcome.expect(threads <= 40, "%d threads" % threads)
    close(connections)
    deadline = time.monotonic() + 10
    served = False
    while not served and time.monotonic() < deadline:
        served = ask(target.address, REFLECTION, request, 2)[0] == "0"
    outcome.expect(served, "served afterwards" if served else "not served afterwards")


@attack(memory_mib=250, why="20,000 members that are taken have their memory while they are there.")
def many_streams(target, outcome):
    """20,000 streams on ten connections that heartbeat, and go together"""
    connections = []
    for c in range(10):
        try:
            connection = target.connect()
        except OSError:
            break
        connections.append(connection)
        for i in range(2000):
            stream = connection.open(SERVICE + "Connect")
            connection.send_within_windows(stream, frame_of(heartbeat("flood-%d-%d" % (c, i), ["flood-%d" % (i % 100)])), 5, ends=False)
    hold(connections, 1)
    answered = sum(len(connection.answers) for connection in connections)
    ended = sum(connection.is_closed for connection in connections)
    outcome.remarks.append("%d answered, %d of %d connections ended" % (answered, ended, len(connections)))
    close(connections)


@attack(flags=("--max_channels=1000",), neighbours_afterwards=False,
        why="The address has as many channels as it may until those expire: --max_channels_per_address.")
def channels_by_unary_heartbeats(target, outcome):
    """three times --max_channels client ids by unary heartbeats, of one address"""
    connection = target.connect()
    for i in range(3000):
        connection.send_within_windows(connection.open(SERVICE + "Heartbeat"), heartbeat_message("sybil-%d" % i), 5)
    hold([connection], 1)
    outcome.remarks.append("%d taken, %d refused" % (connection.over["0"], connection.over["8"]))
    connection.close()
    time.sleep(target.seconds)


# --- Answers that nobody reads ---

@attack()
def unread_answers(target, outcome):
    """listings of 200 KB with a window of 0, 2,000 on one connection"""
    fill_a_group(target, 1000)
    connections = open_many(target, 1, 2000, SERVICE + "GetConsumerListByGroup", listing(), ends=True, settings={4: 0}, acknowledges=False)
    hold(connections, target.seconds)
    outcome.remarks.append("%d answered at once" % connections[0].over["8"])
    close(connections)


@attack()
def unread_listings_on_streams(target, outcome):
    """1,000 streams of one connection that ask for ten listings of 200 KB each, and read nothing"""
    fill_a_group(target, 1000)
    pb, _ = stubs.load()
    asked = pb.ClientFrame(request_id=7)
    asked.get_consumer_list_by_group.group = "attackers"
    listings = message(asked.SerializeToString()) * 10
    connection = target.connect(settings={4: 0}, acknowledges=False)
    for i in range(1000):
        stream = connection.open(SERVICE + "Connect")
        connection.send_within_windows(stream, frame_of(heartbeat("deaf-%d" % i)) + listings, 1, ends=False)
    hold([connection], target.seconds)
    outcome.remarks.append("%d streams ended%s" % (sum(connection.over.values()), ", then the connection" * connection.is_closed))
    connection.close()


@attack()
def tiny_windows(target, outcome):
    """listings of 200 KB that are read a byte at a time, 500 on one connection"""
    fill_a_group(target, 1000)
    calls = b"".join(wire.call(stream, listing()) for stream in range(3, 1003, 2))
    updates = b"".join(wire.window_update(stream, 1) for stream in range(3, 1003, 2))
    begin = wire.prelude(SERVICE + "GetConsumerListByGroup", {4: 1}) + wire.window_update(0, 1 << 30) + calls
    Flood(target, begin, lambda: wire.blocks_of(updates)).run(outcome)


@attack()
def unread_pushes(target, outcome):
    """100 streams in the groups of the well-behaved that read nothing, while others join and leave"""
    connection = target.connect(settings={4: 0}, acknowledges=False)
    for i in range(100):
        connection.open(SERVICE + "Connect", frame_of(heartbeat("deaf-%d" % i, ["victims-%d" % g for g in range(10)])), ends=False)
    connection.flush()
    deadline = time.monotonic() + target.seconds
    turn = 0
    while time.monotonic() < deadline:
        other = target.connect()
        other.open(SERVICE + "Connect", frame_of(heartbeat("restless", ["victims-%d" % g for g in range(10)])), ends=False)
        other.flush()
        other.pump(0.05)
        other.close()
        turn += 1
        if connection.is_closed:
            break
        connection.pump()
    outcome.remarks.append("%d joined and left" % turn)
    connection.close()


@attack()
def unread_watches(target, outcome):
    """as many watches as an address may have that read nothing, while members come and go"""
    pb = stubs.load_admin()
    connections = open_many(target, 2, 100, ADMIN + "Watch", message(pb.WatchRequest().SerializeToString()), ends=True,
                            settings={4: 0}, acknowledges=False)
    bodies = [frame_of(heartbeat("seen-%d" % i, ["seen-%d-%d" % (i, g) for g in range(20)])) for i in range(200)]
    other = target.connect()
    deadline = time.monotonic() + target.seconds
    for body in itertools.cycle(bodies):
        stream = other.open(SERVICE + "Connect", body, ends=False)
        other.flush()
        other.pump(0.002)
        other.reset(stream)
        if time.monotonic() > deadline or other.is_closed:
            break
    hold(connections, 0.1)
    outcome.remarks.append("%d watches ended, %d joined and left" % (sum(codes(connections).values()), other.next_stream // 2))
    close(connections + [other])


# --- What operators call ---

@attack()
def kicks(target, outcome):
    """kicks by a label that nobody has, each of which looks at all channels, as fast as they are answered"""
    pb = stubs.load_admin()
    body = message(pb.KickClientsRequest(labels={"zone": "nowhere"}).SerializeToString())
    sent, refused = in_turn(target, ADMIN + "KickClients", itertools.repeat(body))
    outcome.remarks.append("%d a second, %d %% refused" % (sent / target.seconds, 100 * refused / max(sent, 1)))


@attack()
def drains(target, outcome):
    """drains that are cancelled before they were begun, as fast as they are answered"""
    pb = stubs.load_admin()
    body = message(pb.DrainRequest(cancel=True).SerializeToString())
    sent, refused = in_turn(target, ADMIN + "Drain", itertools.repeat(body))
    outcome.remarks.append("%d a second, %d %% refused" % (sent / target.seconds, 100 * refused / max(sent, 1)))


@attack()
def client_lists(target, outcome):
    """listings of all clients by a label, as fast as they are answered"""
    pb = stubs.load_admin()
    body = message(pb.ListClientsRequest(filter=pb.ClientFilter(labels={"zone": "nowhere"})).SerializeToString())
    sent, refused = in_turn(target, ADMIN + "ListClients", itertools.repeat(body))
    outcome.remarks.append("%d a second, %d %% refused" % (sent / target.seconds, 100 * refused / max(sent, 1)))


@attack()
def watches_that_go(target, outcome):
    """watches of all groups, whole with their message, and reset at once"""
    pb = stubs.load_admin()
    body = message(pb.WatchRequest().SerializeToString())
    fill_a_group(target, 1000)
    Flood(target, wire.prelude(ADMIN + "Watch"),
          lambda: wire.blocks_of_calls(lambda stream: wire.call(stream, body) + wire.reset(stream))).run(outcome)


# --- What RocketMQ 5's SDKs call ---

def field(number, value):
    """A field of protobuf that is a text or a message; both numbers are below 128."""
    return bytes((number << 3 | 2, len(value))) + value


def sdk_headers(client_id):
    return [("x-mq-client-id", client_id), ("x-mq-language", "PYTHON"), ("x-mq-protocol", "v2"), ("x-mq-client-version", "5.0.0")]


@attack()
def telemetry_streams(target, outcome):
    """10,000 Telemetry streams on five connections that say nothing, or what is no setting"""
    connections = [target.connect() for _ in range(5)]
    for c, connection in enumerate(connections):
        for i in range(2000):
            body = message(field(1, b"")) if i % 2 else None
            connection.open(MESSAGING + "Telemetry", body, ends=False, extra=sdk_headers("telemeter-%d-%d" % (c, i)))
        connection.flush()
    hold(connections, 11)
    outcome.remarks.append("%s, %d of %d connections ended" % (
        dict(codes(connections)), sum(connection.is_closed for connection in connections), len(connections)))
    close(connections)


@attack()
def held_receives(target, outcome):
    """10,000 calls of ReceiveMessage on five connections, each of another client"""
    topic = field(2, b"orders")
    body = message(field(1, field(2, b"receivers")) + field(2, field(1, topic)) + field(7, b"\x08\x14"))
    connections = [target.connect() for _ in range(5)]
    for c, connection in enumerate(connections):
        for i in range(2000):
            stream = connection.open(MESSAGING + "ReceiveMessage", extra=sdk_headers("receiver-%d-%d" % (c, i)))
            connection.send_within_windows(stream, body, 5)
    hold(connections, 1)
    outcome.remarks.append("%d answered, %s, %d of %d connections ended" % (
        sum(len(connection.answers) for connection in connections), dict(codes(connections)),
        sum(connection.is_closed for connection in connections), len(connections)))
    close(connections)


@attack()
def sdk_heartbeats(target, outcome):
    """heartbeats of RocketMQ 5's clients, each another one, as fast as they are taken"""
    body = message(field(1, field(2, b"attackers")) + b"\x10\x02")

    def call(stream):
        return wire.call(stream, body, headers=wire.REPEATED_HEADERS + b"".join(
            wire.literal(name.encode(), value.encode()) for name, value in sdk_headers("sdk-%d" % stream)))
    Flood(target, wire.prelude(MESSAGING + "Heartbeat"), lambda: wire.blocks_of_calls(call, calls=1000)).run(outcome)
