"""One node in PyTorch: the module it needs and the expression of its output.

A node type says both in its templates. One that says nothing is written from its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.pytorch_custom import Customs
from graph.export.pytorch_idiom import as_function, call_function, without_defaults
from graph.op import Op
from graph.program import TensorType
from graph.template import Operand, call_text, module_text

TO_DEFAULT = ".to(torch.get_default_dtype())"
Wired = Mapping[str, Sequence[tuple[Expression, TensorType]]]


@dataclass(frozen=True)
class Layer:
    """What a node needs in `__init__`, and how `forward` calls it.

    `module` is empty for a plain function; `own` says that the text comes from the rows and not
    from the templates of the node type.
    """

    module: str
    op: Op
    function: tuple[str, str] | None = None
    own: bool = False
    real: str = "float"

    def call(self, wired: Wired, attribute: str) -> Expression:
        """The node's output; `attribute` is the text of its module, such as `self.conv1`."""
        flat = [expression for pairs in wired.values() for expression, _ in pairs]
        operands: dict[str, list[Operand]] = {}
        count = 0
        for port, pairs in wired.items():
            operands[port] = []
            for _, kind in pairs:
                operands[port].append(Operand(f"_operand_{count}_", kind))
                count += 1
        text = f"_module_({', '.join(o.text for found in operands.values() for o in found)})"
        if not self.own:
            text = call_text(self.op, operands, "_module_").replace(TO_DEFAULT, f".{self.real}()")
        call = ex.parse(text)
        if self.function is not None:
            call = call_function(call, *self.function)
        places = {f"_operand_{k}_": expression for k, expression in enumerate(flat)}
        return ex.substitute(call, {"_module_": ex.parse(attribute or "None"), **places})


def layer(op: Op, types: Mapping[str, Sequence[TensorType]], customs: Customs) -> Layer:
    """How a node is written, given the types at its input ports."""
    operands = {port: [Operand("x", kind) for kind in kinds] for port, kinds in types.items()}
    text = module_text(op, operands)
    if not text:
        flat = [kind for kinds in types.values() for kind in kinds]
        if "{module}" not in op.call_template(*flat):
            return Layer("", op, real=customs.real)
        name, is_module = customs.function(op, types)
        return Layer(f"{name}()", op, own=True) if is_module else Layer("", op, (name, ""), True)
    module = without_defaults(ex.parse(text))
    if ex.text(module) == "nn.Flatten()":
        return Layer("", op, ("torch.flatten", ", 1"))
    function = as_function(module)
    return Layer("" if function else ex.text(module), op, function)
