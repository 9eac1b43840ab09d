"""Damages `.loom` files at random and loads them: only FileError may come of it.

    python tests/model/fuzz_files.py --count 5000 --seed 0

prints how many loaded and how many were refused; any other error is a traceback and exit 1.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/support")]

from damaged_files import mutants, try_one  # noqa: E402


def main() -> None:
    """Run so many mutants and print what came of them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=5000)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    loaded, slowest, began = 0, 0.0, time.perf_counter()
    for number, text in enumerate(mutants(given.seed)):
        if number == given.count:
            break
        start = time.perf_counter()
        try:
            loaded += try_one(text)
        except Exception:
            print(f"mutant {number} of seed {given.seed}:\n{text[:2000]}")
            raise
        slowest = max(slowest, time.perf_counter() - start)
    seconds = time.perf_counter() - began
    print(
        f"{given.count} damaged files: {loaded} loaded, {given.count - loaded} refused in one line,"
        f" no other error; slowest {1000 * slowest:.0f} ms, {seconds:.0f} s in all"
    )


if __name__ == "__main__":
    main()
