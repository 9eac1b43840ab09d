"""What runs call metrics."""

from graph.op import REGISTRY
from graph.ops.metric import metric_names


def named(**metrics: str) -> dict[str, str]:
    """The names of nodes of these types."""
    return metric_names({id: REGISTRY[type_]() for id, type_ in metrics.items()})


def test_one_of_a_kind_has_the_name_of_the_kind() -> None:
    assert named(a="Accuracy", b="R2Score") == {"a": "accuracy", "b": "r2"}


def test_several_of_a_kind_are_told_apart_by_their_nodes() -> None:
    found = named(adam="Accuracy", sgd_accuracy="Accuracy", error="MeanAbsoluteErrorMetric")
    assert found == {"adam": "accuracy_adam", "sgd_accuracy": "accuracy_sgd", "error": "mae"}


def test_no_two_nodes_get_one_name() -> None:
    found = named(adam="Accuracy", adam_accuracy="Accuracy")
    assert found == {"adam": "accuracy_adam", "adam_accuracy": "accuracy_adam_accuracy"}
