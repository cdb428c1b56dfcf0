#!/usr/bin/env python3
"""A canary of a consumer group states something else than the others, and is taken back; or members disagree.

Right: a group is what its living members state. Once the canary is gone, and each member that is left has sent a light
heartbeat or two, topics, expressions and message model are those that the members state.
Wrong: the group reads for ever what nobody states any more, or no longer what all state.

The members send light heartbeats, as the client library does, and a full one when the broker asks for it.
"""

from support.network import Proxy
from support.processes import Broker
from support.situations import run, situation
from support.wire import (
    BROADCASTING,
    CLUSTERING,
    Stream,
    beat,
    becomes,
    consumer,
    find_subscription,
    heartbeat,
    members,
    message_model,
    subscription,
)

GROUP = "orders"


def member(address, name, *subscriptions, model=CLUSTERING, incarnation=0):
    stream = Stream(address)
    stream.state(name, [consumer(GROUP, subscriptions, model)], incarnation)
    return stream


def after_it_left(broker, stable, within=5):
    """Waits until the stable member is alone, and has sent some heartbeats then."""

    def beat_and_list():
        stable.light()
        return members(broker.address, GROUP)

    alone = becomes(beat_and_list, ["stable@1"], within)
    for _ in range(3):
        stable.light()
    return alone == ["stable@1"]


def subscriptions(broker, *topics):
    return {topic: find_subscription(broker.address, GROUP, topic) for topic in topics}


def topics_verdict(broker, alone):
    found = subscriptions(broker, "old-events", "new-events")
    right = alone and found == {"old-events": ("*", 100), "new-events": None}
    return right, "after the canary has gone the group reads %s" % found


@situation
def another_topic():
    with Broker() as broker:
        stable = member(broker.address, "stable@1", subscription("old-events", version=100))
        member(broker.address, "canary@1", subscription("new-events", version=200)).leave()
        return topics_verdict(broker, after_it_left(broker, stable))


@situation
def another_topic_and_the_canary_is_cut_off():
    with Broker() as broker:
        stable = member(broker.address, "stable@1", subscription("old-events", version=100))
        proxy = Proxy(broker.address)
        member(proxy.address, "canary@1", subscription("new-events", version=200))
        proxy.close()
        return topics_verdict(broker, after_it_left(broker, stable))


@situation
def another_topic_of_a_canary_of_unary_calls_that_expires():
    with Broker("--channel_expiry=2s", "--housekeeping_period=500ms") as broker:
        stable = member(broker.address, "stable@1", subscription("old-events", version=100))
        beat(broker.address, heartbeat("canary@1", [consumer(GROUP, [subscription("new-events", version=200)])]))
        return topics_verdict(broker, after_it_left(broker, stable, within=8))


@situation
def another_expression():
    with Broker() as broker:
        stable = member(broker.address, "stable@1", subscription("events", "red", version=100))
        canary = member(broker.address, "canary@1", subscription("events", "blue", version=200))
        during = find_subscription(broker.address, GROUP, "events")
        canary.leave()
        alone = after_it_left(broker, stable)
        after = find_subscription(broker.address, GROUP, "events")
        right = alone and during == ("blue", 200) and after == ("red", 100)
        return right, "the expression is %s beside the canary, and %s after it" % (during, after)


@situation
def broadcasting():
    with Broker() as broker:
        stable = member(broker.address, "stable@1", subscription("events"))
        canary = member(broker.address, "canary@1", subscription("events"), model=BROADCASTING)
        during = message_model(broker.address, GROUP)
        stable.forget_pushes()
        canary.leave()
        alone = after_it_left(broker, stable)
        told_of_leaving = stable.pushed()
        stable.forget_pushes()
        after = message_model(broker.address, GROUP)
        member(broker.address, "peer@1", subscription("events"))
        told_of_peer = stable.pushed()
        right = alone and during == BROADCASTING and after == CLUSTERING and bool(told_of_leaving and told_of_peer)
        return right, "message model %s, then %s; told of the canary's leaving: %s, of the next member: %s" % (
            during,
            after,
            told_of_leaving,
            told_of_peer,
        )


@situation
def a_member_drops_what_another_still_states():
    with Broker() as broker:
        stable = member(broker.address, "stable@1", subscription("events", "red", version=100))
        other = member(
            broker.address, "other@1", subscription("events", "blue", version=200), subscription("own", version=200)
        )
        other.state("other@1", [consumer(GROUP, [subscription("other", version=300)])])
        stable.light()
        other.light()
        found = subscriptions(broker, "events", "own", "other")
        right = found == {"events": ("red", 100), "own": None, "other": ("*", 300)}
        return right, "the group reads %s" % found


@situation
def members_that_disagree_and_one_reconnects():
    with Broker() as broker:
        stable = member(broker.address, "stable@1", subscription("old-events", version=100))
        other = member(broker.address, "other@1", subscription("new-events", version=200), incarnation=7)
        again = member(broker.address, "other@1", subscription("new-events", version=200), incarnation=7)
        other.ended.wait(5)
        stable.light()
        again.light()
        found = subscriptions(broker, "old-events", "new-events")
        right = found == {"old-events": ("*", 100), "new-events": ("*", 200)}
        return right, "after the other member has reconnected the group reads %s" % found


@situation
def a_member_is_cut_off_while_another_states_the_same():
    with Broker() as broker:
        stable = member(broker.address, "stable@1", subscription("old-events", version=100))
        proxy = Proxy(broker.address)
        member(proxy.address, "other@1", subscription("old-events", version=200))
        proxy.close()
        alone = after_it_left(broker, stable)
        found = find_subscription(broker.address, GROUP, "old-events")
        return alone and found == ("*", 100), "what both stated is %s after one has gone" % (found,)


run()
