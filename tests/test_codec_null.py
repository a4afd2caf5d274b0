"""The codec: what may be left out may also be null, and nothing else may."""

from __future__ import annotations

import pytest

from explorer.errors import ProjectError
from explorer.state import Latent, Truncation
from explorer.state.codec import decode


def test_null_is_none_where_none_is_allowed() -> None:
    assert decode(Truncation, {"psi": 0.5, "cutoff": None}) == Truncation(0.5)
    assert decode(Latent, {"seed": 3, "blend": None}) == Latent(3)


@pytest.mark.parametrize("field", ["seed", "x", "stored"])
def test_null_is_refused_elsewhere(field: str) -> None:
    with pytest.raises(ProjectError, match=field):
        decode(Latent, {field: None})
