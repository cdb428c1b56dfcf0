"""What a case is made of: situations. Each is a function that returns (whether it is right, a line that says what was
seen), or raises CannotBeTried."""

import concurrent.futures
import os
import sys
import traceback

from support import processes

_SITUATIONS = []


class CannotBeTried(Exception):
    """Something that a situation needs is not there; the reason is the argument."""


def situation(function):
    """Makes a function one of the case's situations."""
    _SITUATIONS.append(function)
    return function


def parameter(name, default):
    """A number that the environment may set: a case's long form has other ones than its short form."""
    return type(default)(os.environ.get(name, default))


def _attempt(function):
    """A line about one situation, and whether it was tried and right: True, False, or None if it was not tried."""
    name = function.__name__
    try:
        right, line = function()
    except CannotBeTried as reason:
        return "not tried: %s: %s" % (name, reason), None
    except Exception:  # The product's or the case's own: wrong either way, and the others are tried all the same.
        right, line = False, traceback.format_exc()
    return "%s: %s: %s" % ("right" if right else "WRONG", name, line), bool(right)


def run():
    """Tries the situations, or those that the command line names, some at a time since most of their time is waiting.

    Prints a line for each and ends the process. The exit code is 1 if one is wrong, 77 if none could be tried, else 0.
    """
    chosen = [f for f in _SITUATIONS if not sys.argv[1:] or f.__name__ in sys.argv[1:]]
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(parameter("AT_ONCE", 4)) as executor:
        for attempt in concurrent.futures.as_completed([executor.submit(_attempt, f) for f in chosen]):
            line, outcome = attempt.result()
            print(line, flush=True)
            outcomes.append(outcome)
    processes.end_all()
    os._exit(1 if False in outcomes else 0 if True in outcomes else 77)  # At once: gRPC's threads may still wait.
