"""The JSON form of edits, for the crash journal: `{"edit": "Connect", "wire": "a.y -> b.x"}`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any

from graph.define import Define, Dissolve, Instance, RenameDefinition, Undefine
from graph.dots import SetDots
from graph.drawing import Drawing
from graph.edit import Edit
from graph.edits import (
    AddNode,
    Batch,
    Connect,
    Disconnect,
    Move,
    Remove,
    Rename,
    SetFlags,
    SetFrame,
    SetNote,
    SetOp,
    SetTraining,
)
from graph.expose import Expose, RenameExposed
from graph.graph import Frame, Node, Note, Wire
from graph.op import Op
from graph.records import (
    DRAWING,
    drawing_record,
    frame_record,
    node_record,
    note_record,
    op_record,
    read_drawing,
    read_frame,
    read_node,
    read_note,
    read_op,
    read_wire,
    wire_text,
)
from graph.validator import Json, decode, encode, fail, hints_of, inside, need_object

EDITS: dict[str, type[Edit]] = {
    edit.__name__: edit
    for edit in (
        *(AddNode, Remove, Connect, Disconnect, SetOp, Move, Rename, SetFlags, SetFrame, SetNote),
        *(SetTraining, Batch, Define, Undefine, RenameDefinition, Instance, Dissolve, SetDots),
        *(Expose, RenameExposed),
    )
}


@dataclass(frozen=True)
class _Form:
    """How values of one field type are written and read."""

    write: Callable[[Any], Json]
    read: Callable[[Json, str], Any]


def _with_id(write: Callable[[Any], Json], read: Callable[[str, Json, str], Any]) -> _Form:
    """The form of what files keep by id: here the id stands inside."""

    def unpack(value: Json, place: str) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("id"), str):
            fail(place, value, "an object with an id")
        rest = {key: one for key, one in value.items() if key != "id"}
        return read(value["id"], rest, place)

    return _Form(lambda item: {"id": item.id, **write(item)}, unpack)


def _read_op(value: Json, place: str) -> Op:
    keys = {"type", "settings", "ports"}
    return read_op(need_object(value, place, keys=keys, required={"type"}), place)


def _read_drawing(value: Json, place: str) -> Drawing:
    return read_drawing(need_object(value, place, keys=DRAWING, required={"nodes"}), f"{place}.")


def _read_edits(value: Json, place: str) -> tuple[Edit, ...]:
    if not isinstance(value, list):
        fail(place, value, "a list of edits")
    return tuple(read_edit(one, f"{place}[{k}]") for k, one in enumerate(value))


FORMS: dict[Any, _Form] = {
    Node: _with_id(node_record, read_node),
    Frame: _with_id(frame_record, read_frame),
    Note: _with_id(note_record, read_note),
    Wire: _Form(wire_text, read_wire),
    Op: _Form(op_record, _read_op),
    Drawing: _Form(drawing_record, _read_drawing),
    tuple[Edit, ...]: _Form(lambda edits: [edit_record(one) for one in edits], _read_edits),
}


def edit_record(edit: Edit) -> dict[str, Json]:
    """An edit as JSON."""
    record: dict[str, Json] = {"edit": type(edit).__name__}
    defaults = {field.name: field.default for field in fields(edit)}
    for name, hint in hints_of(type(edit)).items():
        value = getattr(edit, name)
        if value != "" and value != defaults[name]:
            form = FORMS.get(hint)
            record[name] = form.write(value) if form else encode(value, hint)
    return record


def read_edit(record: Json, place: str = "") -> Edit:
    """The edit of such a record. Raises FileError."""
    kind = record.get("edit") if isinstance(record, dict) else None
    cls = EDITS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        fail(place, kind if isinstance(record, dict) else record, "an edit")
    hints = hints_of(cls)
    required = {f.name for f in fields(cls) if f.default is MISSING and hints[f.name] is not str}
    need_object(record, place, keys={"edit", *hints}, required=required)
    values: dict[str, Any] = {}
    for name, hint in hints.items():
        where, form = inside(place, name), FORMS.get(hint)
        if name in record:
            value = record[name]
            values[name] = form.read(value, where) if form else decode(value, hint, where)
        elif hint is str:
            values[name] = ""
    return cls(**values)
