"""Others that do the same: RocketMQ's Java broker, and etcd's leases. Opt-in."""

from contextlib import nullcontext

from context import ratios
from results import median
from servers import Etcd, Java


def flags_of(context, heartbeat, pace):
    return {
        "pace": pace if pace == "closed" else "%d/s" % context.pick(int(pace), 200),
        "heartbeat": heartbeat,
        "connections": context.pick(1000, 4),
        "warmup": context.pick("1s", "20ms"),
        "duration": context.pick("5s", "100ms"),
    }


class AtConnections:
    """A server that is asked with another number of connections than the others."""

    def __init__(self, server, connections):
        self.server, self.connections = server, connections

    def run(self, flags):
        return self.server.run(dict(flags, connections=self.connections))


def java(context):
    """RocketMQ's own broker, over its own protocol, 1,000 connections (--java)"""
    name = "heartbeats per server-CPU-second / Java's: %s"
    if not context.options.java or not Java.program():
        note = "Java or Maven is not installed" if context.options.java else "not asked for: --java"
        context.results.absent(name % "light and full", None, note)
        return
    runs = context.pick(7, 1)
    with Java(warm=context.pick("60s", "2s")) as server:
        sides = {"java": lambda: nullcontext(server)}
        # Java's best may be at fewer.
        fewer = {"java, %d connections" % n: lambda n=n: nullcontext(AtConnections(server, n)) for n in context.pick((64, 250), (2,))}
        # Light beside the second version of its heartbeats, with fingerprints. What gRPC allows is the measure.
        for heartbeat, hoped_for, part in (("full", 2, 0.8), ("light", 2.5, 0.9)):
            for pace in "closed", "4000", "1000":
                closed = pace == "closed"
                what = "%s, %s" % (heartbeat, "closed loop" if closed else pace + "/s")
                others = {**sides, **fewer} if closed else sides
                samples = context.in_turn("beside Java, " + what, ["broker", "echo", *others], runs,
                                          flags_of(context, heartbeat, pace), others)
                context.results.row(name % what, ratios(samples, "java", "broker"), at_least=True,
                                    note="beside %.2g" % hoped_for if closed else "")
                context.results.row("bare echo's " + name % what, ratios(samples, "java", "echo"))
                if closed:
                    context.results.row("that ratio / the bare echo's own, %s" % heartbeat, ratios(samples, "echo", "broker"),
                                        part, at_least=True)
                    best = min(others, key=lambda side: median([sample["cpu_us"] for sample in samples[side]]))
                    context.results.row(name % what + ", Java at its best number of connections", ratios(samples, best, "broker"),
                                        note=best)


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
