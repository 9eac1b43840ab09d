"""The kernel library. `SPECS` maps each kernel's name to its declaration; importing it loads no
compiler.
"""

from compute.cpu.kernels import (  # noqa: F401  (importing a module declares its kernels)
    attention,
    conv,
    copy,
    depthwise,
    elementwise,
    gather,
    gemm,
    layer_norm,
    norm,
    pool,
    random,
    recurrent,
    reduce,
    row_product,
    softmax,
    winograd,
)
from compute.cpu.templates import SPECS as SPECS
