#!/usr/bin/env python3
"""A client's first heartbeat is held up on its way, and arrives after the client has given that stream up and is online
over a new connection.

Right: the client stays a member, or is one again within seconds: of two streams of one client process the one that the
client opened later wins, whichever heartbeat comes first.
Wrong: the broker takes the older stream for a newer one and ends the live one as REPLACED, and the client never comes
back: it is in no group until it is restarted.

How much of the first stream TCP delivers in time differs, so the first situation tries several times (TRIES).
"""

import time

from support.network import Proxy
from support.processes import Broker, Program, binary
from support.situations import CannotBeTried, parameter, run, situation
from support.wire import Stream, becomes, consumer, members

TRIES = parameter("TRIES", 4)


@situation
def held_up_by_the_network():
    for attempt in range(1, TRIES + 1):
        with Broker() as broker:
            proxy = Proxy(broker.address)
            proxy.hold = lambda number, sent: number == 0 and sent > 0  # All that follows the first bytes.
            command = ["--broker=" + proxy.address, "--group=orders", "--client_id=c@1", "--heartbeat_interval=1s"]
            with Program(binary("CONSUMER"), *command) as client:
                online = client.wait_for("online at the broker", 20)
                held = proxy.connections[0].held
                before = becomes(lambda: members(broker.address, "orders"), ["c@1"], 5)
                if not (online and held and before == ["c@1"]):
                    raise CannotBeTried("the client is not online beside the stream that is held up")
                end_of_heartbeat = held[0][0] + 1.5
                becomes(lambda: held[-1][0] > end_of_heartbeat, True, 1)
                proxy.release(0, until=end_of_heartbeat)  # Head and heartbeat, not yet the client's giving up.
                time.sleep(1)  # The broker has read them by then; nothing that can be seen from here tells.
                proxy.release(0)
                after = becomes(lambda: members(broker.address, "orders"), ["c@1"], 15)
                line = "try %d: members before the late heartbeat: %s, within 15 s of it: %s" % (attempt, before, after)
                if after != ["c@1"]:
                    return False, line
    return True, line


def two_streams(first_number, second_number):
    """Two streams of one process, opened and heard in this order: what becomes of them, and of the membership."""
    with Broker() as broker:
        first, second = Stream(broker.address), None
        first.state("c@1", [consumer("orders")], incarnation=7, stream_number=first_number)
        second = Stream(broker.address)
        try:
            second.state("c@1", [consumer("orders")], incarnation=7, stream_number=second_number, timeout=2)
        except Exception:  # Refused, or ended without an answer.
            pass
        becomes(lambda: first.ended.is_set() or second.ended.is_set(), True, 5)
        return first.ended.is_set(), second.ended.is_set(), members(broker.address, "orders")


@situation
def the_stream_of_the_smaller_number_comes_later():
    seen = two_streams(first_number=2, second_number=1)
    return seen == (False, True, ["c@1"]), "stream 2 ended: %s, stream 1 ended: %s, members: %s" % seen


@situation
def the_stream_of_the_greater_number_comes_later():
    seen = two_streams(first_number=1, second_number=2)
    return seen == (True, False, ["c@1"]), "stream 1 ended: %s, stream 2 ended: %s, members: %s" % seen


@situation
def streams_without_numbers():
    seen = two_streams(first_number=0, second_number=0)
    return seen == (True, False, ["c@1"]), "the older ended: %s, the newer ended: %s, members: %s" % seen


run()
