#!/usr/bin/env python3
"""tools/cluster, as far as it goes without etcd and brokers."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import harness

TOOL = os.path.abspath(harness.tool.__file__)


class ClusterToolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_tool(self, *arguments):
        return subprocess.run(
            [sys.executable, TOOL, *arguments, "--dir=" + self.folder, "--broker=/nowhere/broker"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, env=dict(os.environ, PATH="/nowhere"),
        )

    def write_state(self, **changes):
        self.state = dict({"brokers": 3, "etcds": 1, "tls": False, "ports": {}, "processes": {}}, **changes)
        with open(os.path.join(self.folder, "cluster.json"), "w", encoding="utf-8") as file:
            json.dump(self.state, file)

    def assert_untouched(self):
        self.assertEqual(os.listdir(self.folder), ["cluster.json"])
        with open(os.path.join(self.folder, "cluster.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file), self.state)

    def test_up_with_other_flags_names_each_with_both_values_and_does_nothing(self):
        self.write_state()
        run = self.run_tool("up", "--brokers=5", "--etcds=1", "--tls")
        self.assertEqual(run.returncode, 1)
        self.assertIn("it runs --brokers=3, got --brokers=5; it runs without --tls, got --tls; first take it down", run.stderr)
        self.assertNotIn("--etcds", run.stderr)
        self.assertEqual(run.stdout, "")
        self.assert_untouched()

    def test_up_of_another_size_of_etcd_is_refused_too(self):
        self.write_state(tls=True)
        run = self.run_tool("up", "--etcds=3", "--tls")
        self.assertEqual(run.returncode, 1)
        self.assertIn("it runs --etcds=1, got --etcds=3; first", run.stderr)
        self.assert_untouched()

    def test_flags_of_the_running_cluster_and_none_differ_in_nothing(self):
        self.write_state(brokers=5, tls=True)
        cluster = harness.tool.Cluster(self.folder)
        self.assertEqual(cluster.differences(brokers=5, etcds=1, tls=True), "")
        self.assertEqual(cluster.differences(brokers=None, etcds=None, tls=None), "")

    def test_flags_of_a_new_cluster_are_for_up_alone(self):
        self.write_state()
        run = self.run_tool("status", "--brokers=5")
        self.assertEqual(run.returncode, 2)
        self.assertIn("--brokers, --etcds and --tls are for up", run.stderr)
        self.assert_untouched()

    def test_without_a_cluster_up_says_how_to_start_one(self):
        run = self.run_tool("status")
        self.assertEqual(run.returncode, 1)
        self.assertIn("there is no cluster in %s: tools/cluster up" % self.folder, run.stderr)


if __name__ == "__main__":
    unittest.main()
