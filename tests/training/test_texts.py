"""What comes behind a short text: the same as at its place in a window of the training."""

from pathlib import Path

import numpy as np
import pytest

from compute.answers import answer
from compute.control import Control
from compute.prepare import TrainOptions
from compute.questions import Next, Output, Predict, Predicted, Unanswered
from compute.session import Session, open_new
from graph.training import Split, Training
from tests.support.small_graphs import draw, op

TEXT = "abcacbbca" * 30
STEPS = 8
SYMBOLS = op("Text").class_names()


def trained(folder: Path, **settings: object) -> Session:
    """A net of one recurrent layer that has learned which letter follows, after its run."""
    (folder / "text.txt").write_text(TEXT, "utf-8")
    last = settings.get("returns") == "last"
    nodes = {
        "text": op("Text", path="text.txt", steps=STEPS, stride=3),
        "embed": op("Embedding", vocabulary=len(SYMBOLS), features=8),
        "gru": op("GRU", **{"units": 12} | settings),
        "letters": op("Dense", units=len(SYMBOLS)),
        "loss": op("CrossEntropy"),
        "adam": op("Adam", learning_rate=0.02),
    }
    wires = """text.text>embed.x embed.y>gru.x gru.y>letters.x loss.loss>adam.loss"""
    if last:
        nodes |= {"end": op("Slice", axis=1, start=STEPS - 1), "one": op("Squeeze", axis=1)}
        nodes |= {"codes": op("OneHot", classes=len(SYMBOLS)), "loss": op("MeanSquaredError")}
        wires += """ letters.y>loss.prediction text.next>codes.x codes.y>end.x end.y>one.x
            one.y>loss.target"""
    else:
        nodes["order"] = op("Permute", order=(2, 1))
        wires += " letters.y>order.x order.y>loss.prediction text.next>loss.target"
    graph = draw(nodes, wires, Training(epochs=4, batch_size=8, split=Split(validation=0.1)))
    session = open_new(graph, TrainOptions("cpu", 1, workspace=folder / "w", folder=folder))
    for _ in session.events(Control()):
        pass
    return session


def window(text: str) -> np.ndarray:
    """A text as symbols."""
    return np.array([SYMBOLS.index(letter) for letter in text])


def said(session: Session, text: str) -> tuple[Output, bool]:
    """What the net says comes behind a text, and whether that was read at the end of a window."""
    found = answer(Next("text.text", window(text)), session.job, session.loaded)
    assert isinstance(found, Predicted), found
    return found.outputs[0], found.at_end


def whole(session: Session, text: str) -> Output:
    """What it says of a whole window."""
    found = answer(Predict({"": window(text)[None]}), session.job, session.loaded)
    assert isinstance(found, Predicted), found
    return found.outputs[0]


def test_a_short_text_is_read_as_the_beginning_of_a_window(tmp_path: Path) -> None:
    """The same shares as at that place of the whole window, whatever follows there."""
    session = trained(tmp_path)
    every = whole(session, TEXT[:STEPS]).places
    assert every is not None
    for count in range(1, STEPS + 1):
        output, at_end = said(session, TEXT[:count])
        assert not at_end
        np.testing.assert_allclose(output.values[0], every.first[count - 1], rtol=1e-5)
    longer, _ = said(session, TEXT[: STEPS + 4])
    np.testing.assert_allclose(longer.values, whole(session, TEXT[4 : STEPS + 4]).values, rtol=1e-5)
    session.close()


@pytest.mark.parametrize("settings", [{"bidirectional": True}, {"returns": "last"}], ids=str)
def test_a_net_that_looks_ahead_reads_it_at_the_end(
    settings: dict[str, object], tmp_path: Path
) -> None:
    """Where it had nothing behind it in training either: filled up behind, it says otherwise."""
    session = trained(tmp_path, **settings)
    output, at_end = said(session, TEXT[:STEPS])
    assert not at_end
    np.testing.assert_allclose(output.values, whole(session, TEXT[:STEPS]).values, rtol=1e-5)
    short, count = np.zeros(STEPS, np.int64), 3
    short[-count:] = window(TEXT[:count])
    output, at_end = said(session, TEXT[:count])
    assert at_end
    found = answer(Predict({"": short[None]}), session.job, session.loaded)
    assert isinstance(found, Predicted)
    np.testing.assert_allclose(output.values, found.outputs[0].values, rtol=1e-5)
    filled = np.roll(short, count)
    found = answer(Predict({"": filled[None]}), session.job, session.loaded)
    assert isinstance(found, Predicted)
    behind = found.outputs[0].at(count - 1).values
    assert np.abs(behind - output.values).max() > 1e-3
    session.close()


def test_without_a_text_nothing_is_said(tmp_path: Path) -> None:
    session = trained(tmp_path)
    found = answer(Next("text.text", np.zeros(0, np.int64)), session.job, session.loaded)
    assert isinstance(found, Unanswered)
    assert "one symbol at least" in found.message
    session.close()
