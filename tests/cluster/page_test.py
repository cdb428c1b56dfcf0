#!/usr/bin/env python3
"""Runs the README's "More than one broker": the fences after `<!-- cluster -->`, in their order.

What is built is built already, and the cluster is in a folder of this test.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile

import harness

README, BROKER, CONSUMER, CMCTL = sys.argv[1:]
FENCE = re.compile(r"<!-- cluster( in background)? -->\n```\n(.*?)```", re.S)


def main():
    if harness.MISSING:
        print("SKIPPED: " + harness.MISSING)
        return
    with open(README, encoding="utf-8") as file:
        fences = FENCE.findall(file.read())
    assert [bool(background) for background, _ in fences] == [False, True, False], fences
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "bazel-bin/broker"))
        os.symlink(os.path.abspath(BROKER), os.path.join(folder, "bazel-bin/broker/broker"))
        os.symlink(os.path.dirname(os.path.abspath(harness.tool.__file__)), os.path.join(folder, "tools"))
        environment = dict(os.environ, XDG_CACHE_HOME=folder, HOME=folder)
        children = []
        try:
            for background, text in fences:
                text = re.sub(r"^bazel build .*\n", "", text, flags=re.M)
                text = text.replace("bazel run //client/examples:consumer --", "exec " + os.path.abspath(CONSUMER))
                text = text.replace("bazel run //tools/cmctl --", os.path.abspath(CMCTL))
                assert "bazel run" not in text and "bazel build" not in text, text
                log = open(os.path.join(folder, "%d.log" % len(children)), "w+", encoding="utf-8")
                process = subprocess.Popen(["bash", "-ec", text], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
                children.append((process, log))

                def said():
                    log.seek(0)
                    return log.read()

                if background:
                    harness.tool.wait_for("three brokers in what the consumer says", lambda: len(set(re.findall(r" broker=(\S+) group=orders members=1 ", said()))) == 3)
                else:
                    assert process.wait(timeout=120) == 0, said()
                    print(text + said())
            process, log = children[1]
            assert process.poll() is None, "the consumer ended"
            log.seek(0)
            print(log.read())
        finally:
            for process, log in children:
                process.send_signal(signal.SIGKILL)
                process.wait()
                log.close()
            subprocess.run([os.path.join(folder, "tools/cluster"), "down"], cwd=folder, env=environment, check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
