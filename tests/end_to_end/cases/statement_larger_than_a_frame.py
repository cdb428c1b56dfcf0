#!/usr/bin/env python3
"""An application's statement is larger than a frame of its broker may be; later the application leaves groups, and the
statement fits.

Right: the application is told, with the size and the limit, and so is the broker's log. The statement is not sent again as
long as it does not change. Once it fits, the client is a member.
Wrong: the client sends it with every reconnect, for ever, and nobody says why the client is in no group.
"""

import os
import re
import time

from support.network import Proxy
from support.processes import Broker, Program, binary
from support.situations import CannotBeTried, run, situation
from support.wire import becomes, members

LIMIT = 1024  # Bytes: the least that --max_frame_bytes takes. The statement of 250 groups has several times as many.


def names_both_numbers(log):
    """Whether a line has the limit and a larger number, the size, behind the logger's prefix."""
    for line in log.splitlines():
        numbers = [int(n) for n in re.findall(r"\b\d+\b", line.split("] ", 1)[-1])]
        if LIMIT in numbers and any(LIMIT < n < 1_000_000 for n in numbers):
            return True
    return False


@situation
def of_the_client_library():
    if not os.path.exists(binary("MANY_GROUPS")):
        raise CannotBeTried("client/examples:many_groups is not built")
    with Broker("--max_frame_bytes=%d" % LIMIT) as broker:
        proxy = Proxy(broker.address)
        with Program(binary("MANY_GROUPS"), proxy.address, env={"GLOG_logtostderr": "1"}) as client:
            becomes(lambda: any(c.sent > LIMIT for c in proxy.connections), True, 10)
            time.sleep(0.5)
            sent, connections = sum(c.sent for c in proxy.connections), proxy.accepted
            changed = client.wait_for("unregistered", 20)
            again, connections = sum(c.sent for c in proxy.connections) - sent, proxy.accepted - connections
            told, logged = names_both_numbers(client.text()), names_both_numbers(broker.text())
            after = becomes(lambda: members(broker.address, "group-0"), ["many@1"], 15)
            right = changed and told and logged and again < LIMIT and after == ["many@1"]
            return bool(right), (
                "%d bytes and %d connections more before it changed; the client told the numbers: %s, the broker: %s; "
                "members once it fits: %s" % (again, connections, told, logged, after)
            )


run()
