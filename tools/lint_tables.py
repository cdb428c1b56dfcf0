"""What Markdown files name of the sources, compared with these: tests and locks in
tables, and files.

Part of tools/lint. A table whose last column is `test` names tests there: `Name`,
`Suite.Name`, or `file: Name`, several of them with commas. Two kinds of tables have
a heading of their own:

  Bounds      what | bound | at the bound | test. Every row names a test.
  Lock order  lock | may be held while taking | where. `Class::mu_` stands in the
              file `where`; the locks named in the second column have rows too, and
              no chain of them leads back to its beginning. Every mutex of the
              document's folder has a row, and every one of common/ in one of the
              documents.
"""

import os
import re

# Files under test that only tests link.
TEST_FILES = re.compile(r"(^|/)((fake|recording|scripted|mock|manual|test|simulated)_[^/]*|[^/]*_(test|benchmark|fixture)\.(h|cc))$|/(testing|examples)/")
TEST_CASE = re.compile(r"^(?:TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)|\s*def (test_\w+)\()", re.MULTILINE)
MUTEX = re.compile(r"^( *)(?:mutable )?(?:absl::Mutex|Mutex|std::mutex) (\w+)(?: [A-Z_]+\([^;]*)?;", re.MULTILINE)
CLASS = re.compile(r"^(\s*)(?:class|struct)(?: [A-Z_]+(?:\([^)]*\))?)* ([\w:]+)[^;]*$")
BOUNDS = ["what", "bound", "at the bound", "test"]
LOCK_ORDER = ["lock", "may be held while taking", "where"]


class Table:
    """A Markdown table: `header` and `rows` as lists of cells, each row with its line."""

    def __init__(self, line, header):
        self.line = line
        self.header = header
        self.rows = []  # (line, cells)


def cells_of(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def tables_of(text):
    tables = []
    table = None
    for number, line in enumerate(text.split("\n"), 1):
        cells = cells_of(line)
        if not cells:
            table = None
        elif table is None:
            table = Table(number, cells)
            tables.append(table)
        elif not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            table.rows.append((number, cells))
    return tables


def names_in(cell):
    """What the cell lists, without code font: items between commas or `<br>`."""
    return [name for name in re.split(r",\s*|<br>\s*", cell.replace("`", "").strip()) if name]


def tests_in(text):
    names = set()
    for suite, name, function in TEST_CASE.findall(text):
        names.update([function] if function else [name, suite + "." + name])
    return names


def locks_in(text):
    """The mutexes that a source file declares: `Class::mu_`, or `mu_` outside classes."""
    lines = text.split("\n")
    locks = []
    for found in MUTEX.finditer(text):
        owner = ""
        for line in reversed(lines[: text.count("\n", 0, found.start(2))]):
            enclosing = CLASS.match(line)
            if enclosing and len(enclosing.group(1)) < len(found.group(1)):
                owner = enclosing.group(2) + "::"
                break
        locks.append(owner + found.group(2))
    return locks


def has_table(text, header):
    return any(table.header == header for table in tables_of(text))


class Tables:
    """`files` are the paths of the repository, `read` returns the text of one."""

    def __init__(self, files, read):
        self.files = sorted(files)
        self.read = read
        self.complaints = []
        self._every_test = None
        self._locks = None

    def complain(self, document, line, what):
        self.complaints.append("%s:%d: %s" % (document, line, what))

    def named_files(self, document):
        """Each path in code font, as `folder/file.cc` or `folder/`, is there."""
        folders = {f[: f.rindex("/") + 1] for f in self.files if "/" in f}
        for number, line in enumerate(self.read(document).split("\n"), 1):
            for path in re.findall(r"`([\w./-]+/[\w.-]*)`", line):
                found = any(folder.startswith(path) for folder in folders) if path.endswith("/") else path in self.files
                if not found:
                    self.complain(document, number, "there is no %s" % path)

    def bounds(self, documents):
        """Each of these documents has a table of bounds."""
        for document in documents:
            if not has_table(self.read(document), BOUNDS):
                self.complain(document, 1, "no table with the columns " + " | ".join(BOUNDS))

    def named_tests(self, document):
        every_test = self.every_test()
        for table in tables_of(self.read(document)):
            if table.header[-1] != "test":
                continue
            is_bounds = table.header == BOUNDS
            for line, cells in table.rows:
                if len(cells) != len(table.header):
                    self.complain(document, line, "a row of %d cells in a table of %d" % (len(cells), len(table.header)))
                    continue
                if is_bounds and not all(cells):
                    self.complain(document, line, "a bound says what it is, what happens at it, and which test shows that")
                file = None
                for name in names_in(cells[-1]):
                    # The names after `file:` are tests of that file, up to the next file.
                    place, colon, rest = name.partition(":")
                    if colon:
                        file, name = place.strip(), rest.strip()
                    if file is None:
                        known = every_test
                    else:
                        paths = self.paths_of(file, document)
                        if len(paths) != 1:
                            self.complain(document, line, "%s is %s" % (file, " and ".join(paths) or "no file"))
                            continue
                        known = tests_in(self.read(paths[0]))
                    if name not in known:
                        self.complain(document, line, "there is no test %s%s" % (name, " in " + file if file else ""))

    def lock_orders(self, documents):
        """Checks the tables of these documents, each for the folder that it stands in."""
        rows_of = {document: self.lock_order(document) for document in documents}
        everywhere = set().union(*rows_of.values())
        for document, rows in rows_of.items():
            folder = os.path.dirname(document) + "/"
            for file, lock in self.locks():
                if file.startswith(folder) and not is_among((file, lock), rows):
                    self.complain(document, 1, "no row for %s of %s" % (lock, file))
        for file, lock in self.locks():
            if file.startswith("common/") and not is_among((file, lock), everywhere):
                self.complain(documents[0], 1, "no row for %s of %s, nor elsewhere" % (lock, file))

    def lock_order(self, document):
        """Checks the rows of a document. Returns the files and locks that they name."""
        tables = [t for t in tables_of(self.read(document)) if t.header == LOCK_ORDER]
        if not tables:
            self.complain(document, 1, "no table with the columns " + " | ".join(LOCK_ORDER))
        found = set()
        for table in tables:
            taken_under = {}
            for line, cells in table.rows:
                if len(cells) != 3:
                    self.complain(document, line, "a row of %d cells in a table of 3" % len(cells))
                    continue
                lock = cells[0].replace("`", "")
                taken_under[lock] = (line, [name for name in names_in(cells[1]) if re.search(r"mu\w*$", name)])
                for file in names_in(cells[2]):
                    paths = self.paths_of(file, document)
                    if len(paths) != 1:
                        self.complain(document, line, "%s is %s" % (file, " and ".join(paths) or "no file"))
                    elif not any(same_lock(lock, other) for other in locks_in(self.read(paths[0]))):
                        self.complain(document, line, "%s declares no lock %s" % (paths[0], lock))
                    else:
                        found.add((paths[0], lock))
            for line, taken in taken_under.values():
                for other in taken:
                    if not any(same_lock(other, lock) for lock in taken_under):
                        self.complain(document, line, "%s has no row" % other)
            for cycle in cycles_of({lock: taken for lock, (_, taken) in taken_under.items()}):
                self.complain(document, table.line, "the order leads in a circle: " + " -> ".join(cycle))
        return found

    def locks(self):
        """The locks of broker/, client/ and common/, without those of tests and fakes."""
        if self._locks is None:
            sources = [f for f in self.files if re.match(r"(broker|client|common)/.*\.(h|cc)$", f) and not TEST_FILES.search(f)]
            self._locks = [(file, lock) for file in sources for lock in locks_in(self.read(file))]
        return self._locks

    def every_test(self):
        if self._every_test is None:
            tests = [file for file in self.files if file.endswith("_test.cc")]
            self._every_test = set().union(*(tests_in(self.read(file)) for file in tests))
        return self._every_test

    def paths_of(self, name, document):
        beside = os.path.normpath(os.path.join(os.path.dirname(document), name))
        for path in (beside, name):
            if path in self.files:
                return [path]
        return [file for file in self.files if file.endswith("/" + name)]


def is_among(place, places):
    return any(place[0] == file and same_lock(place[1], lock) for file, lock in places)


def same_lock(a, b):
    """`Impl::mu_` and `Client::Impl::mu_` are one."""
    return a == b or a.endswith("::" + b) or b.endswith("::" + a)


def cycles_of(taken_under):
    def visit(lock, chain):
        if lock in chain:
            return [chain[chain.index(lock):] + [lock]]
        found = []
        for other in taken_under.get(lock, []):
            found += visit(other, chain + [lock])
        return found

    for lock in taken_under:
        found = visit(lock, [])
        if found:
            return found[:1]
    return []
