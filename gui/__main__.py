"""`python -m gui [FILE…]`: the window."""

from __future__ import annotations

import sys

from gui.application import main

if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if not name.startswith("--")]
    sys.exit(main(names, quit_after_paint="--quit-after-paint" in sys.argv))
