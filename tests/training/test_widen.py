"""A wider generator draws what the narrower one drew, and a run grows on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.errors import UsageError
from explorer.generators.base import NoiseSpec
from explorer.generators.registry import build
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters
from explorer.training.loop import run
from explorer.training.pack import export, load_packed
from explorer.training.widen import widened

from .test_loop import settings
from .test_networks import TINY, tiny

_NARROW = {"channel_base": 64, "channel_max": 12}


@pytest.mark.parametrize("family", TINY)
def test_the_picture_stays(family: str) -> None:
    torch.manual_seed(0)
    narrow, wide = build(family, tiny(family) | _NARROW), build(family, tiny(family))
    for parameter in narrow.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    wide.load_state_dict(widened(narrow.state_dict(), wide))
    with torch.no_grad():
        ws = narrow.broadcast(narrow.mapping(torch.randn(2, 64)))
        before, after = (g.synthesis(ws, noise=NoiseSpec(mode="none")) for g in (narrow, wide))
    assert before.std() > 0.01
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("changes", [{"w_dim": 24}, {"mapping_layers": 3}, {"channel_max": 4}])
def test_other_differences_are_refused(changes: dict[str, int]) -> None:
    narrow, wide = build("stylegan3-t", tiny("stylegan3-t")), build("stylegan3-t", tiny("stylegan3-t") | changes)
    with pytest.raises(UsageError):
        widened(narrow.state_dict(), wide)


def test_a_run_grows_and_the_packed_file_is_wide(tmp_path: Path) -> None:
    data = Critters([pack(tmp_path / "critters.npy", 8, 16, batch=8)])
    changes = {"guide_weight": 1.0, "adversarial_kimg": 1e9, "narrower": [(0.008, _NARROW)]}
    first = run(settings("stylegan3-r", tmp_path / "run", **changes, total_kimg=0.004), data)
    assert (first.shown, first.g.layers[0].info.channels) == (4, 12)
    trainer = run(settings("stylegan3-r", tmp_path / "run", **changes), data)  # goes on narrow, then grows
    assert (trainer.shown, trainer.g.layers[0].info.channels) == (24, 16)
    generator = load_packed(export(tmp_path / "run", "grown", tmp_path / "assets"))
    assert generator.layers[0].info.channels == 16
    assert "fewer channels" in (tmp_path / "assets" / "grown.md").read_text()
