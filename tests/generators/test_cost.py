"""The cost of a picture, told from its configuration, against what pictures take."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from explorer.generators import registry
from explorer.generators.cost import picture_cost

_SG2 = {"img_resolution": 256, "channel_base": 8192, "channel_max": 64, "z_dim": 8, "w_dim": 8}
_SG3 = {**_SG2, "channel_max": 48}
_CASES: list[tuple[str, dict[str, Any]]] = [
    ("stylegan2", {**_SG2, "img_resolution": 512}),
    ("stylegan2", {**_SG2, "resample_filter": [1.0] * 9}),
    ("stylegan2", {**_SG2, "architecture": "resnet"}),
    ("stylegan", {**_SG2, "img_resolution": 512}),
    ("stylegan", {**_SG2, "blur_filter": [1.0] * 9}),
    ("stylegan3-t", _SG3),
    ("stylegan3-r", _SG3),
    ("stylegan3-t", {**_SG3, "img_resolution": 32, "channel_max": 8, "margin_size": 128, "lrelu_upsampling": 3}),
    ("mobilestylegan", {"img_resolution": 512, "w_dim": 8, "channels": [64] * 7}),
    ("tiny", {"img_resolution": 512, "channels": 16}),
]

# Each case in a process of its own: the high-water mark of its memory, less what it held before.
_MEASURE = """
import json, sys
from benchmarks.memory import forget_peak, give_back, now_mb, peak_mb
import torch
from explorer.generators import registry
from explorer.render.headless import HeadlessRenderer
from explorer.state.request import RenderSettings
from explorer.state import Look
torch.set_num_threads(1)
def renderer(family, config):
    generator = registry.build(family, config).requires_grad_(False)
    return HeadlessRenderer(generator, RenderSettings("cpu", "float32", "torch"), budget_bytes=0)
family, config = json.loads(sys.argv[1])
for small in ("stylegan", "stylegan2", "stylegan3-r"):  # what the first picture of a process loads
    renderer(small, {"img_resolution": 16, "channel_max": 4, "z_dim": 4, "w_dim": 4}).render_look(Look())
made = renderer(family, config)
give_back(); forget_peak(); before = now_mb()
made.render_look(Look())
print(peak_mb() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is not told here")
@pytest.mark.parametrize(("family", "config"), _CASES)
def test_memory_is_within_a_factor_of_two(family: str, config: dict[str, Any]) -> None:
    call = [sys.executable, "-c", _MEASURE, json.dumps([family, config])]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    measured = 1e6 * float(done.stdout)
    told = picture_cost(registry.read_config(family, config)).nbytes
    floor = 0.8 * (measured - 30e6)  # what libraries keep for themselves differs from run to run
    assert floor < told < 2.2 * measured, f"told {told / 1e6:.0f} MB, taken {measured / 1e6:.0f} MB"


def _cost(family: str, **config: Any) -> Any:
    return picture_cost(registry.read_config(family, {**_SG2, **config}))


def test_arithmetic_is_that_of_the_convolutions() -> None:
    """By hand: 4x4 and 8x8, 3x3 convolutions of 4 channels, one of them at half the resolution, and 1x1 to RGB."""
    cost = _cost("stylegan2", img_resolution=8, channel_max=4)
    convolutions = 2 * 9 * 16 * (16 + 16 + 64)
    to_rgb = 2 * 4 * 3 * (16 + 64)
    assert cost.flop - 20 * 3 * 64 == convolutions + to_rgb  # and a little for each point of the picture


def test_cost_grows_with_the_picture() -> None:
    for family in ("stylegan", "stylegan2", "stylegan3-t", "stylegan3-r"):
        costs = [_cost(family, img_resolution=size, channel_base=64 * size) for size in (128, 256, 512, 1024)]
        for small, large in itertools.pairwise(costs):
            assert 2 < large.nbytes / small.nbytes < 5
            assert 2 < large.seconds(1e9) / small.seconds(1e9) < 5


def test_the_native_kernels_spare_the_products() -> None:
    published = {"img_resolution": 1024, "channel_base": 65536, "channel_max": 1024}
    config = registry.read_config("stylegan3-r", published)
    with_kernels, without = picture_cost(config, kernels=True), picture_cost(config)
    assert 3 * with_kernels.nbytes < without.nbytes
    odd = registry.read_config("stylegan3-r", {"img_resolution": 256, "filter_size": 5})  # not known to the kernels
    assert picture_cost(odd, kernels=True) == picture_cost(odd)
