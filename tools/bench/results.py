"""What was found: samples, medians with their spread, and rows with a goal."""

import dataclasses
import json
import math
import statistics
from typing import Optional

COLUMNS = [  # Name, key of a sample, format.
    ("operations/s", "ops", "{:,.0f}"),
    ("CPU us/op", "cpu_us", "{:.1f}"),
    ("p50 ms", "p50_ms", "{:.2f}"),
    ("p99 ms", "p99_ms", "{:.2f}"),
    ("p99.9 ms", "p999_ms", "{:.2f}"),
    ("memory/client", "client_bytes", "{:,.0f}"),
]


def show(value, form="{:.3g}"):
    return "-" if value is None else form.format(value)


def median(values):
    return statistics.median(values)


def interval(values):
    """What holds the true median with 95 % certainty, by the order of the values;
    for less than six, all of them."""
    values = sorted(values)
    n = len(values)
    left_out = 0
    below = 0.0  # The chance that the median is below the next value in order.
    while True:
        below += math.comb(n, left_out) / 2**n
        if 2 * below > 0.05 or 2 * (left_out + 1) >= n:
            break
        left_out += 1
    left_out = max(0, left_out - 1)
    return values[left_out], values[n - 1 - left_out]


@dataclasses.dataclass
class Row:
    """One line of the table. `ratio` is what the goal is about, a ratio or not; None
    if it could not be measured, with the reason in `note`."""

    name: str
    ratio: Optional[float]
    goal: Optional[float]  # None: shown only.
    at_least: bool = False
    low: Optional[float] = None
    high: Optional[float] = None
    runs: int = 0
    unit: str = ""  # Empty: a ratio.
    note: str = ""

    @property
    def met(self):
        if self.ratio is None or self.goal is None:
            return None
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal


def aligned(table):
    """Its lines, with columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*table)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]


def markdown_table(table):
    lines = ["| %s |" % " | ".join(cells) for cells in table]
    return "\n".join([lines[0], "|" + "---|" * len(table[0])] + lines[1:])


class Results:
    def __init__(self):
        self.rows = []
        self.groups = {}  # Comparison -> side -> samples.
        self.remarks = []

    def sample(self, comparison, side, sample):
        self.groups.setdefault(comparison, {}).setdefault(side, []).append(sample)

    def row(self, name, values, goal=None, **more):
        """Adds the median of `values`, and their interval."""
        values = [value for value in values if value is not None]
        if not values:
            more.setdefault("note", "no run gave a number")
            self.rows.append(Row(name, None, goal, **more))
        else:
            low, high = interval(values)
            self.rows.append(Row(name, median(values), goal, low=low, high=high, runs=len(values), **more))
        row = self.rows[-1]
        print("  => %s: %s" % (row.name, describe(row)), flush=True)

    def absent(self, name, goal, note, **more):
        self.row(name, [], goal, note=note, **more)

    def remark(self, text):
        """What a row cannot hold, such as a formula."""
        self.remarks.append(text)
        print("  => " + text, flush=True)

    def tables(self):
        """The rows, and the medians of the runs, as cells; the first line has the names."""
        rows = [["row", "median", "interval (runs)", "goal", "met", ""]]
        for row in self.rows:
            spread = "" if row.low is None else "%s .. %s (%d)" % (show(row.low), show(row.high), row.runs)
            goal = "-" if row.goal is None else (">= " if row.at_least else "<= ") + show(row.goal) + row.unit
            met = {True: "yes", False: "NO", None: "-"}[row.met]
            value = "absent" if row.ratio is None else show(row.ratio) + row.unit
            rows.append([row.name, value, spread, goal, met, row.note])
        medians = [["medians of", "server"] + [column[0] for column in COLUMNS]]
        for comparison, sides in self.groups.items():
            for side, samples in sides.items():
                cells = []
                for _, key, form in COLUMNS:
                    values = [sample[key] for sample in samples if sample.get(key) is not None]
                    cells.append(show(median(values), form) if values else "-")
                medians.append([comparison, side] + cells)
        return rows, medians

    def table(self):
        rows, medians = self.tables()
        return "\n".join(aligned(medians) + [""] + aligned(rows) + self.remarks)

    def markdown(self, about, command):
        rows, medians = self.tables()
        parts = ["`%s`\n\n%s." % (command, ", ".join("%s: %s" % pair for pair in about.items())), markdown_table(rows)]
        if len(medians) > 1:
            parts.append(markdown_table(medians))
        return "\n\n".join(parts + self.remarks)

    def json(self, about):
        rows = []
        for row in self.rows:
            rows.append(dict(dataclasses.asdict(row), met=row.met))
        return json.dumps({"about": about, "rows": rows, "remarks": self.remarks, "runs": self.groups}, indent=1)


def describe(row):
    if row.ratio is None:
        return "absent (%s)" % row.note
    return "%s%s, %s .. %s over %d runs%s" % (
        show(row.ratio), row.unit, show(row.low), show(row.high), row.runs,
        "" if row.goal is None else "; goal %s %s: %s" % (">=" if row.at_least else "<=", show(row.goal), "met" if row.met else "NOT MET"))
