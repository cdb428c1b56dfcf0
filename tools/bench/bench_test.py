#!/usr/bin/env python3
"""All comparisons for a moment, and what is made of their numbers."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from bench import put_between_marks  # noqa: E402
from results import Results, Row, interval  # noqa: E402

BENCH = sys.argv[1]
sys.argv[1:] = []


class ResultsTest(unittest.TestCase):

    def test_few_values_are_all_of_their_interval(self):
        self.assertEqual(interval([3, 1, 2]), (1, 3))
        self.assertEqual(interval([5]), (5, 5))

    def test_fifteen_values_have_the_fourth_and_the_twelfth_as_their_interval(self):
        # Both tails of the binomial beyond them are 0.018; with the fifth they would be 0.059.
        self.assertEqual(interval(list(range(1, 16))), (4, 12))

    def test_six_values_are_the_fewest_that_are_95_percent_certain(self):
        self.assertEqual(interval([1, 2, 3, 4, 5, 6]), (1, 6))

    def test_a_row_is_met_at_its_goal_and_not_beyond(self):
        self.assertTrue(Row("r", 1.1, 1.1).met)
        self.assertFalse(Row("r", 1.11, 1.1).met)
        self.assertTrue(Row("r", 0.8, 0.8, at_least=True).met)
        self.assertFalse(Row("r", 0.79, 0.8, at_least=True).met)

    def test_what_is_absent_or_has_no_goal_is_neither_met_nor_not(self):
        self.assertIsNone(Row("r", None, 1.1).met)
        self.assertIsNone(Row("r", 1.1, None).met)


class MarkdownTest(unittest.TestCase):

    def test_a_row_is_a_line_with_spread_and_goal(self):
        results = Results()
        results.row("ours / theirs", [1.0, 3.0, 2.0], 1.5)
        self.assertIn("| ours / theirs | 2 | 1 .. 3 (3) | <= 1.5 | NO |  |", results.markdown({"cores": 2}, "bench"))

    def test_what_is_between_the_marks_is_replaced(self):
        document = "before\n<!-- bench: begin, by x -->\nold\n<!-- bench: end -->\nafter\n"
        self.assertEqual(put_between_marks(document, "new"),
                         "before\n<!-- bench: begin, by x -->\n\nnew\n\n<!-- bench: end -->\nafter\n")

    def test_a_document_without_marks_is_replaced(self):
        self.assertEqual(put_between_marks("old\n", "new"), "new\n")


class BenchTest(unittest.TestCase):

    def test_every_comparison_runs_and_its_rows_are_written(self):
        with tempfile.NamedTemporaryFile("r") as file, tempfile.NamedTemporaryFile("r") as markdown:
            done = subprocess.run([BENCH, "--quick", "--etcd", "--json=" + file.name, "--markdown=" + markdown.name],
                                  timeout=280, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            failed = [line for line in done.stdout.split("\n") if "FAILED" in line]
            self.assertEqual(done.returncode, 0, "\n".join(failed) or done.stdout)
            rows = json.load(file)["rows"]
            table = markdown.read()
        self.assertGreater(len(rows), 20)
        for row in rows:
            self.assertLessEqual({"name", "ratio", "goal", "met"}, set(row))
            self.assertTrue(row["ratio"] is not None or row["note"], row)
            self.assertNotIn("not run by", row["note"] if "1 Ki" in row["name"] else "")
            self.assertIn("| %s |" % row["name"], table)

    def test_another_broker_runs_in_turn_with_this_one(self):
        broker = os.path.join(os.path.dirname(BENCH), "../../broker/broker")
        done = subprocess.run([BENCH, "--quick", "--only=light,memory", "--against=" + broker],
                              timeout=120, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("light, closed loop, CPU / the other broker's", done.stdout)
        self.assertIn("memory of an idle connection / the other broker's", done.stdout)

    def test_another_broker_that_cannot_be_run_is_refused(self):
        done = subprocess.run([BENCH, "--against=no/such"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no/such is no program that can be run", done.stderr)

    def test_a_comparison_that_is_not_known_is_refused(self):
        done = subprocess.run([BENCH, "--only=no"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no is not one of", done.stderr)


if __name__ == "__main__":
    unittest.main()
