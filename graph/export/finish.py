"""What makes the number of a metric at the end of an evaluation, carried along by exported files.

The function that Netloom runs is written out as it stands, without its types.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import Namespace
from graph.export.symbolic import ExportError
from graph.op import Op
from graph.ops.metric import Metric

Finish = Callable[..., float]


class Finishers:
    """The functions that the metrics of a graph end with, each under one name of the file."""

    def __init__(self, ops: Iterable[Op], taken: Iterable[str]) -> None:
        scope = Namespace(taken)
        self.names: dict[Finish, str] = {}
        for op in ops:
            if isinstance(op, Metric) and op.finishes() and op.finish not in self.names:
                owner = next(kind for kind in type(op).__mro__ if "finish" in vars(kind))
                words = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", owner.__name__)
                self.names[op.finish] = scope.new(words)

    def number(self, op: Op | None, gathered: Expression, array: str) -> Expression:
        """The number of a metric, or without one of a loss, from what was gathered.

        `array` makes of sums and rows what the function of a metric takes, such as
        `{0}.astype(float)`; it takes a mean as a Python number.
        """
        if not (isinstance(op, Metric) and op.finishes()):
            return ex.fill("float({0})", [gathered], {})
        given = "float({0})" if op.gathers == "mean" else array
        settings = {f"setting{k}": value for k, value in enumerate(op.finish_arguments())}
        arguments = ", ".join([given, *(f"{{{name}}}" for name in settings)])
        return ex.fill(f"{self.names[op.finish]}({arguments})", [gathered], settings)

    def sources(self) -> dict[str, str]:
        """The text of each function by its name."""
        return {name: _source(function, name) for function, name in self.names.items()}


def _source(function: Finish, name: str) -> str:
    try:
        text = textwrap.dedent(inspect.getsource(function))
        made = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError):
        made = None
    if not isinstance(made, ast.FunctionDef):
        raise ExportError(
            f"{name}: found no text of the function that makes the metric's number, expected a "
            "def in a file; write one into the class of the node type"
        )
    arguments = ", ".join(argument.arg for argument in made.args.args)
    body = text.splitlines()[made.body[0].lineno - 1 :]
    return "\n".join([f"def {name}({arguments}):", *body])
