"""The CPU back end: compiled kernels run by a tape interpreter. Importing it loads no compiler."""
