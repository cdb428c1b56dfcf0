"""What every comparison works with."""

from contextlib import ExitStack

from load import to_sample
from results import COLUMNS, Results, show
from servers import SERVERS, broker

# The broker that --against gives, in what is printed.
OTHER_BROKER = "broker, the other"


class Context:
    def __init__(self, options):
        self.options = options
        self.quick = options.quick
        self.results = Results()
        self.servers = dict(SERVERS)
        if options.against:
            self.servers[OTHER_BROKER] = lambda: broker(binary=options.against)

    def pick(self, full, quick):
        """`full`, or `quick` with --quick."""
        return quick if self.quick else full

    def note(self, comparison, nth, side, sample):
        """Keeps and prints one run."""
        self.results.sample(comparison, side, sample)
        cells = ["%s %s" % (name, show(sample[key], form)) for name, key, form in COLUMNS if sample.get(key) is not None]
        late = "" if sample.get("on_schedule", True) else "  (pace not kept)"
        print("  %-24s %2d  %-14s %s%s" % (comparison, nth + 1, side, "  ".join(cells), late), flush=True)

    def in_turn(self, comparison, sides, runs, flags, others=None):
        """Puts the load `flags` on each of the servers `sides`, `runs` times in turn. Returns
        the samples of each side. `others` has what makes a server that `servers` has not."""
        sides = self.with_other_broker(sides)
        samples = {side: [] for side in sides}
        make = {**self.servers, **(others or {})}
        with ExitStack() as stack:
            servers = {side: stack.enter_context(make[side]()) for side in sides}
            for nth in range(runs):
                for side, server in servers.items():
                    sample = to_sample(server.run(flags))
                    samples[side].append(sample)
                    self.note(comparison, nth, side, sample)
        if OTHER_BROKER in sides:
            self.results.row("%s, CPU / the other broker's" % comparison, ratios(samples, "broker", OTHER_BROKER))
        return samples

    def with_other_broker(self, sides):
        """`sides`, and the other broker right after the broker, if there is one."""
        if OTHER_BROKER not in self.servers:
            return sides
        return [each for side in sides for each in ((side, OTHER_BROKER) if side == "broker" else (side,))]


def ratios(samples, side, other, key="cpu_us"):
    """Of each pair of runs."""
    return [a[key] / b[key] for a, b in zip(samples[side], samples[other]) if a[key] > 0 and b[key] > 0]
