"""A node that is not in a graph yet, as the canvas shows it. No Qt."""

from __future__ import annotations

from graph.graph import Node
from graph.op import Op
from gui.canvas.describe import UNKNOWN, icon_name, second_port, summary, title
from gui.canvas.view_model import NodeState, NodeView, PortView


def bare_view(node: Node) -> NodeView:
    """Header, settings, ports as declared; a ghost."""
    op = node.op
    inputs = tuple(PortView(port.name, port.kind) for port in op.ports_in())
    outputs = tuple(PortView(port.name, port.kind) for port in op.ports_out())
    line = summary(op) or op.caption or second_port(inputs, outputs)
    return NodeView(
        id=node.id,
        title=title(node),
        family=op.family,
        icon=icon_name(op),
        role=op.role,
        summary=line,
        badge=UNKNOWN if line else "",
        inputs=inputs,
        outputs=outputs,
        x=node.x,
        y=node.y,
        collapsed=not line and len(inputs) < 2 and len(outputs) < 2,
        ring=type(op).params is not Op.params,
        state=NodeState(ghost=True),
    )
