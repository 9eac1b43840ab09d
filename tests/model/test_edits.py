"""Edits do what they say, their inverses undo it, and a refused edit changes nothing."""

from random import Random

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_edits import random_edit, random_graph

from graph.drawing import copy, same
from graph.edit_records import edit_record, read_edit
from graph.rules import EditError


@hypothesis_settings(max_examples=300)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_an_inverse_restores_the_graph(seed: int, edits: int) -> None:
    """Apply then inverse gives the same graph; the redone edit gives the same result again."""
    rng = Random(seed)
    graph = random_graph(rng, edits)
    before = copy(graph)
    edit = random_edit(rng, graph)
    assert edit.title(graph)
    try:
        inverse = edit.apply(graph)
    except EditError:
        assert same(graph, before)
        return
    after = copy(graph)
    redo = inverse.apply(graph)
    assert same(graph, before)
    redo.apply(graph)
    assert same(graph, after)


def test_thousands_of_edits_undo_to_the_start() -> None:
    """3,000 seeded edits, each checked on its own, all undone in the end."""
    rng = Random(7)
    graph = random_graph(rng, 0)
    start = copy(graph)
    inverses = []
    refused = 0
    for _ in range(3000):
        edit = read_edit(edit_record(random_edit(rng, graph)))
        try:
            inverses.append(edit.apply(graph))
        except EditError:
            refused += 1
        if len(graph) > 60:
            while inverses:
                inverses.pop().apply(graph)
            assert same(graph, start)
    assert refused < 2000
    for inverse in reversed(inverses):
        inverse.apply(graph)
    assert same(graph, start)
