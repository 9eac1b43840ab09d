"""`import netloom` gives plug-ins and scripts the public names, and loads little."""

import pytest

import netloom


@pytest.mark.parametrize("name", netloom.API)
def test_every_public_name_is_there(name: str) -> None:
    """And is called so where it comes from."""
    assert getattr(netloom, name).__name__ == name


def test_other_names_are_not() -> None:
    """As from any module."""
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        netloom.frobnicate  # noqa: B018
