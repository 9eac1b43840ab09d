"""The job block a micro-kernel tile reads: what kernels fill in, and `compute.cpu.tiles` emits code
for.

A tile computes C[r, j] = epilogue(init + Σ_k A[r, k] · B[k, j]) for a few rows r and a few vectors
j, k running over three nested loops. Rows have addresses of their own, so a tile may hold any
pixels of any images.
"""

from __future__ import annotations

# Word numbers in the job block.
OUTER, MIDDLE, INNER = 0, 3, 6  # each: count, byte step of A, byte step of B
B = 9  # address of B at k = 0, column 0
INIT = 10  # 0 zero, 1 the present C, 2 bias
BIAS = 11  # address of column 0
EPILOGUE = 12  # 0 none, 1 relu, 2 keep where mask > 0
PRE = 13  # 0, or non-zero: store the value before the epilogue at PRE_ROWS
MAX_ROWS = 9  # of the tall tile
A_ROWS = 16  # addresses of A at k = 0, one a row
C_ROWS = 25  # addresses of C at column 0
MASK_ROWS = 34
PRE_ROWS = 43
# Of a column of tiles, one below the other: the byte steps from tile to tile.
A_STEP, C_STEP, MASK_STEP, PRE_STEP = 52, 53, 54, 55
PACKED = 56  # where a packing tile leaves B
JOB_BYTES = 57 * 8
