#!/usr/bin/env python3
"""One process has 250 consumer groups (a gateway, say), unregisters 249 of them at once, and goes on with the last.

Right: within WITHIN seconds (10) the broker has the process in the one group only, whatever the broker's --max_frame_rate.
Wrong: the client library unregisters faster than the broker takes frames, and does not say it again: a ghost stays in each
of those groups for the channel expiry (120 s), and other members of such a group leave its share of the queues to it.
"""

import os

from support.processes import Broker, Program, binary
from support.situations import CannotBeTried, parameter, run, situation
from support.wire import becomes, members

WITHIN = parameter("WITHIN", 10)


def leave(*flags):
    if not os.path.exists(binary("MANY_GROUPS")):
        raise CannotBeTried("client/examples:many_groups is not built")
    with Broker(*flags) as broker, Program(binary("MANY_GROUPS"), broker.address) as client:
        if not client.wait_for("unregistered", 20):
            return False, "the client did not come so far: " + client.last_line()

        def ghosts():
            return sum(1 for i in range(1, 250) if members(broker.address, "group-%d" % i))

        left = becomes(ghosts, 0, WITHIN)
        kept = members(broker.address, "group-0")
        return left == 0 and kept == ["many@1"], "the process is still in %d of the 249 groups, in the one it kept: %s" % (
            left,
            kept,
        )


@situation
def at_the_default_frame_rate():
    return leave()


@situation
def at_five_frames_a_second():
    return leave("--max_frame_rate=5")


@situation
def at_one_frame_a_second():
    return leave("--max_frame_rate=1")


run()
