#!/usr/bin/env python3
"""A client lists two addresses that lead to the same broker: two proxies for redundancy, a name and an address, a virtual
address and the real one. Later one of the ways is closed for good; the other works.

Right: the client is a member over one of them, once, and within 20 s over the other when the way in use is closed. If the
way that is not in use is closed, it stays a member.
Wrong: the stream that the other one replaced at the start is never opened again, so the client is in no group although an
address that it lists leads to a healthy broker.
"""

import time

from support.network import Proxy, joined_from
from support.processes import Broker, Program, binary
from support.situations import CannotBeTried, run, situation
from support.wire import becomes, members


def one_way_is_closed(the_one_in_use):
    with Broker() as broker:
        ways = [Proxy(broker.address), Proxy(broker.address)]
        command = ["--broker=" + ",".join(w.address for w in ways), "--group=orders", "--client_id=c@1"]
        with Program(binary("CONSUMER"), *command, "--heartbeat_interval=1s") as client:
            if not client.wait_for("online at"):
                raise CannotBeTried("the client does not come online: " + client.last_line())
            time.sleep(3)  # Both have been tried, and one has replaced the other.
            both = members(broker.address, "orders")
            port = joined_from(broker.text())
            way = next(w for w in ways if w.carries(port) == the_one_in_use)
            way.close()
            if the_one_in_use:
                becomes(lambda: members(broker.address, "orders"), [], 5)
                after = becomes(lambda: members(broker.address, "orders"), ["c@1"], 20)
            else:
                time.sleep(3)
                after = members(broker.address, "orders")
            return both == after == ["c@1"], "members with both ways: %s, with one: %s" % (both, after)


@situation
def the_way_in_use_is_closed():
    return one_way_is_closed(the_one_in_use=True)


@situation
def the_other_way_is_closed():
    return one_way_is_closed(the_one_in_use=False)


run()
