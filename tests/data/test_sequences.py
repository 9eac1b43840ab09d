"""Generated sequences, and windows of a text."""

from pathlib import Path

import numpy as np
import pytest

from compute.data import DataError, Folder
from compute.data.sequences import load_sequences, load_text
from graph.ops.sequences import ALPHABET, Text, ToySequences


def test_a_sine_goes_on_where_its_window_ends() -> None:
    """Without noise the target follows from the last three values: a sine is a recurrence."""
    arrays = load_sequences(ToySequences(steps=12, samples_count=50, noise=0.0)).arrays
    wave, target = arrays["sequence"][:, :, 0], arrays["target"][:, 0]
    factor = (wave[:, 2:] + wave[:, :-2])[:, -1] / wave[:, -2]
    np.testing.assert_allclose(target, factor * wave[:, -1] - wave[:, -2], atol=1e-6)
    noisy = load_sequences(ToySequences(steps=12, samples_count=50, noise=0.3)).arrays
    spread = np.std(noisy["sequence"][:, :, 0] - wave)
    assert 0.25 < spread < 0.35


@pytest.mark.parametrize("steps", [2, 7, 24])
def test_the_sum_is_that_of_one_number_in_each_half(steps: int) -> None:
    arrays = load_sequences(ToySequences(task="adding", steps=steps, samples_count=200)).arrays
    numbers, marks = arrays["sequence"][:, :, 0], arrays["sequence"][:, :, 1]
    assert set(np.unique(marks)) <= {0.0, 1.0}
    assert (marks[:, : steps // 2].sum(1) == 1).all()
    assert (marks[:, steps // 2 :].sum(1) == 1).all()
    assert (marks.sum(0) > 0).all()  # every step is marked in some
    np.testing.assert_allclose(arrays["target"][:, 0], (numbers * marks).sum(1))


def test_symbols_are_reversed() -> None:
    op = ToySequences(task="reverse", steps=5, symbols=4, samples_count=100)
    loaded = load_sequences(op)
    sequence, target = loaded.arrays["sequence"], loaded.arrays["target"]
    assert sequence.dtype == target.dtype == np.int64
    assert set(np.unique(sequence)) == {0, 1, 2, 3}
    assert (target == sequence[:, ::-1]).all()
    assert loaded.class_names == ("0", "1", "2", "3")


def test_other_seeds_give_other_sequences() -> None:
    for task in ("sine", "adding", "reverse"):
        first, again, other = (
            load_sequences(ToySequences(task=task, seed=seed)).arrays["sequence"]
            for seed in (0, 0, 1)
        )
        assert (first == again).all()
        assert (first != other).any()


def text(folder: Path, content: bytes, **settings: object) -> dict[str, list[str]]:
    """The windows of a file, as texts."""
    (folder / "some.txt").write_bytes(content)
    op = Text(path="some.txt", **settings)  # type: ignore[arg-type]
    loaded = load_text(op, Folder(folder), "text")
    assert len(loaded.class_names) == len(ALPHABET) + 1
    letters = "?" + ALPHABET
    return {k: ["".join(letters[c] for c in row) for row in a] for k, a in loaded.arrays.items()}


def test_windows_follow_one_another(tmp_path: Path) -> None:
    """The last ones that are not whole are left out."""
    found = text(tmp_path, b"abcdefgh", steps=3)
    assert found == {"text": ["abc", "def"], "next": ["bcd", "efg"]}
    found = text(tmp_path, b"abcde", steps=3, stride=1)
    assert found == {"text": ["abc", "bcd"], "next": ["bcd", "cde"]}


def test_line_ends_and_foreign_characters(tmp_path: Path) -> None:
    content = "\ufeffa\r\n\tö~ 🎈b".encode()
    found = text(tmp_path, content, steps=7)
    assert found["text"] == ["a\n??~ ?"]
    assert found["next"] == ["\n??~ ?b"]


def test_bad_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"text: found 2 characters, expected 4 at least"):
        text(tmp_path, b"ab", steps=3)
    with pytest.raises(DataError, match=r"byte 0xff at 1, expected text in UTF-8"):
        text(tmp_path, b"a\xffb", steps=3)
    with pytest.raises(DataError, match=r"no file"):
        load_text(Text(path="none.txt"), Folder(tmp_path), "text")
