"""What people typed, made safe for generated Python: names, strings, numbers, comments.

Nothing of a graph reaches generated code but through this module. A name becomes a legal, unique
identifier; every other value becomes a literal; every other text becomes a comment, line by line.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import textwrap
import unicodedata
from collections.abc import Iterable

WIDTH = 100
LONGEST_NAME = 32

# words of Python, and letters that look like digits
_WORDS = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "self", "cls", "l", "I", "O"}
RESERVED = frozenset(_WORDS)
# attributes of nn.Module, which a submodule of the same name would hide
_MODULE_WORDS = """
    add_module apply bfloat16 buffers call_super_init children compile cpu cuda double
    dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules
    named_parameters parameters register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
    zero_grad T_destination"""
MODULE_ATTRIBUTES = frozenset(re.findall(r"\w+", _MODULE_WORDS))


def identifier(text: str) -> str:
    """`text` as a plain lower-case identifier: `1. Große Schicht` → `n1_grosse_schicht`."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    name = re.sub(r"[^a-z0-9]+", "_", folded.encode("ascii", "ignore").decode()).strip("_")
    name = name[:LONGEST_NAME].rstrip("_")
    if not name:
        return "node"
    return name if name[0].isalpha() else f"n{name}"


def class_identifier(text: str) -> str:
    """`text` as the name of a class: `residual block` → `ResidualBlock`."""
    parts = re.findall(r"[A-Za-z0-9]+", unicodedata.normalize("NFKD", text))
    name = "".join(part[0].upper() + part[1:] for part in parts)[:LONGEST_NAME]
    if not name:
        return "Block"
    return name if name[0].isalpha() else f"N{name}"


class Namespace:
    """Names taken in one scope of the generated file; a scope inside sees those outside."""

    def __init__(self, taken: Iterable[str] = (), outer: Namespace | None = None) -> None:
        self._taken = set(taken)
        self._outer = outer

    def __contains__(self, name: str) -> bool:
        inside = name in self._taken or name in RESERVED
        return inside or (self._outer is not None and name in self._outer)

    def take(self, name: str) -> str:
        """`name`, or `name_2`, `name_3` … when it is taken; taken from now on.

        A word of Python itself gets an underscore, as people write it: `class_`.
        """
        name = f"{name}_" if name in RESERVED else name
        found, number = name, 1
        while found in self:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    def new(self, text: str) -> str:
        """A fresh identifier that reads like `text`."""
        return self.take(identifier(text))

    def new_class(self, text: str) -> str:
        """A fresh class name that reads like `text`."""
        return self.take(class_identifier(text))

    def inside(self, taken: Iterable[str] = ()) -> Namespace:
        """A scope inside this one."""
        return Namespace(taken, self)


class Code(str):
    """Text that is Python already; `repr` and `format` give it as it is."""

    def __repr__(self) -> str:
        return str(self)


def literal(value: object) -> str:
    """`value` as Python text: numbers, strings, None, tuples, lists and dicts of them."""
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, float):
        return repr(value) if value - value == 0 else f'float("{value}")'
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    raise TypeError(f"found a {type(value).__name__}, expected a number, a string or a tuple")


def _string(text: str) -> str:
    """`repr` with double quotes where that needs no more backslashes."""
    plain = repr(str(text))
    if plain[0] == "'" and '"' not in plain:
        return f'"{plain[1:-1]}"'
    return plain


def visible(text: str) -> str:
    """`text` on one line, with every control, bidirectional or broken character escaped."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def comment(text: str, indent: str = "") -> list[str]:
    """`text` as comment lines; all line ends Unicode knows (U+2028, U+0085 …) end a line."""
    lines: list[str] = []
    for line in text.splitlines():
        wrapped = textwrap.wrap(visible(line), WIDTH - len(indent) - 2) or [""]
        lines += [f"{indent}# {part}".rstrip() for part in wrapped]
    return lines


def docstring(text: str) -> str:
    """`text` made harmless inside a docstring: no quotes that end it, no backslash."""
    return visible(text).replace("\\", "/").replace('"', "'")


def words(text: str) -> set[str]:
    """The identifiers (and words of strings) in a piece of code."""
    return set(re.findall(r"\w+", text))


def free_names(text: str) -> set[str]:
    """Names that generated statements read or bind, strings and comments left out."""
    tree = ast.parse(textwrap.dedent(text))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
