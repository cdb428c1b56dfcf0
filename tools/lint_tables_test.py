#!/usr/bin/env python3
"""What tools/lint says of tables that name tests and locks."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lint_tables  # noqa: E402

FILES = {
    "broker/a/queue.h": "class Queue final : public Base {\n private:\n  mutable absl::Mutex mu_;\n};\n",
    "broker/a/table.h": "class Table {\n  struct Part {\n    int x;\n  };\n  absl::Mutex mu_ ABSL_ACQUIRED_BEFORE(other_);\n};\n",
    "broker/a/queue_test.cc": "TEST(QueueTest, RefusesWhenFull) {\n  absl::Mutex mu;\n}\nTEST_P(QueueTest, Grows) {}\n",
    "broker/b/fake_queue.h": "class FakeQueue {\n  absl::Mutex mu_;\n};\n",
    "common/c.h": "class C {\n  absl::Mutex mu_;\n};\n",
    "tests/end_to_end/case_test.py": "class CaseTest:\n    def test_it_holds(self):\n",
}
ORDER = "| lock | may be held while taking | where |\n|---|---|---|\n"
BOUNDS = "| what | bound | at the bound | test |\n|---|---|---|---|\n"


def tables_with(**documents):
    files = dict(FILES, **{folder + "/README.md": text for folder, text in documents.items()})
    return lint_tables.Tables(files, lambda path: files[path])


class NamedTestsTest(unittest.TestCase):

    def bounds(self, row):
        tables = tables_with(broker=BOUNDS + row)
        tables.named_tests("broker/README.md")
        return tables.complaints

    def test_a_test_of_a_named_file_exists(self):
        self.assertEqual(self.bounds("| queue | 10 | refused | `queue_test.cc: RefusesWhenFull, QueueTest.Grows` |\n"), [])
        self.assertEqual(self.bounds("| queue | 10 | refused | `a/queue_test.cc: Grows` |\n"), [])
        self.assertEqual(self.bounds("| queue | 10 | refused | `case_test.py: test_it_holds` |\n"), [])
        self.assertEqual(self.bounds("| queue | 10 | refused | `Grows` |\n"), [])

    def test_a_test_that_is_not_there_is_named(self):
        self.assertEqual(
            self.bounds("| queue | 10 | refused | `queue_test.cc: Shrinks` |\n"),
            ["broker/README.md:3: there is no test Shrinks in queue_test.cc"],
        )
        self.assertEqual(self.bounds("| queue | 10 | refused | Shrinks |\n"), ["broker/README.md:3: there is no test Shrinks"])

    def test_a_file_that_is_not_there_is_named(self):
        self.assertEqual(self.bounds("| queue | 10 | refused | other_test.cc: Grows |\n"), ["broker/README.md:3: other_test.cc is no file"])

    def test_a_bound_has_all_its_cells(self):
        self.assertEqual(len(self.bounds("| queue | 10 | refused | |\n")), 1)
        self.assertEqual(len(self.bounds("| queue | 10 | Grows |\n")), 1)


class NamedFilesTest(unittest.TestCase):

    def files(self, text):
        tables = tables_with(broker=text)
        tables.named_files("broker/README.md")
        return tables.complaints

    def test_a_path_in_code_font_is_a_file_or_a_folder(self):
        self.assertEqual(self.files("`broker/a/queue.h` and `broker/a/`, no/such/file, `--no=/such`\n"), [])
        self.assertEqual(
            self.files("\n`broker/a/queue.cc` `broker/x/`\n"),
            ["broker/README.md:2: there is no broker/a/queue.cc", "broker/README.md:2: there is no broker/x/"],
        )


class BoundsTest(unittest.TestCase):

    def test_a_document_without_the_table_is_named(self):
        tables = tables_with(broker=BOUNDS, client="| what | by |\n|---|---|\n")
        tables.bounds(["broker/README.md", "client/README.md"])
        self.assertEqual(tables.complaints, ["client/README.md:1: no table with the columns what | bound | at the bound | test"])


class LockOrderTest(unittest.TestCase):
    TABLE = "| `Table::mu_` | `Queue::mu_` | `a/table.h` |\n"
    QUEUE = "| `Queue::mu_` | nothing | `a/queue.h` |\n"
    COMMON = "| `C::mu_` | nothing | `common/c.h` |\n"

    def order(self, broker, client=COMMON):
        tables = tables_with(broker=ORDER + broker, client=ORDER + client)
        tables.lock_orders(["broker/README.md", "client/README.md"])
        return tables.complaints

    def test_each_lock_of_the_folder_has_a_row(self):
        self.assertEqual(self.order(self.TABLE + self.QUEUE), [])
        self.assertEqual(self.order(self.QUEUE), ["broker/README.md:1: no row for Table::mu_ of broker/a/table.h"])
        self.assertEqual(self.order(self.TABLE)[0], "broker/README.md:3: Queue::mu_ has no row")

    def test_each_lock_of_common_has_a_row_somewhere(self):
        self.assertEqual(self.order(self.TABLE + self.QUEUE + self.COMMON, client=""), [])
        self.assertEqual(
            self.order(self.TABLE + self.QUEUE, client=""),
            ["broker/README.md:1: no row for C::mu_ of common/c.h, nor elsewhere"],
        )

    def test_a_lock_stands_in_its_file(self):
        self.assertIn(
            "broker/README.md:3: broker/a/table.h declares no lock Queue::mu_",
            self.order("| `Queue::mu_` | nothing | `a/table.h` |\n"),
        )

    def test_the_order_leads_in_no_circle(self):
        self.assertEqual(
            self.order(self.TABLE + "| `Queue::mu_` | `Table::mu_` | `a/queue.h` |\n"),
            ["broker/README.md:1: the order leads in a circle: Table::mu_ -> Queue::mu_ -> Table::mu_"],
        )

    def test_a_document_without_the_table_is_named(self):
        tables = tables_with(broker="", client=ORDER + self.COMMON)
        tables.lock_orders(["broker/README.md", "client/README.md"])
        self.assertEqual(tables.complaints[0], "broker/README.md:1: no table with the columns lock | may be held while taking | where")


if __name__ == "__main__":
    unittest.main()
