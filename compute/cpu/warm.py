"""`python -m compute.cpu.warm`: compiles what the kernel library lacks on this machine.

It gives way to all else. Whoever needs a kernel before may end it: what is finished stays.
"""

from __future__ import annotations

import sys

from compute.cpu import variants
from compute.cpu.loader import all_names, ensure

NICENESS = 10


def main() -> int:
    """Compile all kernels of the native variant that are missing."""
    ensure(variants.native(), all_names(), nice=NICENESS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
