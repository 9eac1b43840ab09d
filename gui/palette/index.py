"""A long list searched at once. NumPy finds how well each entry can fit at the most; only the best
of these are then matched as `fuzzy.find` does it, so what is found is the same. No Qt.

Ten thousand names matched one after another take 70 ms a letter, this 10.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gui.palette.fuzzy import (
    INITIALS,
    INSIDE,
    LONGEST,
    PREFIX,
    SCATTERED,
    SEVERAL,
    WHOLE,
    WIDEST,
    WORD,
    Field,
    Found,
    find,
    prepared,
)

Places = NDArray[np.intp]
Scores = NDArray[np.float64]
SLACK = 1e-6  # of sums in another order


class Column(NamedTuple):
    """One field of every entry: its texts, and what `Field` says of them."""

    texts: Sequence[str]
    weight: float = 1.0
    loose: bool = True


class Index:
    """Entries by number, and the columns they may be found by; the first is the one that is lit."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns, self._letters = columns, list[tuple[_Letters, Places]]()
        for column in columns:
            numbers = {text: number for number, text in enumerate(dict.fromkeys(column.texts))}
            of_entries = np.fromiter(map(numbers.__getitem__, column.texts), np.intp)
            self._letters.append((_Letters(tuple(numbers), column.loose), of_entries))

    def fields(self, entry: int) -> tuple[Field, ...]:
        """What an entry may be found by."""
        return tuple(Field(c.texts[entry], c.weight, c.loose) for c in self._columns)

    def rank(self, query: str, most: int) -> list[tuple[int, Found]]:
        """The `most` entries that fit best, best first; equal ones as they came."""
        bounds = self._bounds(query)
        best: list[float] = []  # exact scores, a heap
        hits: list[tuple[float, int, Found]] = []
        places = np.flatnonzero(bounds)
        for entry in places[np.argsort(-bounds[places], kind="stable")]:
            if len(best) == most and best[0] > bounds[entry] + SLACK:
                break
            found = find(query, self.fields(entry))
            if found is not None:
                hits.append((-found.score, int(entry), found))
                (heapq.heappush if len(best) < most else heapq.heappushpop)(best, found.score)
        hits.sort(key=lambda hit: hit[:2])
        return [(entry, found) for _, entry, found in hits[:most]]

    def _bounds(self, query: str) -> Scores:
        """What each entry scores at the most; 0 for one that does not fit."""
        whole, words = self._best(query.strip().lower()), query.lower().split()
        if len(words) < 2:
            return whole
        parts = np.array([self._best(word) for word in words])
        several: Scores = SEVERAL * parts.mean(axis=0) * (parts > 0).all(axis=0)
        return np.maximum(whole, several)

    def _best(self, typed: str) -> Scores:
        scores = [
            column.weight * letters.bounds(typed)[of_entries]
            for column, (letters, of_entries) in zip(self._columns, self._letters, strict=True)
        ]
        best: Scores = np.maximum.reduce(scores)
        return best


class _Letters:
    """All letters of many texts in one row, each text behind a letter that nobody types."""

    def __init__(self, texts: Sequence[str], loose: bool) -> None:
        row = "".join(f"\n{text}" for text in texts)
        folded = row.lower()
        if len(folded) != len(row):
            folded = "".join(f"\n{prepared(text)[0]}" for text in texts)
        self._row = _numbers(folded)
        self._starts = _starts(row)
        self._length = np.array([len(text) for text in texts], np.intp)
        self._first = np.cumsum(self._length + 1) - self._length
        self._owner = np.repeat(np.arange(len(texts)), self._length + 1)
        self._loose = loose
        self._marked = np.zeros(len(self._row), np.bool_)
        self._places: dict[str, Places] = {}

    def bounds(self, typed: str) -> Scores:
        """What each text scores; at the most, for `match` counts initials of few words only."""
        if not typed:
            return np.zeros(len(self._length))
        found = self._loosely(typed) if self._loose else np.zeros(len(self._length))
        starts = self._in_one_piece(typed)
        owner = self._owner[starts]
        found[owner] = INSIDE
        found[owner[self._starts[starts]]] = WORD
        first = owner[starts == self._first[owner]]
        found[first] = PREFIX
        found[first[self._length[first] == len(typed)]] = WHOLE
        excess = 0.1 * np.minimum(self._length - len(typed), LONGEST)
        return np.where(found > 0, found - excess, 0.0)

    def _in_one_piece(self, typed: str) -> Places:
        """Where the letters begin that stand one behind another."""
        ends = self._of(typed[0])
        for letter in typed[1:]:
            places = self._of(letter)
            ends = places[self._are_behind(places, ends)]
        return ends - (len(typed) - 1)

    def _loosely(self, typed: str) -> Scores:
        """The bands of texts that have the letters in this order, as initials or scattered."""
        initials = places = self._of(typed[0])
        begun = reached = self._earliest(places)
        initials = initials[self._starts[initials]]
        for letter in typed[1:]:
            places = self._of(letter)
            owner = self._owner[places]
            reached = self._earliest(places[places > reached[owner]])
            after = self._starts[places] & (places > self._earliest(initials)[owner])
            initials = places[after | self._are_behind(places, initials)]
        wide = reached - begun + 1
        gaps = wide - len(typed)
        near = (reached < len(self._row)) & (wide <= len(typed) * WIDEST)
        found = np.where(near, SCATTERED - np.minimum(gaps, 20), 0.0)
        found[self._owner[initials]] = INITIALS
        return found

    def _of(self, letter: str) -> Places:
        """Where a letter is, in order."""
        if letter not in self._places:
            self._places[letter] = np.flatnonzero(self._row == ord(letter))
        return self._places[letter]

    def _are_behind(self, places: Places, others: Places) -> NDArray[np.bool_]:
        """Which of the places are next to one of the others."""
        self._marked[others] = True
        found = self._marked[places - 1]
        self._marked[others] = False
        return found

    def _earliest(self, places: Places) -> Places:
        """The first of the places in each text; beyond all where there is none."""
        found = np.full(len(self._length), len(self._row), np.intp)
        found[self._owner[places[::-1]]] = places[::-1]
        return found


def _numbers(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _starts(row: str) -> NDArray[np.bool_]:
    """Where words begin, by the rules of `fuzzy.prepared`."""
    numbers, letters = _numbers(row), set(row)

    def those(which: Callable[[str], bool]) -> NDArray[np.bool_]:
        known = np.zeros(max(map(ord, letters), default=0) + 1, np.bool_)
        known[[ord(letter) for letter in letters if which(letter)]] = True
        return known[numbers]

    words, upper, digits, alpha = map(those, (str.isalnum, str.isupper, str.isdigit, str.isalpha))
    starts = words.copy()
    before = slice(None, -1)
    starts[1:] &= ~words[before] | (upper[1:] & ~upper[before]) | (digits[1:] & alpha[before])
    return starts
