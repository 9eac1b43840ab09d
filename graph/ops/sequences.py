"""Data sources whose samples are sequences: generated ones, and windows of a text."""

from __future__ import annotations

from collections.abc import Mapping

from graph.kinds import DataSource
from graph.op import Port, setting
from graph.program import TensorType

# What a text is made of, in ascending order.
ALPHABET = "\n" + "".join(map(chr, range(ord(" "), ord("~") + 1)))


class ToySequences(DataSource):
    """Short sequences, generated: a curve to go on with, a sum to remember, symbols to reverse.

    sine: `sequence` N×T×1 is a noisy sine wave, `target` N×1 its next value. adding: `sequence`
    N×T×2 has a number from 0 to 1 and a mark at each step, `target` N×1 is the sum of the two
    marked numbers, which a net has to remember (Hochreiter & Schmidhuber 1997, §5.4). reverse:
    `sequence` N×T symbols, `target` N×T the same from the last to the first.
    """

    category, icon = "Data", "recurrent"
    title = "Toy sequences"
    keywords = ("time series", "sine", "forecast", "adding problem", "reverse", "copy", "tokens")
    outputs = (Port("sequence", "sequence"), Port("target", "vector"))
    summary = ("task", "steps")
    task: str = setting("sine", "What is to be learnt", choices=("sine", "adding", "reverse"))
    steps: int = setting(24, "Length of a sequence", min=2, max=10_000)
    samples_count: int = setting(1000, "How many sequences", min=10, max=1_000_000, label="samples")
    symbols: int = setting(10, "Different symbols, to reverse", min=2, max=1000, advanced=True)
    noise: float = setting(0.05, "Standard deviation of the noise on a sine", min=0.0, max=10.0)
    seed: int = setting(0, "Seed of the sequences", min=0, max=2**63 - 1)

    def ports_out(self) -> tuple[Port, ...]:
        if self.task == "reverse":
            return (Port("sequence", "labels"), Port("target", "labels"))
        return self.outputs

    def sample_types(self) -> Mapping[str, TensorType]:
        if self.task == "reverse":
            symbols = TensorType((self.steps,), "int")
            return {"sequence": symbols, "target": symbols}
        features = 2 if self.task == "adding" else 1
        return {"sequence": TensorType((self.steps, features)), "target": TensorType((1,))}

    def class_names(self) -> tuple[str, ...]:
        return tuple(map(str, range(self.symbols))) if self.task == "reverse" else ()

    def id_count(self, port: str) -> int:
        return len(self.class_names())


class Text(DataSource):
    """Windows of a text file, character by character, and the character that follows each.

    Outputs: `text` N×T and `next` N×T, the same one character on. A character is its place among
    line feed and the printable ones of ASCII, counted from 1; 0 stands for all others, so there are
    97 classes. Windows stand `stride` characters apart; where that is free, none overlap.
    """

    category, icon = "Data", "book"
    keywords = ("characters", "language model", "tokens", "corpus", "file", "char-rnn", "nlp")
    outputs = (Port("text", "labels"), Port("next", "labels"))
    summary = ("path", "steps")
    path: str = setting("", "File to read; a relative path starts at the graph's folder")
    steps: int = setting(32, "Characters of a window", min=1, max=100_000)
    stride: int | None = setting(
        None, "Characters from one window to the next; free: those of a window", min=1, max=100_000
    )

    def sample_types(self) -> Mapping[str, TensorType]:
        window = TensorType((self.steps,), "int")
        return {"text": window, "next": window}

    def class_names(self) -> tuple[str, ...]:
        names = {"\n": "line feed", " ": "space"}
        return ("unknown", *(names.get(one, one) for one in ALPHABET))
