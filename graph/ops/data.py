"""Data sources: columns of a data set, one row a sample."""

from __future__ import annotations

from collections.abc import Mapping

from graph.kinds import DataSource
from graph.op import Port, setting
from graph.program import TensorType


class Digits(DataSource):
    """1,797 handwritten digits, 8×8 grey values from 0 to 1 (Alpaydin & Kaynak 1998, UCI).

    Outputs: `image` N×1×8×8 and `label` N, the digit.
    """

    category, icon = "Data", "digits"
    caption = "1,797 images"
    keywords = ("mnist", "images", "handwriting", "classification")
    outputs = (Port("image", "image"), Port("label", "labels"))

    def sample_types(self) -> Mapping[str, TensorType]:
        return {"image": TensorType((1, 8, 8)), "label": TensorType((), "int")}

    def class_names(self) -> tuple[str, ...]:
        return tuple("0123456789")

    def id_count(self, port: str) -> int:
        return len(self.class_names())


class ToyData(DataSource):
    """Points in the plane, generated: moons, circles, spiral, xor; or a curve to regress.

    Outputs: `features` N×2 and `target` N, class 0 or 1; for the regression N×1 and N×1.
    """

    category, icon = "Data", "scatter"
    title = "Toy data"
    keywords = ("moons", "circles", "spiral", "xor", "regression", "playground", "two classes")
    outputs = (Port("features", "vector"), Port("target", "labels"))
    summary = ("shape", "samples_count")
    shape: str = setting(
        "moons", "What to draw", choices=("moons", "circles", "spiral", "xor", "regression")
    )
    samples_count: int = setting(500, "How many points", min=10, max=1_000_000, label="samples")
    noise: float = setting(0.1, "Standard deviation of the noise", min=0.0, max=10.0)
    seed: int = setting(0, "Seed of the points", min=0, max=2**63 - 1)

    def ports_out(self) -> tuple[Port, ...]:
        numbers = self.shape == "regression"
        return (Port("features", "vector"), Port("target", "vector" if numbers else "labels"))

    def sample_types(self) -> Mapping[str, TensorType]:
        if self.shape == "regression":
            return {"features": TensorType((1,)), "target": TensorType((1,))}
        return {"features": TensorType((2,)), "target": TensorType((), "int")}

    def class_names(self) -> tuple[str, ...]:
        return () if self.shape == "regression" else ("0", "1")

    def id_count(self, port: str) -> int:
        return len(self.class_names())
