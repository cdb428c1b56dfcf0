#!/usr/bin/env python3
"""Runs the README's commands and compares its listings with their files.

A fence after `<!-- file: PATH -->` is that file, to the letter; one after
`<!-- part: PATH -->` stands in it. One after `<!-- run -->` is run, each of its commands, against a broker started here; with
`in background` it must still be running after it has said something. `run: TOOL`
needs a tool that may be absent.
"""

import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import sys
import unittest

README, BROKER, *TARGETS = sys.argv[1:]
sys.argv[1:] = []
BLOCK = re.compile(r"<!-- (file|part|run)(?:: (\S+))?( in background)? -->\n```\w*\n(.*?)```", re.S)
BLOCKS = BLOCK.findall(open(README, encoding="utf-8").read())
# What `bazel run //package:name` stands for: the binary, built already.
BINARIES = dict(pair.split("=", 1) for pair in TARGETS)


def find_tool(name):
    # Tests have neither the user's PATH nor HOME.
    home = pwd.getpwuid(os.getuid()).pw_dir
    places = [os.environ.get("PATH", ""), os.path.join(home, "go/bin"), os.path.join(home, ".local/bin")]
    return shutil.which(name, path=os.pathsep.join(places))


class ReadmeTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.broker = subprocess.Popen([BROKER, "--address=127.0.0.1:0", "--metrics_address="], stderr=subprocess.PIPE, text=True)
        line = cls.broker.stderr.readline()
        cls.address = re.search(r"listening address=(\S+)", line).group(1)

    @classmethod
    def tearDownClass(cls):
        cls.broker.send_signal(signal.SIGTERM)
        cls.broker.communicate(timeout=30)

    def command(self, text):
        for target, binary in BINARIES.items():
            command = shlex.quote(os.path.abspath(binary))
            if target == "//tools/cmctl":  # Asks the default address, as a user's does.
                command += " --broker=" + self.address
            text = text.replace("bazel run %s --" % target, command)
        self.assertNotIn("bazel run", text, "a target that this test does not know")
        return text.replace("127.0.0.1:10911", self.address)

    def test_listings_are_their_files(self):
        listings = [(path, text) for kind, path, _, text in BLOCKS if kind == "file"]
        self.assertTrue(listings)
        for path, text in listings:
            with open(path, encoding="utf-8") as file:
                self.assertEqual(text, file.read(), path)

    def test_parts_stand_in_their_files(self):
        for kind, path, _, text in BLOCKS:
            if kind == "part":
                with open(path, encoding="utf-8") as file:
                    self.assertIn(text, file.read(), path)

    def test_commands_succeed(self):
        environment = dict(os.environ)
        ran = 0
        for kind, tool, background, text in BLOCKS:
            if kind != "run" or background:
                continue
            if tool and not find_tool(tool):
                print("SKIPPED: the README's %s commands: %s is not installed (tools/setup --all)" % (tool, tool))
                self.register_orders()
                continue
            if tool:
                environment["PATH"] = os.path.dirname(find_tool(tool)) + os.pathsep + environment["PATH"]
            script = "set -e\n" + self.command(text)
            done = subprocess.run(["bash", "-c", script], env=environment, timeout=60, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(done.returncode, 0, text + done.stdout)
            ran += 1
        self.assertGreater(ran, 0)

    def register_orders(self):
        """Does what grpcurl would have done, for the commands that come after it."""
        consumer = os.path.abspath(BINARIES["//client/examples:consumer"])
        process = subprocess.Popen([consumer, "--broker=" + self.address, "--group=orders"], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.communicate, timeout=30)
        self.addCleanup(process.terminate)
        for line in process.stdout:
            if "online at the broker" in line:
                return
        self.fail("the example consumer ended")

    def test_lines_of_sdks_are_as_in_the_applications_that_are_tried(self):
        # The applications have variables where the README has texts: each word of the README's code is in them.
        section = open(README, encoding="utf-8").read().split("\n## RocketMQ 5's SDKs\n")[1].split("\n## ")[0]
        fences = dict(re.findall(r"```(\w+)\n(.*?)```", section, re.S))
        self.assertEqual(set(fences), {"java", "js", "python", "go"})
        for language, lines in fences.items():
            code = re.sub(r"'[^']*'|\"[^\"]*\"", "", lines)
            application = open(BINARIES["sdk/" + language], encoding="utf-8").read().lower()
            missing = [word for word in re.findall(r"[A-Za-z_]{3,}", code) if word.lower() not in application]
            self.assertEqual(missing, [], language)

    def test_background_commands_say_something_and_go_on(self):
        for kind, _, background, text in BLOCKS:
            if kind != "run" or not background:
                continue
            process = subprocess.Popen(shlex.split(self.command(text)), stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            try:
                self.assertTrue(process.stdout.readline(), text)
                self.assertIsNone(process.poll(), text)
            finally:
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=30)


if __name__ == "__main__":
    unittest.main()
