"""The torch form of mixing and truncation gives what a render's numpy form gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.generators import style_maths
from explorer.latents import style


@pytest.mark.parametrize("psi", [1.0, 0.5, 0.0, -1.0])
@pytest.mark.parametrize("cutoff", [None, 0, 2])
def test_batches_are_truncated_and_mixed_as_a_picture_is(psi: float, cutoff: int | None) -> None:
    torch.manual_seed(1)
    w, other, centre = torch.randn(2, 4), torch.randn(2, 5, 4), torch.randn(4)
    ws = style_maths.truncate(style_maths.mix(style_maths.broadcast(w, 5), other, 3), centre, psi, cutoff)
    for i in range(2):
        one = style.broadcast(w[i].numpy(), 5)
        one = style.mix(one, [other[i].numpy()], [(3, 0, 1.0), (4, 0, 1.0)])
        one = style.truncate(one, centre.numpy(), style.psi_of_entries(5, psi, cutoff))
        np.testing.assert_allclose(ws[i].numpy(), one, atol=1e-6)


def test_each_class_has_its_own_centre() -> None:
    ws, centres = torch.randn(2, 3, 4), torch.randn(2, 4)
    assert torch.equal(style_maths.truncate(ws, centres, 0.0), centres[:, None].expand(2, 3, 4))
