"""Formulas as text: `x * tanh(softplus(x))` parsed into steps, with everything bounded.

Our own tokenizer and parser, so a formula in a file can do nothing but arithmetic. The result is in
postfix order: no recursion is needed to emit rows or to write PyTorch. Grammar, loosest first:

    comparison = sum [ (< | <= | > | >= | == | !=) sum ]
    sum        = product { (+ | -) product }
    product    = unary { (* | /) unary }
    unary      = (+ | -) unary | power
    power      = atom [ (** | ^) unary ]
    atom       = number | name | name "(" comparison { "," comparison } ")" | "(" comparison ")"
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from graph.functions import CALL, COMPARISON, CONSTANTS, FUNCTIONS, RULES, SIGN
from graph.tensor import Tensor

MAX_LENGTH = 1000  # characters
MAX_DEPTH = 32  # brackets, signs and powers inside each other
MAX_NAMES = 8  # inputs

_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|<=|>=|==|!=|[-+*/^<>≤≥≠(),])",
    re.ASCII,
)
# what people paste from text; one character each, so that positions stay right
_SPELLING = str.maketrans("×·−÷", "**-/")
_COMPARISONS = {"<": "<", ">": ">", "<=": "<=", ">=": ">=", "==": "==", "!=": "!="}
_COMPARISONS |= {"≤": "<=", "≥": ">=", "≠": "!="}
_RESERVED = frozenset({"all", "module"})  # words of the PyTorch templates


class FormulaError(ValueError):
    """A formula that cannot be read: what was found at which character, what was expected."""

    def __init__(self, found: str, expected: str, position: int) -> None:
        self.found, self.expected, self.position = found, expected, position
        super().__init__(f"found {found} at character {position}, expected {expected}")


@dataclass(frozen=True)
class Step:
    """One step of a stack machine: push `number` or `name`, or apply `op` to the last `arity`."""

    op: str
    arity: int = 0
    number: float = 0.0
    name: str = ""


@dataclass(frozen=True)
class Parsed:
    """A formula in postfix order and its input names in the order they first appear."""

    names: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Token:
    kind: str  # number, name, sign, end
    text: str
    position: int  # from 1, as people count

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


@lru_cache(maxsize=256)
def parse(text: str) -> Parsed:
    """The steps of a formula; raises FormulaError naming the character."""
    steps = _read(text)
    names = tuple(dict.fromkeys(step.name for step in steps if step.name))
    if not names:
        raise FormulaError("no input", "at least one name, such as x", 1)
    if len(names) > MAX_NAMES:
        raise FormulaError(f"{len(names)} names", f"at most {MAX_NAMES}", 1)
    return Parsed(names, tuple(steps))


def number(text: str) -> float:
    """What a formula without inputs comes to: `2*64`, `1e-3/2`; raises FormulaError."""
    steps = _read(text)
    for step in steps:
        if step.name:
            place = text.find(step.name) + 1
            raise FormulaError(repr(step.name), "a number", place)
    return steps[0].number


def _read(text: str) -> list[Step]:
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"{len(text)} characters", f"at most {MAX_LENGTH}", MAX_LENGTH + 1)
    reader = _Reader(_tokens(text))
    steps = reader.comparison()
    reader.take("end", "an operator or the end")
    return steps


def _tokens(text: str) -> list[_Token]:
    plain, tokens, place = text.translate(_SPELLING), [], 0
    while place < len(plain):
        if plain[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(plain, place)
        if match is None:
            expected = "a number, a name, an operator or a bracket"
            raise FormulaError(repr(text[place]), expected, place + 1)
        tokens.append(_Token(str(match.lastgroup), match.group(), place + 1))
        place = match.end()
    return [*tokens, _Token("end", "", len(text) + 1)]


class _Reader:
    """Recursive descent over the tokens; every method gives postfix steps."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.place, self.depth = tokens, 0, 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def take(self, kind: str, expected: str, text: str = "") -> _Token:
        """The next token, which must be of `kind` (and read `text`)."""
        token = self.next
        if token.kind != kind or (text and token.text != text):
            raise FormulaError(str(token), expected, token.position)
        self.place += 1
        return token

    def at(self, *signs: str) -> bool:
        return self.next.kind == "sign" and self.next.text in signs

    def comparison(self) -> list[Step]:
        left = self.sum()
        if not self.at(*_COMPARISONS):
            return left
        sign = self.take("sign", "a comparison")
        made = _apply(_COMPARISONS[sign.text], [left, self.sum()], sign)
        if self.at(*_COMPARISONS):
            expected = "one comparison; put brackets around the first"
            raise FormulaError(str(self.next), expected, self.next.position)
        return made

    def sum(self) -> list[Step]:
        left = self.product()
        while self.at("+", "-"):
            sign = self.take("sign", "a sign")
            left = _apply(sign.text, [left, self.product()], sign)
        return left

    def product(self) -> list[Step]:
        left = self.unary()
        while self.at("*", "/"):
            sign = self.take("sign", "a sign")
            left = _apply(sign.text, [left, self.unary()], sign)
        return left

    def unary(self) -> list[Step]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            expected = f"at most {MAX_DEPTH} brackets, signs and powers inside each other"
            raise FormulaError("too deep a nesting", expected, self.next.position)
        if self.at("+", "-"):
            sign = self.take("sign", "a sign")
            inner = self.unary()
            made = _apply("neg", [inner], sign) if sign.text == "-" else inner
        else:
            made = self.power()
        self.depth -= 1
        return made

    def power(self) -> list[Step]:
        base = self.atom()
        if not self.at("**", "^"):
            return base
        sign = self.take("sign", "a power")
        return _apply("pow", [base, self.unary()], sign)

    def atom(self) -> list[Step]:
        token = self.next
        if token.kind == "number":
            self.place += 1
            return [_number(float(token.text), token)]
        if token.kind == "name":
            self.place += 1
            return self.call(token) if self.at("(") else [_named(token)]
        self.take("sign", "a number, a name or a bracket", "(")
        inner = self.comparison()
        self.take("sign", "a closing bracket", ")")
        return inner

    def call(self, name: _Token) -> list[Step]:
        if name.text not in FUNCTIONS:
            expected = "a function: " + ", ".join(FUNCTIONS)
            raise FormulaError(str(name), expected, name.position)
        self.take("sign", "a bracket", "(")
        arguments = [self.comparison()]
        while self.at(","):
            self.take("sign", "a comma")
            arguments.append(self.comparison())
        self.take("sign", "a comma or a closing bracket", ")")
        wanted = FUNCTIONS[name.text].arity
        if len(arguments) != wanted:
            found = f"{len(arguments)} argument{'s' * (len(arguments) != 1)} of {name.text}"
            raise FormulaError(found, str(wanted), name.position)
        return _apply(name.text, arguments, name)


def _number(value: float, token: _Token) -> Step:
    if not math.isfinite(value):
        raise FormulaError(f"{token}, which is too large", "a finite number", token.position)
    return Step("number", number=value)


def _named(token: _Token) -> Step:
    if token.text in CONSTANTS:
        return Step("number", number=CONSTANTS[token.text])
    if token.text in FUNCTIONS:
        raise FormulaError(str(token), f"a bracket after it: {token.text}(x)", token.position)
    if token.text in _RESERVED:
        raise FormulaError(str(token), "another name, this one is reserved", token.position)
    return Step("name", name=token.text)


def _apply(op: str, arguments: list[list[Step]], token: _Token) -> list[Step]:
    """`op` after its arguments; worked out now when all of them are numbers."""
    if all(len(argument) == 1 and argument[0].op == "number" for argument in arguments):
        numbers = [argument[0].number for argument in arguments]
        try:
            return [_number(float(RULES[op].number(*numbers)), token)]
        except (ValueError, ArithmeticError, TypeError):
            found = f"{token} of {' and '.join(f'{n:g}' for n in numbers)}"
            expected = "numbers it is defined for"
            raise FormulaError(found, expected, token.position) from None
    steps = [step for argument in arguments for step in argument]
    return [*steps, Step(op, len(arguments))]


def emit(parsed: Parsed, operands: Mapping[str, Tensor]) -> Tensor:
    """The rows of a formula on its inputs by name."""
    builder = operands[parsed.names[0]].builder
    stack: list[Tensor] = []
    for step in parsed.steps:
        if step.op == "number":
            stack.append(builder.constant(step.number))
        elif step.op == "name":
            stack.append(operands[step.name])
        else:
            arguments = stack[len(stack) - step.arity :]
            del stack[len(stack) - step.arity :]
            stack.append(RULES[step.op].rows(*arguments))
    return stack[0]


@dataclass(frozen=True)
class _Text:
    """Generated text, how tightly it holds, and whether it is a plain number."""

    text: str
    binding: int = CALL
    number: bool = False

    def inside(self, needed: int) -> str:
        """The text as an argument that must hold as tightly as `needed`."""
        return self.text if self.binding >= needed else f"({self.text})"


def torch_text(parsed: Parsed) -> str:
    """The formula as a PyTorch template over its input names (`graph.template`)."""
    like = f"{{{parsed.names[0]}}}"
    stack: list[_Text] = []
    for step in parsed.steps:
        if step.op == "number":
            stack.append(_Text(repr(step.number), SIGN if step.number < 0 else CALL, number=True))
        elif step.op == "name":
            stack.append(_Text(f"{{{step.name}}}"))
        else:
            arguments = stack[len(stack) - step.arity :]
            del stack[len(stack) - step.arity :]
            stack.append(_torch_call(step.op, arguments, like))
    return _as_number(stack[0], like).text


def _torch_call(op: str, arguments: list[_Text], like: str) -> _Text:
    rule = RULES[op]
    numbers = [_as_number(argument, like) for argument in arguments]
    if rule.tensors:
        numbers = [_as_tensor(argument, like) for argument in numbers]
    if op == "where":  # the condition stays the boolean it is in PyTorch
        test = arguments[0]
        if test.binding != COMPARISON:
            test = _Text(f"{numbers[0].inside(COMPARISON + 1)} != 0", COMPARISON)
        numbers[0] = test
    texts = [n.inside(needed) for n, needed in zip(numbers, rule.inner, strict=False)]
    return _Text(rule.torch.format(*texts), rule.binding)


def _as_tensor(given: _Text, like: str) -> _Text:
    return _Text(f"{like}.new_tensor({given.text})") if given.number else given


def _as_number(given: _Text, like: str) -> _Text:
    """A comparison as 0 or 1: PyTorch's are booleans, which add up to booleans."""
    if given.binding != COMPARISON:
        return given
    return _Text(f"({given.text}).to({like}.dtype)")
