#!/usr/bin/env python3
"""What tools/lint says of what the core depends on."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lint_graph  # noqa: E402


class CoreGraphTest(unittest.TestCase):

    def setUp(self):
        self.root = tempfile.TemporaryDirectory()
        for folder in ["registry", "fronts", "something_new"]:
            os.makedirs(os.path.join(self.root.name, "broker", folder))
        self.asked = []

    def tearDown(self):
        self.root.cleanup()

    def complaints(self, path):
        def query(expression):
            self.asked.append(expression)
            return path

        return lint_graph.complaints(query, self.root.name)

    def test_a_folder_is_core_unless_it_is_listed_as_edge(self):
        self.assertEqual(lint_graph.core_folders(self.root.name), ["registry", "something_new"])

    def test_no_path_is_no_complaint(self):
        self.assertEqual(self.complaints([]), [])
        self.assertIn("//broker/something_new/...", self.asked[0])
        self.assertIn("//broker/fronts/...", self.asked[0].split("), ", 1)[1])
        self.assertNotIn("//broker/timer/...", self.asked[0])  # There is none.

    def test_a_path_is_told_from_end_to_end(self):
        self.assertEqual(
            self.complaints(["//broker/registry:table", "//common:kv", "@com_github_google_glog//:glog"]),
            [
                "the core must not depend on @com_github_google_glog//:glog: "
                "//broker/registry:table -> //common:kv -> @com_github_google_glog//:glog"
            ],
        )


if __name__ == "__main__":
    unittest.main()
