"""How well a few typed letters fit a name: whole > prefix > word start > initials > inside >
scattered. No Qt; the library, the search popup and the command palette share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

T = TypeVar("T")

WHOLE, PREFIX, WORD, INITIALS, INSIDE, SCATTERED = 100.0, 90.0, 80.0, 70.0, 55.0, 35.0
LONGEST = 40  # letters a text may be longer before that costs no more
WIDEST = 3  # scattered letters lie within so many times their own number
SEVERAL = 0.9  # share of the score that words in several fields keep
_MOST_STARTS = 8  # words that initials are looked for in: it bounds the search


@dataclass(frozen=True, slots=True)
class Match:
    """How well a text fits (0 to 100), and the places of its letters that were typed."""

    score: float
    places: tuple[int, ...] = ()


class Field(NamedTuple):
    """A text that an entry may be found by. `weight` is its share of the score.

    Letters scattered over a text that is not `loose` do not count: sentences hold any letters.
    """

    text: str
    weight: float = 1.0
    loose: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """An entry's score, and the places in its first field of the letters that were typed."""

    score: float
    places: tuple[int, ...]


def match(query: str, text: str, loose: bool = True) -> Match | None:
    """How `text` fits `query`, whatever the case; None when it does not."""
    typed = query.strip().lower()
    if not typed:
        return Match(0.0)
    folded, starts = prepared(text)
    at = _contiguous(typed, folded, starts)
    if at >= 0:
        band = WHOLE if typed == folded else PREFIX if at == 0 else WORD if at in starts else INSIDE
        return Match(band - _excess(typed, folded), tuple(range(at, at + len(typed))))
    if not loose or not _is_within(typed, folded):
        return None
    places = _initials(typed, folded, starts[:_MOST_STARTS])
    if places is not None:
        return Match(INITIALS - _excess(typed, folded), places)
    places = _scattered(typed, folded)
    gaps = places[-1] - places[0] + 1 - len(typed)
    if gaps > len(typed) * (WIDEST - 1):
        return None
    return Match(SCATTERED - min(gaps, 20) - _excess(typed, folded), places)


def find(query: str, fields: Sequence[Field]) -> Found | None:
    """How an entry fits `query`: all of it in one field, else each of its words in some field."""
    whole = _best(query, fields)
    words = query.split()
    if len(words) < 2:
        return whole
    parts = [_best(word, fields) for word in words]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return whole
    score = SEVERAL * sum(part.score for part in known) / len(known)
    if whole is not None and whole.score >= score:
        return whole
    return Found(score, tuple(sorted({place for part in known for place in part.places})))


def rank(
    query: str, entries: Iterable[T], fields: Callable[[T], Sequence[Field]]
) -> list[tuple[T, Found]]:
    """The entries that fit, best first; equal ones, and all for an empty query, as they came."""
    hits = [(entry, found) for entry in entries if (found := find(query, fields(entry)))]
    hits.sort(key=lambda hit: -hit[1].score)
    return hits


def _best(query: str, fields: Sequence[Field]) -> Found | None:
    """The field that fits best; of the first, letters in one piece are lit also when it is less."""
    best: Found | None = None
    lit: tuple[int, ...] = ()
    for index, field in enumerate(fields):
        hit = match(query, field.text, field.loose)
        if hit is None:
            continue
        if index == 0 and _in_one_piece(hit.places):
            lit = hit.places
        score = hit.score * field.weight
        if best is None or score > best.score:
            best = Found(score, hit.places if index == 0 else lit)
    return best


def _in_one_piece(places: Sequence[int]) -> bool:
    return not places or places[-1] - places[0] == len(places) - 1


def _contiguous(typed: str, folded: str, starts: Sequence[int]) -> int:
    """Where `typed` stands in one piece, at the start of a word if it can; -1 when nowhere."""
    first = folded.find(typed)
    if first <= 0:
        return first
    return next((at for at in starts if folded.startswith(typed, at)), first)


def _excess(typed: str, folded: str) -> float:
    return 0.1 * min(len(folded) - len(typed), LONGEST)


def _is_within(typed: str, folded: str) -> bool:
    letters = iter(folded)
    return all(letter in letters for letter in typed)


def _initials(typed: str, folded: str, starts: Sequence[int]) -> tuple[int, ...] | None:
    """Places of pieces that each begin a word: "mp2" in MaxPool2d; None when there are none."""
    if not typed:
        return ()
    for index, start in enumerate(starts):
        length = 0
        while length < len(typed) and folded[start + length :][:1] == typed[length]:
            length += 1
        for taken in range(length, 0, -1):
            later = [s for s in starts[index + 1 :] if s >= start + taken]
            rest = _initials(typed[taken:], folded, later)
            if rest is not None:
                return (*range(start, start + taken), *rest)
    return None


def _scattered(typed: str, folded: str) -> tuple[int, ...]:
    """Places of the letters in order, as far left as they go."""
    places, at = [], -1
    for letter in typed:
        at = folded.index(letter, at + 1)
        places.append(at)
    return tuple(places)


@lru_cache(maxsize=1 << 15)
def prepared(text: str) -> tuple[str, tuple[int, ...]]:
    """The text without case, and where its words begin: MaxPool2d has three."""
    folded = text.lower()
    if len(folded) != len(text):  # "İ" becomes two letters: places would not be the text's
        folded = text
    starts = [
        at
        for at, letter in enumerate(text)
        if letter.isalnum() and (at == 0 or _begins_word(text[at - 1], letter))
    ]
    return folded, tuple(starts)


def _begins_word(before: str, letter: str) -> bool:
    if not before.isalnum():
        return True
    return (letter.isupper() and not before.isupper()) or (letter.isdigit() and before.isalpha())
