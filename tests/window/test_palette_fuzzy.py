"""The matcher: the order of its bands, initials, words in several fields, and what fits nothing."""

from __future__ import annotations

import random

import pytest

from graph.catalog import catalog
from gui.palette.fuzzy import Field, find, match, rank
from gui.palette.index import Column, Index

NAMES = ("MaxPool2d", "Conv2d", "Dense", "Cross-entropy", "Binary cross-entropy", "Leaky ReLU")


def _score(query: str, text: str) -> float:
    found = match(query, text)
    assert found is not None
    return found.score


def test_bands_come_in_order() -> None:
    """Whole, prefix, start of a word, initials, inside, scattered."""
    texts = ("pool", "pool2d", "max pool", "p-o-o-l", "spooled", "pxoxoxl")
    scores = [_score("pool", text) for text in texts]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


@pytest.mark.parametrize(
    ("query", "text", "places"),
    [
        ("pool", "MaxPool2d", (3, 4, 5, 6)),
        ("mp2", "MaxPool2d", (0, 3, 7)),
        ("CROSSENT", "Cross-entropy", (0, 1, 2, 3, 4, 6, 7, 8)),
        ("dns", "Dense", (0, 2, 3)),
        ("relu", "Leaky ReLU", (6, 7, 8, 9)),
        ("", "Dense", ()),
    ],
)
def test_places_are_those_of_the_typed_letters(
    query: str, text: str, places: tuple[int, ...]
) -> None:
    """What the lists draw in the accent colour."""
    found = match(query, text)
    assert found is not None
    assert found.places == places


@pytest.mark.parametrize(
    ("query", "text"), [("dx", "Dense"), ("dense!", "Dense"), ("az", "abcdefghijklmnopqrstuvwxyz")]
)
def test_no_match(query: str, text: str) -> None:
    """Letters that are not there, or lie too far apart."""
    assert match(query, text) is None


def test_sentences_match_only_in_one_piece() -> None:
    """A doc text holds nearly any letters in order."""
    text = "Every output is a weighted sum of all inputs"
    assert match("weighted", text, loose=False) is not None
    assert match("evsum", text, loose=False) is None


@pytest.mark.parametrize(("query", "text"), [("maß", "Großmaß"), ("maß", "İıßmaß")])
def test_letters_that_grow_in_lower_case_keep_places(query: str, text: str) -> None:
    """The places stay those of the text."""
    found = match(query, text)
    assert found is not None
    assert "".join(text[place] for place in found.places) == query


def test_words_may_lie_in_several_fields() -> None:
    """Each word is found somewhere, or the entry is not."""
    fields = (Field("MaxPool2d"), Field("Convolution", 0.5), Field("downsample", 0.8))
    assert find("pool down", fields) is not None
    assert find("convolution max", fields) is not None
    assert find("pool dense", fields) is None


def test_letters_of_the_first_field_are_lit_though_another_fits_better() -> None:
    """In one piece only: scattered ones have nothing to do with why the entry was found."""
    fields = (Field("Go to conv1", loose=False), Field("conv1", 0.95))
    found = find("conv", fields)
    assert found is not None
    assert (found.score > 80, found.places) == (True, (6, 7, 8, 9))
    scattered = find("dns", (Field("Dense"), Field("dns", 0.95)))
    assert scattered is not None
    assert scattered.places == ()


def test_rank_is_stable_and_best_first() -> None:
    """An empty query keeps the order; equal scores keep it too."""
    every = rank("", NAMES, lambda name: [Field(name)])
    assert [name for name, _ in every] == list(NAMES)
    hits = rank("entropy", NAMES, lambda name: [Field(name)])
    assert [name for name, _ in hits] == ["Cross-entropy", "Binary cross-entropy"]


def test_a_node_name_beats_its_docs() -> None:
    """ "add" is a node, and a word of many descriptions."""
    entries = [(entry["title"], entry["doc"]) for entry in catalog()]
    hits = rank("add", entries, lambda e: [Field(e[0]), Field(e[1], 0.3, loose=False)])
    assert hits[0][0][0] == "Add"
    assert len(hits) > 1


@pytest.mark.parametrize("seed", range(20))
def test_a_long_list_searched_at_once_gives_what_one_by_one_gives(seed: int) -> None:
    """Random names and queries of few letters, so that every band and every tie comes up."""
    chance = random.Random(seed)

    def name(least: int, most: int, letters: str) -> str:
        return "".join(chance.choice(letters) for _ in range(chance.randint(least, most)))

    texts = [name(0, 12, "aabBcC1 -İé") for _ in range(300)]
    kinds = [chance.choice(("Abc", "bC 1", "")) for _ in texts]
    index = Index((Column([f"a {t}" for t in texts], loose=False), Column(texts, 0.9),
                   Column(kinds, 0.6)))  # fmt: skip
    for _ in range(40):
        query, most = name(1, 5, "abc1 -é"), chance.choice((3, 50, 1000))
        if query.strip():
            each = rank(query, range(len(texts)), index.fields)
            assert index.rank(query, most) == each[:most]


def test_an_index_of_nothing_finds_nothing() -> None:
    """A window without a document has no nodes."""
    assert Index((Column(()), Column(()))).rank("a", 5) == []
