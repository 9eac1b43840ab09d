"""From a program to a tape: the passes of the CPU back end's planner, in the order they run.

prepare → fuse → layout → emit (one module for each family) → schedule → arena → verify → bind.
Where that takes more memory than there is to be, `recompute` puts ops in again before emit.
"""
