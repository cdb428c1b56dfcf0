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

# The worst of those that the broker is guarded against; and who must not be taken for an attacker.
WORST = ("gzip_bomb", "listings", "changed_statements", "reflection_streams", "invalid_utf8", "unread_pushes",
         "kicks", "cancelled_calls", "calls_at_once", "reconnect_storm")


def in_order():
    """Family by family, as they stand in the sources."""
    names = [family.__name__ for family in FAMILIES]
    return sorted(ATTACKS, key=lambda attack: names.index(attack.family))
