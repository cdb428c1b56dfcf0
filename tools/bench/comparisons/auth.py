"""What the rules of `--auth=on` cost."""

import os
import tempfile

from context import ratios
from servers import broker

GOAL = 1.03
USER, SECRET = "bench", "a secret of this run"
# Of which most are for others, as in an installation of some size.
OTHER_RULES = 1000


class Rules:
    """Files of rules, for the broker, and of credentials, for its clients."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        lines = ['users { name: "%s" secret: "%s" }' % (USER, SECRET), 'users { name: "other" secret: "another secret" }']
        lines += ['rules { user: "other" resource: "Group:other-%d" action: SUB decision: ALLOW }' % n for n in range(OTHER_RULES)]
        lines += ['rules { user: "%s" resource: "%s:*" action: ALL decision: ALLOW }' % (USER, kind) for kind in ("Group", "Topic")]
        self.rules = self.write("rules", "\n".join(lines) + "\n")
        self.credentials = self.write("credentials", 'access_key: "%s"\nsecret_key: "%s"\n' % (USER, SECRET))

    def write(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(text)
        return path


def auth(context):
    """light and full heartbeats of clients that sign, with rules and without"""
    rules = Rules()
    sides = {"broker, rules": lambda: broker("--auth=on", "--auth_file=" + rules.rules),
             "broker, no rules": lambda: broker("--auth=off")}
    for kind, goal in (("light", GOAL), ("full", GOAL)):
        flags = {"pace": "closed", "busy_poll": "true", "heartbeat": kind, "connections": context.pick(100, 4),
                 "warmup": context.pick("300ms", "20ms"), "duration": context.pick("1s", "50ms"),
                 "credentials_file": rules.credentials}
        samples = context.in_turn("%s, closed loop, rules" % kind, list(sides), context.pick(31, 1), flags, others=sides)
        context.results.row("%s heartbeat with rules, CPU / without" % kind, ratios(samples, "broker, rules", "broker, no rules"),
                            goal)
