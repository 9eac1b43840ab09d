"""The compiler process: turns kernel templates into object files in the cache.

Run as `python -m compute.cpu.compiler --variant f32x16 gemm elementwise`; it prints one JSON line a
kernel. It is always a process of its own: Numba's compiler lock is global and would stall the
application's threads.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from compute.cpu import variants
from compute.cpu.cache import Cache
from compute.cpu.interpreter import INTERPRETER, interpret
from compute.cpu.kernels import SPECS
from compute.cpu.kernels.vocabulary import Stack
from compute.cpu.variants import Variant

# Numba only lowers; the one optimisation is ours, at the end, over the whole kernel. Both must be
# set before Numba is imported.
_LOWER_ONLY = {"NUMBA_OPT": "0", "NUMBA_LOOP_VECTORIZE": "0", "NUMBA_SLP_VECTORIZE": "0"}

_WRAPPER = """
define void @"{symbol}"({parameters}) {{
    %result = alloca ptr
    %error = alloca ptr
    %status = call i32 @"{function}"(ptr %result, ptr %error, {parameters})
    ret void
}}
"""


def symbol(name: str) -> str:
    """The C symbol of a kernel in its object file: void(int64, …)."""
    return f"netloom_{name}"


class Compiler:
    """Compiles kernels for one variant."""

    def __init__(self, variant: Variant) -> None:
        cpu = {"NUMBA_CPU_NAME": variant.cpu, "NUMBA_CPU_FEATURES": variant.features}
        os.environ.update(_LOWER_ONLY | cpu)
        import llvmlite.binding as llvm
        import numba

        from compute.cpu.simd import Vocabulary

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._llvm: Any = llvm
        target = llvm.Target.from_triple(llvm.get_process_triple())
        self._machine = target.create_target_machine(
            cpu=variant.cpu, features=variant.features, opt=3, codemodel="jitdefault"
        )
        njit: Any = numba.njit
        self._jit = njit(
            nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
        )
        self._words = Vocabulary(variant)
        self._made: dict[FunctionType, Any] = {}

    def object_code(self, name: str) -> bytes:
        """The object file of kernel `name` (or of the interpreter)."""
        if name == INTERPRETER:
            return self._emit(name, self._instantiate(interpret, 0), 1)
        spec = SPECS[name]
        return self._emit(name, self._instantiate(spec.function, len(spec.words)), 4)

    def _instantiate(self, function: Callable[..., Any], words: int) -> Any:
        """The template with its globals rebound to this variant's vocabulary, ready to compile."""
        assert isinstance(function, FunctionType)
        if function not in self._made:
            used = {
                name: self._bind(name, function.__globals__[name], words)
                for name in function.__code__.co_names
                if name in function.__globals__
            }
            used["__name__"] = function.__module__
            copy = FunctionType(function.__code__, used, function.__name__, function.__defaults__)
            self._made[function] = self._jit(copy)
        return self._made[function]

    def _bind(self, name: str, value: Any, words: int) -> Any:
        if isinstance(value, Stack):
            return self._words.stack(value.size)
        if name == "unpack":
            return self._words.unpack(words)
        if getattr(value, "__device__", False):
            return self._instantiate(value, 0)
        return self._words.words.get(name, value)

    def _emit(self, name: str, function: Any, arguments: int) -> bytes:
        from numba import types

        llvm = self._llvm
        function.compile((types.int64,) * arguments)
        (result,) = function.overloads.values()
        parameters = ", ".join(f"i64 %a{i}" for i in range(arguments))
        wrapper = _WRAPPER.format(
            symbol=symbol(name), function=result.fndesc.llvm_func_name, parameters=parameters
        )
        module = llvm.parse_assembly(result.library.get_llvm_str() + wrapper)
        for definition in (*module.functions, *module.global_variables):
            if not definition.is_declaration and definition.name != symbol(name):
                definition.linkage = "internal"
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization = options.slp_vectorization = False
        builder = llvm.create_pass_builder(self._machine, options)
        builder.getModulePassManager().run(module, builder)
        return bytes(self._machine.emit_object(module))


def main(arguments: Sequence[str] | None = None) -> int:
    """Compiles the named kernels that the cache lacks, in order."""
    parser = argparse.ArgumentParser(prog="compute.cpu.compiler", description=main.__doc__)
    parser.add_argument("--variant", required=True)
    parser.add_argument("--nice", type=int, default=0, help="lower the priority by as much")
    parser.add_argument("kernels", nargs="+", choices=[INTERPRETER, *SPECS])
    given = parser.parse_args(arguments)
    if given.nice and hasattr(os, "nice"):
        os.nice(given.nice)
    variant = variants.named(given.variant)
    cache, compiler = Cache(variant), None
    for name in given.kernels:
        start = time.perf_counter()
        if cache.read(name) is None:
            compiler = compiler or Compiler(variant)
            cache.write(name, compiler.object_code(name))
        seconds = round(time.perf_counter() - start, 3)
        sys.stdout.write(json.dumps({"kernel": name, "seconds": seconds}) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
