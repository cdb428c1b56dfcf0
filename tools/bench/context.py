"""What every comparison works with."""

from contextlib import ExitStack

from load import to_sample
from results import COLUMNS, Results, show
from servers import SERVERS


class Context:
    def __init__(self, options):
        self.options = options
        self.quick = options.quick
        self.results = Results()

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
        the samples of each side. `others` has what makes a server that SERVERS has not."""
        samples = {side: [] for side in sides}
        make = {**SERVERS, **(others or {})}
        with ExitStack() as stack:
            servers = {side: stack.enter_context(make[side]()) for side in sides}
            for nth in range(runs):
                for side, server in servers.items():
                    sample = to_sample(server.run(flags))
                    samples[side].append(sample)
                    self.note(comparison, nth, side, sample)
        return samples


def ratios(samples, side, other, key="cpu_us"):
    """Of each pair of runs."""
    return [a[key] / b[key] for a, b in zip(samples[side], samples[other]) if a[key] > 0 and b[key] > 0]
