"""Python expressions as syntax trees: templates filled without counting brackets, text wrapped.

A template such as `{0} @ {1}.T` is parsed once filled with stand-in names, and the operands' trees
take their places, so precedence is Python's own and no operand can break out of its place.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Mapping, Sequence

from graph.export.names import WIDTH, literal

Expression = ast.expr


class Line(str):
    """A line of a generated file that knows the NodePaths it computes."""

    __slots__ = ("paths",)

    def __new__(cls, text: str, paths: Iterable[str] = ()) -> Line:
        made = super().__new__(cls, text)
        made.paths = frozenset(path for path in paths if path)
        return made

    paths: frozenset[str]


def mark(expression: Expression, path: str) -> Expression:
    """The expression, known from now on as what the node at `path` computes."""
    if path and not is_name(expression):
        expression._path = path  # type: ignore[attr-defined]
    return expression


def lines_of(lines: Iterable[str], *paths: str) -> list[str]:
    """These lines, known as what the nodes at `paths` compute beside what they knew already."""
    return [Line(line, (*paths, *getattr(line, "paths", ()))) for line in lines]


def paths(expression: Expression) -> frozenset[str]:
    """The nodes whose computations stand in an expression."""
    found = (getattr(node, "_path", "") for node in ast.walk(expression))
    return frozenset(path for path in found if path)


def parse(text: str) -> Expression:
    """The tree of an expression."""
    return ast.parse(text.strip(), mode="eval").body


def name(text: str) -> Expression:
    """A plain name."""
    return ast.Name(text, ast.Load())


class _Literal:
    """An attribute inside a template: always written as a literal, its elements reachable."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __getitem__(self, index: int) -> _Literal:
        return _Literal(self._value[index])  # type: ignore[index]

    def __format__(self, spec: str) -> str:
        return literal(self._value)

    def __repr__(self) -> str:
        return literal(self._value)


class _Place(ast.NodeTransformer):
    def __init__(self, operands: Mapping[str, Expression]) -> None:
        self.operands = operands

    def visit_Name(self, node: ast.Name) -> Expression:
        return self.operands.get(node.id, node)


def substitute(template: Expression, operands: Mapping[str, Expression]) -> Expression:
    """`template` with names replaced by trees."""
    found: Expression = _Place(operands).visit(template)
    return found


def fill(template: str, operands: Sequence[Expression], attrs: Mapping[str, object]) -> Expression:
    """`template` with `{0}`, `{1}`, `{all}` replaced by operands and `{name}` by literals."""
    places = [f"_operand_{index}_" for index in range(len(operands))]
    values = {key: _Literal(value) for key, value in attrs.items()}
    filled = template.format(*places, all=f"[{', '.join(places)}]", **values)
    return substitute(parse(filled), dict(zip(places, operands, strict=True)))


def text(expression: Expression) -> str:
    """The expression on one line, strings in double quotes, powers of simple operands closed up."""
    line = ast.unparse(expression)
    return _tidy(line) if "'" in line or " ** " in line else line


def _tidy(line: str) -> str:
    tokens = list(tokenize.generate_tokens(io.StringIO(line).readline))
    parts, end = [], 0
    for place, token in enumerate(tokens):
        start, stop = token.start[1], token.end[1]
        if token.type == tokenize.STRING and token.string[0] == "'":
            parts += [line[end:start], literal(ast.literal_eval(token.string))]
            end = stop
        elif token.string == "**" and _is_simple_power(tokens, place):
            parts += [line[end : start - 1], "**"]
            end = stop + 1
    return "".join(parts) + line[end:]


def _is_simple_power(tokens: Sequence[tokenize.TokenInfo], place: int) -> bool:
    simple = (tokenize.NAME, tokenize.NUMBER)
    around = tokens[place - 1], tokens[place + 1]
    return all(t.type in simple for t in around) and tokens[place + 2].string not in ("(", "[", ".")


def is_name(expression: Expression) -> bool:
    """Whether it is a bare name or number, so that using it twice costs nothing."""
    return isinstance(expression, (ast.Name, ast.Constant))


def depth(expression: Expression) -> int:
    """How many calls stand inside each other."""
    inner = max((depth(child) for child in _children(expression)), default=0)
    return inner + isinstance(expression, ast.Call)


def _children(expression: Expression) -> list[Expression]:
    children = [n for n in ast.iter_child_nodes(expression) if isinstance(n, ast.expr)]
    words = [n for n in ast.iter_child_nodes(expression) if isinstance(n, ast.keyword)]
    return [*children, *(word.value for word in words)]


def is_primary(expression: Expression) -> bool:
    """Whether a method or index can follow it without brackets."""
    return isinstance(expression, (ast.Name, ast.Call, ast.Subscript, ast.Attribute))


def statement(head: str, expression: Expression, indent: str = "") -> list[str]:
    """`head` (`x = `, `return ` …) and the expression, broken over lines where it is too long."""
    if isinstance(expression, ast.Tuple) and head == "return ":
        bare = f"{indent}{head}{', '.join(map(text, expression.elts))}"
        if len(expression.elts) > 1 and len(bare) <= WIDTH:
            return [Line(bare, paths(expression))]
    lines = _layout(indent, head, expression, "")
    if isinstance(expression, ast.Dict) and len(lines) > 1:
        return lines  # its lines know their own nodes; the brackets belong to none
    return lines_of(lines, *paths(expression))


def _layout(indent: str, head: str, expression: Expression, tail: str) -> list[str]:
    line = f"{indent}{head}{text(expression)}{tail}"
    if len(line) <= WIDTH:
        return [line]
    broken = _bracketed(indent, head, expression, tail)
    return broken or _parenthesised(indent, head, expression, tail) or [line]


def _bracketed(indent: str, head: str, expression: Expression, tail: str) -> list[str] | None:
    """Break inside the brackets of a call, list, tuple or dict, or of one that is indexed."""
    if isinstance(expression, ast.Subscript) and isinstance(expression.value, ast.Call):
        index = text(expression).removeprefix(text(expression.value))
        return _bracketed(indent, head, expression.value, index + tail)
    items: list[tuple[str, Expression]]
    if isinstance(expression, ast.Call) and (expression.args or expression.keywords):
        opening, closing = f"{text(expression.func)}(", ")"
        items = [("", a) for a in expression.args]
        items += [(f"{k.arg}=" if k.arg else "**", k.value) for k in expression.keywords]
    elif isinstance(expression, (ast.List, ast.Tuple)) and expression.elts:
        opening, closing = ("[", "]") if isinstance(expression, ast.List) else ("(", ")")
        items = [("", e) for e in expression.elts]
    elif isinstance(expression, ast.Dict) and expression.values:
        opening, closing = "{", "}"
        keys = [f"{text(k)}: " if k else "**" for k in expression.keys]
        items = list(zip(keys, expression.values, strict=True))
    else:
        return None
    if len(indent + head + opening) > WIDTH:
        return _before_method(indent, head, expression, tail)
    return _items(indent, head + opening, items, closing + tail)


def _before_method(indent: str, head: str, expression: Expression, tail: str) -> list[str] | None:
    """Break inside the call whose result a method is called on: `f(…).reshape(2, 4)`."""
    if not isinstance(expression, ast.Call) or not isinstance(expression.func, ast.Attribute):
        return None
    receiver, name = expression.func.value, expression.func.attr
    given = [text(a) for a in expression.args]
    given += [f"{k.arg}={text(k.value)}" if k.arg else f"**{text(k.value)}"
              for k in expression.keywords]  # fmt: skip
    return _bracketed(indent, head, receiver, f".{name}({', '.join(given)}){tail}")


def _items(
    indent: str, opening: str, items: Sequence[tuple[str, Expression]], closing: str
) -> list[str]:
    deeper = indent + "    "
    together = deeper + ", ".join(key + text(value) for key, value in items)
    if len(together) <= WIDTH:
        return [indent + opening, together, indent + closing]
    parts = [(_layout(deeper, key, value, ","), paths(value)) for key, value in items]
    lines = [line for layout, found in parts for line in lines_of(layout, *found)]
    return [indent + opening, *lines, indent + closing]


def _parenthesised(indent: str, head: str, expression: Expression, tail: str) -> list[str] | None:
    """Break before the operators of a sum or product, or between pieces of a long string."""
    deeper = indent + "    "
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        room = WIDTH - len(deeper) - 2
        pieces = _pieces(expression.value, room)
        return [f"{indent}{head}(", *(deeper + literal(p) for p in pieces), f"{indent}){tail}"]
    if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute):
        return _chained(indent, head, expression, expression.func.value, tail)
    if isinstance(expression, ast.UnaryOp) and isinstance(expression.op, ast.USub):
        return _parenthesised(indent, f"{head}-", expression.operand, tail)
    if not isinstance(expression, ast.BinOp) or type(expression.op) not in _SIGNS:
        return None
    together = deeper + text(expression)
    if len(together) <= WIDTH:
        return [f"{indent}{head}(", together, f"{indent}){tail}"]
    lines: list[str] = []
    for sign, term, grouped in _terms(expression):
        line = f"{deeper}{sign}({text(term)})"
        if not grouped:
            lines += _layout(deeper, sign, term, "")
        elif len(line) <= WIDTH:
            lines.append(line)
        else:
            lines += _parenthesised(deeper, sign, term, "") or [line]
    return [f"{indent}{head}(", *lines, f"{indent}){tail}"]


def _chained(
    indent: str, head: str, expression: Expression, owner: Expression, tail: str
) -> list[str]:
    """Break before the method that is called on another call, whose brackets come too late."""
    deeper = indent + "    "
    lines = [deeper + text(expression)]
    if len(lines[0]) > WIDTH and isinstance(owner, ast.Call):
        method = text(expression).removeprefix(text(owner))
        lines = [*_layout(deeper, "", owner, ""), deeper + method]
    return [f"{indent}{head}(", *lines, f"{indent}){tail}"]


_SIGNS = {ast.Add: "+ ", ast.Sub: "- ", ast.Mult: "* ", ast.Div: "/ ", ast.MatMult: "@ "}
_SUMS = (ast.Add, ast.Sub)


def _terms(expression: ast.BinOp) -> list[tuple[str, Expression, bool]]:
    """Operands of a chain of one precedence: its operator, itself, whether it needs brackets."""
    adds = isinstance(expression.op, _SUMS)
    left, right = expression.left, expression.right
    if isinstance(left, ast.BinOp) and type(left.op) in _SIGNS:
        chained = isinstance(left.op, _SUMS) == adds
    else:
        chained = False
    before = _terms(left) if chained and isinstance(left, ast.BinOp) else None
    first = before or [("", left, _needs_brackets(left, adds))]
    last_adds = adds and not (isinstance(right, ast.BinOp) and isinstance(right.op, _SUMS))
    return [*first, (_SIGNS[type(expression.op)], right, _needs_brackets(right, last_adds))]


def _needs_brackets(term: Expression, in_sum: bool) -> bool:
    if isinstance(term, ast.BinOp):
        return not (in_sum or isinstance(term.op, ast.Pow))
    return isinstance(term, (ast.Compare, ast.IfExp, ast.BoolOp, ast.Lambda))


def _pieces(value: str, room: int) -> list[str]:
    pieces, start = [], 0
    while start < len(value):
        size = room
        while size > 1 and len(literal(value[start : start + size])) > room:
            size -= 1
        pieces.append(value[start : start + size])
        start += size
    return pieces


def inverse(expression: Expression) -> Expression | None:
    """x of the quotient 1 / x; None for anything else."""
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Div):
        one = expression.left
        if isinstance(one, ast.Constant) and one.value == 1:
            return expression.right
    return None
