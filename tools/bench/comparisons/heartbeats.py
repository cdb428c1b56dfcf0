"""What a heartbeat costs, beside what gRPC alone costs for frames of its size."""

from context import ratios


def closed_loop(context, heartbeat, runs, goal):
    flags = {
        "pace": "closed",
        # A driver that sleeps has to be woken by the slower server for each answer, and by the faster one not.
        "busy_poll": "true",
        "heartbeat": heartbeat,
        "connections": context.pick(100, 4),
        # Short turns: a machine that others share is faster at one time than at another.
        "warmup": context.pick("300ms", "20ms"),
        "duration": context.pick("1s", "50ms"),
    }
    name = heartbeat + ", closed loop"
    samples = context.in_turn(name, ["broker", "echo", "callback echo"], context.pick(runs, 1), flags)
    context.results.row("%s heartbeat, CPU / bare echo's" % heartbeat, ratios(samples, "broker", "echo"), goal)
    context.results.row("%s heartbeat, CPU / callback echo's" % heartbeat, ratios(samples, "broker", "callback echo"))


def light(context):
    """light heartbeats in a closed loop on 100 connections"""
    closed_loop(context, "light", 31, 1.10)


def full(context):
    """full unchanged heartbeats in a closed loop on 100 connections"""
    closed_loop(context, "full", 31, 1.25)


def paced(context):
    """light heartbeats on 1,000 connections in turn, 4,000 and 1,000 a second in all"""
    for rate, goal in ((4000, 0.65), (1000, 0.55)):
        flags = {
            "pace": "%d/s" % context.pick(rate, 200),
            "connections": context.pick(1000, 4),
            "warmup": context.pick("1s", "20ms"),
            "duration": context.pick("5s", "100ms"),
        }
        name = "light, %d/s" % rate
        samples = context.in_turn(name, ["broker", "callback echo", "echo", "epoll echo"], context.pick(7, 1), flags)
        context.results.row("%s on 1,000 connections, CPU / callback echo's" % name,
                            ratios(samples, "broker", "callback echo"), goal)
        context.results.row("%s on 1,000 connections, p99 above callback echo's" % name,
                            [a["p99_ms"] - b["p99_ms"] for a, b in zip(samples["broker"], samples["callback echo"])],
                            10, unit=" ms")
        for other in ("echo", "epoll echo"):
            context.results.row("%s on 1,000 connections, CPU / %s's" % (name, "bare echo" if other == "echo" else other),
                                ratios(samples, "broker", other))
