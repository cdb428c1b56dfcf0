"""The capacity model: what clients at an interval need, and whether that comes true."""

import math

from results import median
from servers import SERVERS


def measure(context, nth, what, connections, rate):
    """CPU time a second of a new broker, and its bytes, with so many light heartbeats a second."""
    with SERVERS["broker"]() as server:
        report = server.run({
            "pace": "%d/s" % rate,
            "connections": connections,
            "warmup": context.pick("2s", "20ms"),
            "duration": context.pick("8s", "200ms"),
        })
    usage = report["server"]
    print("  capacity %d  %-7s %5d connections, %5d/s: %.3f cores, %.1f us a heartbeat, %.1f MiB, p99 %.2f ms%s" %
          (nth + 1, what, connections, rate, usage["cores"], usage["cpu_us_per_heartbeat"], usage["rss_bytes"] / 2**20,
           report["answers"]["p99_us"] / 1000, "" if report["on_schedule"] else "  (pace not kept)"), flush=True)
    return usage


def line(points):
    """The least squares' y = slope * x + begin."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return slope, mean_y - slope * mean_x


def run(context):
    """cores = k * rate^p, memory = base + clients * bytes: fitted, then asked elsewhere"""
    # Light heartbeats, one stream a connection.
    fit = context.pick([(500, 300), (1000, 1000), (2000, 3000), (1000, 5000)], [(4, 100), (8, 400)])
    elsewhere = context.pick([(3000, 600), (4000, 2000)], [(6, 200)])
    fitted, asked = [], {point: [] for point in elsewhere}
    for nth in range(context.pick(3, 1)):
        for connections, rate in fit:
            fitted.append((connections, rate, measure(context, nth, "fit", connections, rate)))
        for connections, rate in elsewhere:
            asked[connections, rate].append(measure(context, nth, "asked", connections, rate))
    fitted = [point for point in fitted if point[2]["cores"] > 0]
    if len({rate for _, rate, _ in fitted}) < 2:
        context.results.absent("capacity model, asked / measured", 1.2, "too few heartbeats were answered")
        return
    power, log_k = line([(math.log(rate), math.log(usage["cores"])) for _, rate, usage in fitted])
    bytes_each, base = line([(connections, usage["rss_bytes"]) for connections, _, usage in fitted])
    context.results.remark(
        "capacity model: cores = %.3g * (heartbeats a second)^%.3f; memory = %.1f MiB + connections * %.1f KiB" %
        (math.exp(log_k), power, base / 2**20, bytes_each / 1024))
    for (connections, rate), usages in asked.items():
        what = "capacity model's %%s / measured, %d clients each %.1f s" % (connections, connections / rate)
        cores = math.exp(log_k) * rate**power
        memory = base + connections * bytes_each
        for name, said, key in ("cores", cores, "cores"), ("memory", memory, "rss_bytes"):
            found = median([usage[key] for usage in usages])
            # Too much and too little alike.
            off = max(said / found, found / said) if found > 0 else None
            print("  %s: said %.4g, measured %.4g" % (what % name, said, found), flush=True)
            context.results.row(what % name + ", either way", [off] if off else [], 1.2)
