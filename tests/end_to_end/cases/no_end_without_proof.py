#!/usr/bin/env python3
"""A proxy or a service mesh before the broker ends a client's stream, or refuses to open it, for some seconds: while its
rules are rolled out, or while it is restarted. gRPC makes a status of what the proxy says. No broker said anything.

Right: the client tries again, with backoff, and is online soon after the proxy lets it through.
Wrong: it takes itself for kicked by an operator, or for replaced by a newer stream, and never comes back.
"""

from support import network
from support.network import Proxy
from support.processes import Broker, Program, binary
from support.situations import CannotBeTried, run, situation
from support.wire import becomes, members

REFUSALS = 3  # Of the client's tries: an older client gave up after the first.


def comes_back(refusal, after_it_stood):
    with Broker() as broker:
        proxy = Proxy(broker.address)
        if not after_it_stood:
            proxy.refusal = refusal
        command = ["--broker=" + proxy.address, "--group=orders", "--client_id=c@1", "--heartbeat_interval=1s"]
        with Program(binary("CONSUMER"), *command) as client:
            if after_it_stood:
                if becomes(lambda: members(broker.address, "orders"), ["c@1"], 15) != ["c@1"]:
                    raise CannotBeTried("the client does not come online")
                proxy.refusal = refusal
                proxy.cut()
            becomes(lambda: proxy.accepted - len(proxy.connections) >= REFUSALS, True, 20)
            refused = proxy.accepted - len(proxy.connections)
            proxy.refusal = None
            after = becomes(lambda: members(broker.address, "orders"), ["c@1"], 20)
            return refused >= REFUSALS and after == ["c@1"], "refused %d connections; members within 20 s: %s; the client: %s" % (
                refused,
                after,
                client.last_line(),
            )


@situation
def http_403_at_first():
    return comes_back(network.HTTP_403, after_it_stood=False)


@situation
def http_403_after_the_stream_stood():
    return comes_back(network.HTTP_403, after_it_stood=True)


@situation
def aborted_at_first():
    return comes_back(network.GRPC_ABORTED, after_it_stood=False)


@situation
def aborted_after_the_stream_stood():
    return comes_back(network.GRPC_ABORTED, after_it_stood=True)


@situation
def unauthenticated_after_the_stream_stood():
    return comes_back(network.GRPC_UNAUTHENTICATED, after_it_stood=True)


@situation
def a_page_at_first():
    return comes_back(network.HTTP_200, after_it_stood=False)


# The proxy goes on refusing on the connection that it refused on: only another one leads to the broker.
@situation
def ok_at_first():
    return comes_back(network.GRPC_OK, after_it_stood=False)


@situation
def cancelled_after_the_stream_stood():
    return comes_back(network.GRPC_CANCELLED, after_it_stood=True)


@situation
def deadline_exceeded_at_first():
    return comes_back(network.GRPC_DEADLINE_EXCEEDED, after_it_stood=False)


run()
