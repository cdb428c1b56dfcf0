"""Others that do the same: RocketMQ's Java broker, and etcd's leases. Opt-in."""

from context import ratios
from servers import Etcd, Java


def flags_of(context, heartbeat, pace):
    return {
        "pace": pace if pace == "closed" else "%d/s" % context.pick(int(pace), 200),
        "heartbeat": heartbeat,
        "connections": context.pick(1000, 4),
        "warmup": context.pick("1s", "20ms"),
        "duration": context.pick("5s", "100ms"),
    }


def java(context):
    """RocketMQ's own broker, over its own protocol, 1,000 connections (--java)"""
    name = "heartbeats per server-CPU-second / Java's: %s"
    if not context.options.java or not Java.program():
        note = "tools/bench/java is not there" if context.options.java else "not asked for: --java"
        context.results.absent(name % "light and full", None, note)
        return
    # Java's broker costs 2 to 3 of bare gRPC: what gRPC allows is the measure.
    for heartbeat, plain, part in (("full", 2, 0.8), ("light", 2.5, 0.9)):
        for pace in "closed", "4000", "1000":
            what = "%s, %s" % (heartbeat, "closed loop" if pace == "closed" else pace + "/s")
            samples = context.in_turn("beside Java, " + what, ["broker", "echo", "java"], context.pick(7, 1), flags_of(context, heartbeat, pace),
                                      {"java": Java})
            context.results.row(name % what, ratios(samples, "java", "broker"), plain if pace == "closed" else None, at_least=True)
            if pace == "closed":
                context.results.row("that ratio / the bare echo's own, %s" % heartbeat, ratios(samples, "echo", "broker"), part, at_least=True)


def etcd(context):
    """etcd's LeaseKeepAlive, a gRPC stream too, 1,000 connections (--etcd)"""
    name = "heartbeats per server-CPU-second / etcd's: %s"
    if not context.options.etcd or not Etcd.program():
        note = "etcd is not installed" if context.options.etcd else "not asked for: --etcd"
        context.results.absent(name % "light", None, note)
        return
    for pace in "closed", "4000", "1000":
        flags = flags_of(context, "light", pace)
        what = "light, %s" % ("closed loop" if pace == "closed" else pace + "/s")
        samples = context.in_turn("beside etcd, " + what, ["broker", "echo", "etcd"], context.pick(5, 1), flags,
                                  {"etcd": lambda leases=flags["connections"]: Etcd(leases)})
        context.results.row(name % what, ratios(samples, "etcd", "broker"))
