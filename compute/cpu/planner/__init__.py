"""From a program to a tape: the passes of the CPU back end's planner, in the order they run.

prepare → fuse → layout → emit (one module for each family) → schedule → arena → verify → bind.
"""
