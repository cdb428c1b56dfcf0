"""All attacks, by family, and the ten of them that each change is tried with."""

from attack import ATTACKS
import calls
import connections
import frame_floods
import header_attacks
import legal
import messages
import resets
import stops

FAMILIES = (resets, frame_floods, header_attacks, calls, messages, connections, stops, legal)

# What took the broker from everybody before it had an acceptor of its own; and who must not be taken for an attacker.
WORST = ("rapid_reset", "made_you_reset", "joins_and_leaves", "unary_flood", "window_updates_4", "hpack_resizing",
         "connect_and_close", "out_of_open_files", "stop_under_resets", "calls_at_once")


def in_order():
    """Family by family, as they stand in the sources."""
    names = [family.__name__ for family in FAMILIES]
    return sorted(ATTACKS, key=lambda attack: names.index(attack.family))
