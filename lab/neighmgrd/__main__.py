"""neighmgrd SVI…: watch ARP and ND on the SVIs until the service is stopped."""

from __future__ import annotations

import sys

from .watch import Watcher


def main() -> int:
    """Run for ever; 2 when called without an SVI."""
    if not sys.argv[1:]:
        sys.stderr.write("usage: neighmgrd SVI...\n")
        return 2
    Watcher(sys.argv[1:]).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
