"""The small net that is offered for data: it fits every target, and only offered where it fits."""

from dataclasses import replace

import pytest

from graph.checks import check
from graph.edits import AddNode, Connect
from graph.graph import Graph, Node, Wire
from graph.kinds import DataSource
from graph.ops.data import Digits, ToyData
from graph.ops.dense import Dense
from graph.ops.table import Table
from graph.schema import Column, Schema
from graph.starter import small_net
from graph.training import Training

NUMBERS = Schema((Column("a"), Column("b"), Column("y")), 100, "y")
CLASSES = Schema((Column("a"), Column("y", "category", ("no", "yes", "perhaps"))), 100, "y")


def of(op: DataSource) -> Graph:
    graph = Graph()
    AddNode(Node("data1", op, x=40.0, y=60.0)).apply(graph)
    return graph


@pytest.mark.parametrize(
    "op",
    [
        ToyData(),
        ToyData(shape="regression"),
        Digits(),
        Table(path="t.csv", schema=NUMBERS),
        Table(path="t.csv", schema=CLASSES),
    ],
)
def test_the_net_fits_and_one_undo_takes_it_back(op: DataSource) -> None:
    graph = of(op)
    (problem,) = check(graph)
    (net,) = problem.mends
    inverse = net.apply(graph)
    assert check(graph) == ()
    places = {(node.x, node.y) for node in graph}
    assert len(places) == len(graph)
    inverse.apply(graph)
    assert [node.id for node in graph] == ["data1"]
    assert graph.training == Training()


def test_it_is_offered_only_for_data_that_nothing_reads() -> None:
    read = of(ToyData())
    AddNode(Node("dense", Dense())).apply(read)
    Connect(Wire("data1", "features", "dense", "x")).apply(read)
    unknown = Table(path="t.csv")
    single = Schema((Column("a"), Column("y", "category", ("only",))), 9, "y")
    for graph in (read, of(unknown), of(replace(unknown, schema=single))):
        assert small_net(graph, "data1") is None
    assert small_net(read, "dense") is None


def test_epochs_that_somebody_chose_stay() -> None:
    graph = of(Table(path="t.csv", schema=NUMBERS))
    graph.training = replace(graph.training, epochs=3)
    net = small_net(graph, "data1")
    assert net is not None
    net.apply(graph)
    assert graph.training.epochs == 3
