"""Settings of inner nodes that a definition exposes: every instance may give them other values.

A definition keeps a list of `Exposure`, an instance the values it gives (`Defined.values`); what it
gives none for stays as drawn. Exposed can be numbers, switches and choices of layers, losses and
metrics, and what an inner instance exposes. One name may set several settings of one kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graph.op import Op, Setting, SettingError, annotation, settings_of
from graph.subgraph import Defined

if TYPE_CHECKING:
    from graph.graph import Graph

Place = tuple[str, str]  # id of an inner node, name of its setting

_PLAIN = frozenset({"int", "float", "bool", "None", "tuple"})


@dataclass(frozen=True)
class Exposure:
    """An exposed setting: what instances call it, and the settings of inner nodes that it sets."""

    name: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Offered:
    """An exposed setting as instances offer it: the rule and the kind of the first setting behind
    it, live when all are, and the values drawn inside, each different one once.
    """

    rule: Setting
    kind: str
    drawn: tuple[Any, ...]


def offered(definition: Graph) -> dict[str, Offered]:
    """What the instances of a definition offer, by name, in the order of its author.

    Nothing for an exposure whose settings are all gone.
    """
    found: dict[str, Offered] = {}
    for exposure in definition.exposed:
        behind = [one for place in exposure.places if (one := at(definition, place))]
        if behind:
            drawn = dict.fromkeys(value for one in behind for value in one.drawn)
            live = all(one.rule.live for one in behind)
            rule = replace(behind[0].rule, label=exposure.name, advanced=False, live=live)
            found[exposure.name] = Offered(rule, behind[0].kind, tuple(drawn))
    return found


def at(drawing: Graph, place: Place) -> Offered | None:
    """The setting at a place that can be exposed; None for any other and where there is none."""
    id, name = place
    return held(drawing, drawing.node(id).op, name) if id in drawing else None


def held(drawing: Graph, op: Op, name: str) -> Offered | None:
    """The setting of a node of a drawing, likewise; of an instance one that it offers."""
    if isinstance(op, Defined):
        inner = drawing.definitions.get(op.definition)
        found = offered(inner).get(name) if inner is not None else None
        given = dict(op.values)
        return replace(found, drawn=(given[name],)) if found and name in given else found
    rule = settings_of(type(op)).get(name)
    if rule is None or op.role not in ("layer", "loss", "metric"):
        return None
    kind = annotation(type(op), name)
    words = set(re.findall(r"[A-Za-z]\w*", kind))
    if words <= _PLAIN or (rule.choices and words <= _PLAIN | {"str"}):
        return Offered(rule, kind, (getattr(op, name),))
    return None


def alike(one: Offered, other: Offered) -> bool:
    """Whether one name can set both: the same values mean something to both."""
    return one.kind == other.kind and one.rule.choices == other.rule.choices


def given(drawing: Graph, op: Op, values: Mapping[str, Any]) -> Op:
    """A node of a drawing with other values of its settings, those it offers included.

    A value that is drawn inside anyway is kept as none. Raises SettingError.
    """
    if not isinstance(op, Defined):
        return replace(op, **values)
    own = {name: value for name, value in values.items() if name in settings_of(type(op))}
    op = replace(op, **own)
    definition = drawing.definitions.get(op.definition)
    drawn = offered(definition) if definition is not None else {}
    kept = dict(op.values) | {n: v for n, v in values.items() if n not in own}
    kept = {n: v for n, v in kept.items() if n not in drawn or drawn[n].drawn != (v,)}
    made = replace(op, values=tuple(sorted(kept.items())))
    if definition is not None:
        check_values(definition, made)
    return made


def check_values(definition: Graph, op: Defined) -> None:
    """Raises SettingError for a value that a node inside refuses, however deep it stands."""
    for inner in ops_inside(definition, op).values():
        if isinstance(inner, Defined) and inner.definition in definition.definitions:
            check_values(definition.definitions[inner.definition], inner)


def ops_inside(definition: Graph, op: Defined) -> dict[str, Op]:
    """The inner nodes that an instance gives other settings, as they then are, by id.

    Raises SettingError for a value that one of them refuses.
    """
    values, wanted = dict(op.values), dict[str, dict[str, Any]]()
    called: dict[Place, str] = {}
    for exposure in definition.exposed if values else ():
        for id, name in exposure.places if exposure.name in values else ():
            if at(definition, (id, name)) is not None:
                wanted.setdefault(id, {})[name] = values[exposure.name]
                called[id, name] = exposure.name
    return {id: _changed(definition, id, named, called) for id, named in wanted.items()}


def _changed(
    definition: Graph, id: str, named: Mapping[str, Any], called: Mapping[Place, str]
) -> Op:
    op = definition.node(id).op
    if isinstance(op, Defined):
        return replace(op, values=tuple(sorted({**dict(op.values), **named}.items())))
    try:
        made = replace(op, **named)
    except SettingError as error:
        name = called.get((id, error.name), error.name)
        raise SettingError(name, error.found, error.expected) from None
    if (made.ports_in(), made.ports_out()) != (op.ports_in(), op.ports_out()):
        first = next(iter(named))
        expected = f"a value that leaves {definition.node(id).label} the ports it is drawn with"
        raise SettingError(called[id, first], repr(named[first]), expected)
    return made
